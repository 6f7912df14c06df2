# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with the voice service on it: its edge, its tasks with GPUs, and somebody who talks to it."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from .system import System

SCENARIO = System(inventory="inventories/unmute-lab")
done, look, nodes_of, on, play, sdk = SCENARIO.done, SCENARIO.look, SCENARIO.nodes_of, SCENARIO.on, SCENARIO.play, SCENARIO.sdk
declared, secret = SCENARIO.declared, SCENARIO.secret
SITE, OPERATORS = "unmute.test", "traefik.unmute.test"
PARTS = ("stt", "llm", "tts")
Json = dict[str, Any]

TASKS = """
found = []
for task in api.tasks({"desired-state": "running"}):
    name = api.inspect_service(task["ServiceID"])["Spec"]["Name"]
    gpus = [each["NamedResourceSpec"]["Value"] for each in task.get("GenericResources") or []]
    found.append([name, task["Status"]["State"], task["Status"].get("Err", ""), gpus])
print(json.dumps(found))
"""
EXEC = """
(container, *_more) = api.containers(filters={{"label": "com.docker.swarm.service.name={service}"}})
made = api.exec_create(container["Id"], {command!r})
print(api.exec_start(made["Id"]).decode())
"""
SPEAK = """
import base64, json, sys, urllib.request
request = urllib.request.Request("http://tts:8000/speak", json.dumps({"text": sys.argv[1]}).encode())
print(base64.b64encode(urllib.request.urlopen(request, timeout=60).read()).decode())
"""


def tasks(service: str) -> list[tuple[str, str, list[str]]]:
    """State, error and GPUs of each task that is to run."""
    found = json.loads(sdk("m1", TASKS))
    return [(state, error, gpus) for name, state, error, gpus in found if name == f"unmute_{service}"]


def run_in(service: str, *command: str) -> str:
    """What a command in a task of the service printed."""
    return sdk(nodes_of(service)[0], EXEC.format(service=service, command=list(command))).strip()


def spoken(text: str) -> bytes:
    """A wav in which the service itself says it."""
    return base64.b64decode(run_in("unmute_backend", "python", "-c", SPEAK, text))


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


def ask(path: str, sound: bytes = b"", host: str = SITE, password: str = "") -> Answer:
    """Over HTTPS at the edge, which has to show a certificate of the authority that the first run has made."""
    context = ssl.create_default_context(cadata=secret("authority.certificate"))
    connection = http.client.HTTPSConnection(host, timeout=120)
    with context.wrap_socket(socket.create_connection((SCENARIO.address("w1"), 443), 10), server_hostname=host) as secured:
        secured.settimeout(120)
        connection.sock = secured
        login = {"Authorization": f"Basic {base64.b64encode(f'ops:{password}'.encode()).decode()}"} if password else {}
        connection.request("POST" if sound else "GET", path, sound or None, login)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()})
