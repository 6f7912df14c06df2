# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying through the public module, and looking at what the engines say without it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.lab.scenario import ROOT, Finished, Lab

SCENARIO = ROOT / "molecule/stack"
LAB = os.environ.get("FLOTILLA_LAB", "stack")
lab = Lab(LAB)
on = lab.on
NODES = ("m1", "m2", "m3")
ENVIRONMENT = {**os.environ, "FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}

LOOK = """
import docker, json
api = docker.APIClient(timeout=30)
names = {n["ID"]: n["Description"]["Hostname"] for n in api.nodes()}
tasks = {}
for t in api.tasks():
    tasks.setdefault(t["ServiceID"], []).append({
        "id": t["ID"], "node": names.get(t.get("NodeID"), ""), "state": t["Status"]["State"], "wanted": t["DesiredState"],
        "index": t["Version"]["Index"],
    })
print(json.dumps({
    "services": {
        s["Spec"]["Name"]: {
            "id": s["ID"], "index": s["Version"]["Index"], "spec": s["Spec"], "previous": s.get("PreviousSpec"),
            "update": (s.get("UpdateStatus") or {}).get("State", ""), "job": (s.get("JobStatus") or {}).get("JobIteration"),
            "tasks": sorted(tasks.get(s["ID"], []), key=lambda t: t["id"]),
        }
        for s in api.services()
    },
    "configs": sorted(c["Spec"]["Name"] for c in api.configs()),
    "secrets": sorted(s["Spec"]["Name"] for s in api.secrets()),
    "networks": sorted(f'{n["Name"]} {n["Id"]}' for n in api.networks(filters={"scope": "swarm"})),
    "leader": next((names[n["ID"]] for n in api.nodes() if n.get("ManagerStatus", {}).get("Leader")), ""),
}))
"""


class Run(Finished):
    @property
    def changed(self) -> bool:
        """Whether any task changed anything."""
        return any(self.recap.values())

    def lacks(self, *words: str) -> list[str]:
        """Those of the words that the output does not have."""
        return [word for word in words if word not in self.text]


def start(
    *arguments: str, stacks: list[dict[str, Any]], through: str = "m1", registry_auth: list[dict[str, str]] | None = None
) -> subprocess.Popen[str]:
    given = json.dumps({"through": through, "stacks": stacks})
    command = ["ansible-playbook", "-i", "inventories/lab", "molecule/stack/deploy.yml", *arguments, "-e", given]
    environment = {**ENVIRONMENT, "REGISTRY_AUTH": json.dumps(registry_auth or [])}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> Run:
    out, _err = process.communicate()
    return Run(process.returncode, out)


def deploy(*arguments: str, **given: Any) -> Run:
    return finish(start(*arguments, **given))


def address(node: str) -> str:
    return on(node, "ip -4 -o address show eth0").split(" inet ")[1].split("/")[0]


def look(node: str = "m1") -> dict[str, Any]:
    """What the engine's API says now: services with their tasks, and the names of the rest."""
    return dict(json.loads(on(node, "python3 -", LOOK)))


def requests_since(node: str) -> list[str]:
    """Method and path of each request to the engine of a node since this was last asked: the engines log them."""
    said = on(node, "journalctl -u docker -o cat --cursor-file=/run/flotilla-requests")
    return [line.split('msg="Calling ', 1)[1].split('"')[0] for line in said.splitlines() if 'msg="Calling ' in line]


def specs(seen: dict[str, Any]) -> dict[str, Any]:
    """Everything that a deploy could have changed, without what counts its requests."""
    return {
        "services": {name: service["spec"] for name, service in seen["services"].items()},
        **{kind: seen[kind] for kind in ("configs", "secrets", "networks")},
    }


def running(service: dict[str, Any]) -> list[str]:
    """The IDs of the tasks that run."""
    return [task["id"] for task in service["tasks"] if task["state"] == "running" and task["wanted"] == "running"]


def until(true: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    """The first answer that is true. An engine that is away answers later."""
    end, found = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            found = true()
        except (AssertionError, json.JSONDecodeError):
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")
