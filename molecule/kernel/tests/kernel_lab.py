# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three managers with kernels of their own, and ways to look at them that share no code with the collection."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.lab.scenario import ROOT, Finished, Lab

SCENARIO = ROOT / "molecule/kernel"
LAB = os.environ.get("FLOTILLA_LAB", "uml")
lab = Lab(LAB)
on = lab.on
NODES = ("m1", "m2", "m3")
SERVER = "m1"  # of NFS: the lab's inventory says so
CLIENT = "m2"  # the node that mounts a directory itself
PORT = 8080
ENVIRONMENT = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
GIVEN: dict[str, Any] = yaml.safe_load((SCENARIO / "probe/vars.yml").read_text())
WEB = {"name": "web", "files": ["molecule/kernel/probe/web.yml"], "resolve_image": "never", "wait_timeout": "5m"}
SECRET = {"name": "secret", "files": ["molecule/kernel/probe/secret.yml"], "resolve_image": "never", "wait_timeout": "5m"}
FILES = {"name": "files", "files": ["molecule/kernel/probe/files.yml"], "resolve_image": "never", "wait_timeout": "5m"}

PYTHON = "import docker, json, os, sys; api = docker.APIClient(timeout=60)\n"
LOOK = """
nodes = api.nodes()
names = {n["ID"]: n["Description"]["Hostname"] for n in nodes}
print(json.dumps({
    "cluster": api.inspect_swarm()["ID"],
    "leader": next((names[n["ID"]] for n in nodes if n.get("ManagerStatus", {}).get("Leader")), ""),
    "ready": sorted(names[n["ID"]] for n in nodes if n["Status"]["State"] == "ready" and n["ManagerStatus"]["Reachability"] == "reachable"),
    "availability": {names[n["ID"]]: n["Spec"]["Availability"] for n in nodes},
    "tasks": {
        s["Spec"]["Name"]: {
            names[t["NodeID"]]: t["ID"] for t in api.tasks({"service": s["ID"], "desired-state": "running"})
            if t["Status"]["State"] == "running" and "NodeID" in t
        }
        for s in api.services()
    },
}))
"""
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


class Run(Finished):
    @property
    def changed(self) -> dict[str, int]:
        """Node -> number of changed tasks."""
        return {host: count for host, count in self.recap.items() if host.startswith(NODES)}


def start(*arguments: str, playbook: str = "site.yml", **variables: Any) -> subprocess.Popen[str]:
    command = ["ansible-playbook", "-i", "inventories/lab", playbook, *arguments, "-e", json.dumps({**GIVEN, **variables})]
    return subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def play(*arguments: str, **variables: Any) -> Run:
    process = start(*arguments, **variables)
    out, _err = process.communicate()
    return Run(process.returncode, out)


def converge(*arguments: str, **variables: Any) -> Run:
    """Run to success."""
    run = play(*arguments, **variables)
    assert run.rc == 0, run.out
    return run


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


def sdk(node: str, code: str) -> str:
    return on(node, "python3 -", PYTHON + code)


def look(node: str = "m1") -> dict[str, Any]:
    return dict(json.loads(sdk(node, LOOK)))


def inside(node: str, service: str, *command: str) -> str:
    """The output of a busybox command in the service's task on a node."""
    return sdk(node, EXECUTE.format(service=service, command=["/bin/busybox", *command]))


def until(what: Callable[[], Any], seconds: float = 300) -> Any:
    """The first result of *what* that is true; what it does not get, or AssertionErrors, count as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := what():
                return found
            problem = f"{found!r}"
        except (AssertionError, OSError) as error:
            problem = str(error)
        assert time.monotonic() < deadline, f"not in {seconds} s: {problem}"
        time.sleep(1)


def address(node: str) -> str:
    folder = Path(os.environ.get("FLOTILLA_LAB_STATE", Path.home() / ".local/state/flotilla-lab")) / LAB
    return next(str(found["address"]) for found in json.loads((folder / "lab.json").read_text())["nodes"] if found["name"] == node)


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


def everywhere(service: str, node: str = "m1") -> dict[str, str]:
    """Node -> task, once all nodes are ready and the service runs on each of them."""

    def found() -> dict[str, str] | None:
        seen = look(node)
        tasks: dict[str, str] = seen["tasks"].get(service, {})
        return tasks if seen["ready"] == sorted(tasks) == list(NODES) else None

    return dict(until(found))


def answers_everywhere() -> None:
    """Each node's published port leads to the tasks of all nodes."""
    missing = {(node, other) for node in NODES for other in NODES}

    def asked() -> bool:
        for node, _other in sorted(missing):
            missing.discard((node, ask(node, timeout=5)))
        return not missing

    until(asked)
