# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes whose daemon.json, mounts, volumes and firewall change."""

from __future__ import annotations

import json
from typing import Any

from . import Run, Scenario

_scenario = Scenario({"swarm_name": "lab"})
address, lab, playbook = _scenario.address, _scenario.lab, _scenario.play
NODES = ("m1", "w1")
DAEMON_JSON = "/etc/docker/daemon.json"


def play(tags: str, *arguments: str, **variables: Any) -> Run:
    """Run the roles of converge.yml that bear these tags."""
    return playbook("molecule/hosts/converge.yml", "--tags", tags, *arguments, **{"volumes_present": [], **variables})


def on(node: str, command: str, stdin: str = "") -> str:
    return _scenario.on(node, command, stdin).strip()


def sdk(node: str, code: str) -> str:
    return _scenario.sdk(node, code).strip()


def daemon_json(node: str) -> dict[str, Any]:
    return dict(json.loads(on(node, f"cat {DAEMON_JSON}")))


def unit(node: str, name: str) -> str:
    return on(node, f"systemctl show docker --value --property {name}")


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
