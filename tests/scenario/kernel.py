# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three managers with kernels of their own, and a service with a published port on all of them."""

from __future__ import annotations

import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import yaml

from . import ROOT, Run, Scenario, Seen, running, until

_scenario = Scenario(yaml.safe_load((ROOT / "molecule/kernel/probe/vars.yml").read_text()))
address, lab, look, on, sdk = _scenario.address, _scenario.lab, _scenario.look, _scenario.on, _scenario.sdk
NODES = ("m1", "m2", "m3")
SERVER = "m1"  # of NFS: the lab's inventory says so
CLIENT = "m2"  # the node that mounts a directory itself
PORT = 8080
WEB = {"name": "web", "files": ["molecule/kernel/probe/web.yml"], "resolve_image": "never", "wait_timeout": "5m"}
SECRET = {"name": "secret", "files": ["molecule/kernel/probe/secret.yml"], "resolve_image": "never", "wait_timeout": "5m"}
FILES = {"name": "files", "files": ["molecule/kernel/probe/files.yml"], "resolve_image": "never", "wait_timeout": "5m"}

# There is no registry: the image is made of one program of the node's disk.
IMAGE = """
import io, tarfile
if not api.images("127.0.0.1:5000/tiny:1"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
    api.import_image_from_data(packed.getvalue(), repository="127.0.0.1:5000/tiny", tag="1")
"""
EXECUTE = """
container, = api.containers(filters={{"label": "com.docker.swarm.service.name={service}"}})
run = api.exec_create(container, {command!r})["Id"]
print(api.exec_start(run).decode(), end="")
sys.exit(api.exec_inspect(run)["ExitCode"])
"""


def start(*arguments: str, playbook: str = "site.yml", **variables: Any) -> subprocess.Popen[str]:
    return _scenario.start(playbook, *arguments, **variables)


def play(*arguments: str, playbook: str = "site.yml", **variables: Any) -> Run:
    return _scenario.play(playbook, *arguments, **variables)


def converge(*arguments: str, playbook: str = "site.yml", **variables: Any) -> Run:
    """Run to success."""
    return _scenario.converge(playbook, *arguments, **variables)


def role(name: str, *arguments: str, **variables: Any) -> Run:
    """A role of site.yml alone. The rest of the site looks at every node too, and that takes these nodes longer than the role."""
    return play("--tags", name, "--skip-tags", "always", *arguments, **variables)


def apply(name: str, *arguments: str, **variables: Any) -> Run:
    """The same, to success."""
    run = role(name, *arguments, **variables)
    assert run.rc == 0, run.out
    return run


@cache
def have_image() -> None:
    with ThreadPoolExecutor(len(NODES)) as pool:
        list(pool.map(sdk, NODES, [IMAGE] * len(NODES)))


def deploy(*stacks: dict[str, Any]) -> Run:
    have_image()
    return converge(playbook="playbooks/deploy.yml", stacks_present=list(stacks))


@cache
def have_web() -> None:
    """The service with a published port on all nodes, which no test removes."""
    deploy(WEB)
    everywhere("web_web")
    answers_everywhere()


def inside(node: str, service: str, *command: str) -> str:
    """The output of a busybox command in the service's task on a node."""
    return sdk(node, EXECUTE.format(service=service, command=["/bin/busybox", *command]))


def reboot(node: str) -> None:
    """Off and on. Afterwards the service is there again on every node."""
    booted = on(node, "cat /proc/sys/kernel/random/boot_id")
    lab("reboot", node)
    assert on(node, "cat /proc/sys/kernel/random/boot_id") != booted
    everywhere("web_web", node)
    answers_everywhere()


def ask(node: str, timeout: float = 20) -> str:
    """Which node's task answers on a node's published port. OSError when none does."""
    with urllib.request.urlopen(f"http://{address(node)}:{PORT}/node", timeout=timeout) as answer:
        return str(answer.read().decode().strip())


def ready(seen: Seen) -> list[str]:
    """The managers that the others reach."""
    return sorted(node["name"] for node in seen["nodes"] if (node["state"], node["reachability"]) == ("ready", "reachable"))


def everywhere(service: str, node: str = "m1") -> dict[str, str]:
    """Node -> task, once all nodes are ready and the service runs on each of them."""

    def found() -> dict[str, str] | None:
        seen = look(node)
        if service not in seen["services"]:
            return None
        tasks = {home: task for task, home in running(seen["services"][service]).items()}
        return tasks if ready(seen) == sorted(tasks) == list(NODES) else None

    return until(found, f"{service} on each node", seconds=300)


def answers_everywhere() -> None:
    """Each node's published port leads to the tasks of all nodes."""
    missing = {(node, other) for node in NODES for other in NODES}

    def asked() -> bool:
        for node, _other in sorted(missing):
            missing.discard((node, ask(node, timeout=5)))
        return not missing

    until(asked, "an answer of each node to each", seconds=300)
