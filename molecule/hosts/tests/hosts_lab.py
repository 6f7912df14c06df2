# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real nodes that are a swarm, and ways to look at them that share no code with the collection."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import Any

from tests.lab.scenario import ROOT, Finished, Lab

LAB = os.environ.get("FLOTILLA_LAB", "hosts")
lab = Lab(LAB)
NODES = ("m1", "w1")
DAEMON_JSON = "/etc/docker/daemon.json"
PYTHON = "import docker; api = docker.APIClient(); "


class Run(Finished):
    @property
    def changed(self) -> dict[str, int]:
        """Host -> number of changed tasks."""
        return self.recap


def play(tags: str, *arguments: str, **variables: Any) -> Run:
    """Run the roles of converge.yml that bear these tags."""
    return playbook(
        "molecule/hosts/converge.yml", "--tags", tags, *arguments, volumes_present=variables.pop("volumes_present", []), **variables
    )


def playbook(path: str, *arguments: str, **variables: Any) -> Run:
    """Variables go by a file: -vvvv shows what was on the command line."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given:
        json.dump({"swarm_name": "lab", **variables}, given)
        given.flush()
        command = ["ansible-playbook", "-i", "inventories/lab", path, "-e", f"@{given.name}", *arguments]
        environment = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "false"}
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Run(done.returncode, done.stdout)


def on(node: str, command: str, stdin: str = "") -> str:
    return lab.on(node, command, stdin).strip()


def sdk(node: str, code: str) -> str:
    return on(node, "python3 -", PYTHON + code)


def daemon_json(node: str) -> dict[str, Any]:
    return dict(json.loads(on(node, f"cat {DAEMON_JSON}")))


def unit(node: str, name: str) -> str:
    return on(node, f"systemctl show docker --value --property {name}")


def address(node: str) -> str:
    return on(node, "ip -oneline -4 address show eth0").split()[3].split("/")[0]


IMAGE = "lab/tiny:1"
# Nothing can be pulled: the image is made of the node's own perl and shell.
_IMPORT = """
import io, os, subprocess, tarfile
programs = ["/usr/bin/perl", "/bin/sh", "/usr/bin/stat", "/usr/bin/printenv", "/usr/bin/tail"]
programs += [f"/bin/{name}" for name in ("cat", "grep", "sed", "sleep")]
listed = " ".join(subprocess.check_output(["ldd", program], text=True) for program in programs).split()
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w") as tar:
    for path in sorted({*programs, *(word for word in listed if word.startswith("/") and not word.endswith(":"))}):
        tar.add(os.path.realpath(path), path)
    tar.add("/usr/lib/x86_64-linux-gnu/perl-base")
api.import_image_from_data(packed.getvalue(), repository="lab/tiny", tag="1")
"""


def have_image(node: str) -> None:
    """Have IMAGE on a node, with a shell and a few commands in it."""
    if sdk(node, f"print(len(api.images({IMAGE!r})))") == "0":
        sdk(node, _IMPORT)
