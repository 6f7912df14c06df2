# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with the autograder on it, and a client of a service."""

from __future__ import annotations

import http.client
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from . import Run, Scenario, running

_scenario = Scenario()
addresses, done, look, on = _scenario.addresses, _scenario.done, _scenario.look, _scenario.on
PORT = 8088
PROBE = {"name": "probe", "files": ["molecule/operations/probe/stack.yml"], "env": {"REGISTRY": "{{ registry_address }}", "TAG": "1"}}


def start(playbook: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
    return _scenario.start(f"playbooks/{playbook}.yml", *arguments, **variables)


def play(playbook: str, *arguments: str, **variables: Any) -> Run:
    return _scenario.play(f"playbooks/{playbook}.yml", *arguments, **variables)


def login() -> dict[str, str]:
    """Registry, user name and password, from the file that role registry made."""
    kept = yaml.safe_load((_scenario.folder / "registry_credentials.yml").read_text())
    return {name: kept[name] for name in ("registry", "username", "password")}


def services() -> dict[str, dict[str, Any]]:
    """What the verbs may change of each service."""
    found = {}
    for name, service in look()["services"].items():
        spec, container = service["spec"], service["spec"]["TaskTemplate"]["ContainerSpec"]
        found[name] = {
            "index": service["index"],
            "env": container.get("Env") or [],
            "labels": spec.get("Labels") or {},
            "mounts": [mount["Target"] for mount in container.get("Mounts") or []],
            "replicas": (spec["Mode"].get("Replicated") or {}).get("Replicas"),
            "tasks": running(service),
        }
    return found


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
