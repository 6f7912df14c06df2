# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web service on the nodes, and a client that reads it without a pause."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from . import Scenario, running

_scenario = Scenario()
look, on = _scenario.look, _scenario.on
PORT = 8080

# The node's own Python, packed as an image: nothing can be pulled.
LOAD = """
import docker, subprocess
api = docker.APIClient(timeout=120)
if not api.images("web:1"):
    libraries = [f"lib/x86_64-linux-gnu/lib{name}" for name in ("c.so.6", "m.so.6", "z.so.1", "expat.so.1")]
    packed = subprocess.check_output(
        ["tar", "-ch", "-C", "/", "usr/bin/python3", "usr/lib/python3.13", "lib64/ld-linux-x86-64.so.2", *libraries]
    )
    api.import_image_from_data(packed, "web", "1")
"""

SERVER = """
import http.server, os, signal
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")
    def log_message(self, *args):
        pass
signal.signal(signal.SIGTERM, lambda *args: os._exit(0))
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""

CREATE = """
import docker, json, sys
docker.APIClient().create_service(**json.loads({!r}))
"""


def load_image() -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: on(node, "python3 -", LOAD), _scenario.addresses()))


# Each new task has to answer, and to be found by those who read, before the next one stops.
ANSWERS = {
    "Test": ["CMD", "/usr/bin/python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 2)"],
    "Interval": 10**9,
    "Timeout": 5 * 10**9,
    "Retries": 20,
}
ONE_BY_ONE = {"Parallelism": 1, "Delay": 2 * 10**9, "Monitor": 2 * 10**9, "Order": "stop-first"}


def create_service(
    name: str, replicas: int = 1, port: int = 0, constraints: tuple[str, ...] = (), manager: str = "m1", gentle: bool = False
) -> None:
    """With a port it answers there on the hosts that run it; without one it only runs. A gentle one is updated task by task."""
    template = {
        "ContainerSpec": {
            "Image": "web:1",
            "Command": ["/usr/bin/python3", "-c", SERVER],
            **({"Healthcheck": ANSWERS} if gentle else {}),
        },
        "Placement": {"Constraints": list(constraints)},
    }
    ports = [{"TargetPort": 8080, "PublishedPort": port, "PublishMode": "host", "Protocol": "tcp"}] if port else []
    body = {
        "task_template": template,
        "name": name,
        "mode": {"Replicated": {"Replicas": replicas}},
        "endpoint_spec": {"Mode": "dnsrr", "Ports": ports},
        "update_config": ONE_BY_ONE if gentle else None,
        "rollback_config": ONE_BY_ONE if gentle else None,
    }
    on(manager, "python3 -", CREATE.format(json.dumps(body)))


def remove_service(name: str, manager: str = "m1") -> None:
    on(manager, "python3 -", f"import docker; docker.APIClient().remove_service({name!r})")


def service_spec(name: str, manager: str = "m1") -> dict[str, Any]:
    spec: dict[str, Any] = look(manager)["services"][name]["spec"]
    return spec


def homes(name: str, manager: str = "m1") -> list[str]:
    """The hosts on which the tasks of a service run, by name."""
    return sorted(running(look(manager)["services"][name]).values())


def await_homes(name: str, count: int, manager: str = "m1", seconds: float = 60) -> list[str]:
    """Where the tasks run, when there are as many as given."""
    until = time.monotonic() + seconds
    while len(found := homes(name, manager)) != count:
        assert time.monotonic() < until, f"{name} runs on {found}"
        time.sleep(1)
    return found


class Reader:
    """Reads a service, request after request, until it is stopped.

    Like a client behind a resolver that asks the hosts whether they answer: it tries one of those that did a moment ago, and a second
    one before it counts a failure.
    """

    def __init__(self, port: int) -> None:
        self._addresses = sorted(_scenario.addresses().values())
        self._port = port
        self._answering: list[str] = []
        self.requests = 0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._resolve, self._read)]

    def start(self) -> None:
        self._answering = self._ask_all()
        assert self._answering, "nobody answers from the beginning"
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_all(self) -> list[str]:
        return [address for address in self._addresses if self._answers(address)]

    def _answers(self, address: str) -> bool:
        try:
            socket.create_connection((address, self._port), timeout=0.5).close()
        except OSError:
            return False
        return True

    def _resolve(self) -> None:
        while not self._over.wait(0.3):
            self._answering = self._ask_all() or self._answering

    def _read(self) -> None:
        while not self._over.wait(0.05):
            answering = self._answering
            first = answering[self.requests % len(answering)]
            second = answering[(self.requests + 1) % len(answering)]
            self.requests += 1
            if not self._get(first) and not self._get(second):
                self.failures.append(f"{time.strftime('%H:%M:%S')} neither {first} nor {second}")

    def _get(self, address: str) -> bool:
        connection = http.client.HTTPConnection(address, self._port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read() == b"here"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def reading(port: int = PORT) -> Iterator[Reader]:
    reader = Reader(port)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
