# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with the autograder on it, ways to look at it that share no code with the collection, and a client of a service."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.lab.scenario import ROOT, Finished, Lab
from tests.lab.state import Paths

LAB = os.environ.get("FLOTILLA_LAB", "ops")
lab = Lab(LAB)
on = lab.on
INVENTORY = "inventories/lab"
PORT = 8088
PROBE = {"name": "probe", "files": ["molecule/operations/probe/stack.yml"], "env": {"REGISTRY": "{{ registry_address }}", "TAG": "1"}}

LOOK = """
import docker, json
api = docker.APIClient(timeout=60)
names = {n["ID"]: n["Description"]["Hostname"] for n in api.nodes()}
found = {}
for s in api.services():
    tasks = [t for t in api.tasks({"service": s["ID"], "desired-state": "running"}) if t["Status"]["State"] == "running"]
    found[s["Spec"]["Name"]] = {
        "index": s["Version"]["Index"],
        "env": s["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or [],
        "labels": s["Spec"].get("Labels") or {},
        "mounts": [m["Target"] for m in s["Spec"]["TaskTemplate"]["ContainerSpec"].get("Mounts") or []],
        "replicas": (s["Spec"]["Mode"].get("Replicated") or {}).get("Replicas"),
        "tasks": {t["ID"]: names[t["NodeID"]] for t in tasks},
    }
configs = [c["Spec"]["Name"] for c in api.configs()]
print(json.dumps({"services": found, "configs": configs}))
"""


class Run(Finished):
    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts."""
        return sum(self.recap.values())


def start(playbook: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
    command = ["ansible-playbook", "-i", INVENTORY, f"playbooks/{playbook}.yml", *arguments, "-e", json.dumps(variables)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PY_COLORS"))}
    environment |= {"FLOTILLA_LAB": LAB, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    # A session of its own, so that it can be killed with the processes that it forks for its tasks.
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def play(playbook: str, *arguments: str, **variables: Any) -> Run:
    process = start(playbook, *arguments, **variables)
    out, _err = process.communicate()
    return Run(process.returncode, out)


def done(playbook: str, *arguments: str, **variables: Any) -> Run:
    """As ``play``, for a run that has to succeed."""
    run = play(playbook, *arguments, **variables)
    assert run.rc == 0, run.out[-6000:]
    return run


def login() -> dict[str, str]:
    """Registry, user name and password, from the file that role registry made."""
    paths = Paths.from_environment()
    kept = yaml.safe_load((paths.directory(LAB) / "registry_credentials.yml").read_text())
    return {name: kept[name] for name in ("registry", "username", "password")}


def look() -> dict[str, Any]:
    return dict(json.loads(on("m1", "python3 -", LOOK)))


def services() -> dict[str, Any]:
    return dict(look()["services"])


def await_that(what: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(1)


def addresses() -> dict[str, str]:
    command = ["ansible-inventory", "-i", INVENTORY, "--list"]
    listed = subprocess.run(command, cwd=ROOT, env={**os.environ, "FLOTILLA_LAB": LAB}, check=True, capture_output=True, text=True).stdout
    return {name: values["ansible_host"] for name, values in json.loads(listed)["_meta"]["hostvars"].items()}


@dataclass
class Client:
    """Reads the service all the time. A read that no address answers is a failure."""

    addresses: list[str]
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)

    def read(self) -> None:
        problems = []
        for address in self.addresses:
            connection = http.client.HTTPConnection(address, PORT, timeout=10)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read().decode()
                if answer.status == 200 and body:
                    self.reads += 1
                    self.answers.add(body)
                    self.addresses = [address, *(other for other in self.addresses if other != address)]
                    return
                problems.append(f"{address}: {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                problems.append(f"{address}: {error}")
            finally:
                connection.close()
        self.failures.append("; ".join(problems))


@contextmanager
def reading() -> Iterator[Client]:
    """A client at work while the block runs; it has to have read, and never in vain."""
    client, stopped = Client(list(addresses().values())), threading.Event()

    def work() -> None:
        while not stopped.is_set():
            client.read()
            stopped.wait(0.05)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield client
    finally:
        stopped.set()
        thread.join()
    assert client.reads > 20 and client.failures == [], f"{len(client.failures)} of {client.reads}: {client.failures[:3]}"
