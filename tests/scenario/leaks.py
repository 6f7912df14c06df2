# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the controller and the nodes while playbooks run, and searches all that they wrote for secrets."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ROOT, Scenario
from .cluster import NODES, on

WATCH = Path(__file__).with_name("leaks_watch.py")
ON_NODE = "/run/leaks_watch.py"
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/root/.ansible")

# How all tokens and keys of swarms begin, also those that the tests never saw.
MARKS = ("SWMTKN-1-", "SWMKEY-1-")

READ = """
import docker, json
api = docker.APIClient()
print(json.dumps([*api.inspect_swarm()["JoinTokens"].values(), api.get_unlock_key()["UnlockKey"]]))
"""

# Where a run may leave something behind. The engine's own state is no such place, and the journal is read by its own command.
LEFT = """
import json, os, stat
skipped = {f"{folder}/{name}" for folder in ("/var/lib", "/run") for name in ("docker", "containerd")}
skipped |= {"/run/log/journal", "/var/log/journal"}
found = []
for place in ("/etc", "/home", "/root", "/run", "/srv", "/tmp", "/var", "/dev/shm"):
    for folder, folders, names in os.walk(place):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in skipped]
        for name in names:
            path = os.path.join(folder, name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode) and any(form.encode() in open(path, "rb").read() for form in FORMS):
                    found.append(path)
            except OSError:
                pass
print(json.dumps(found))
"""


def read_secrets() -> set[str]:
    """The tokens and the unlock key that hold now."""
    return {secret for secret in json.loads(on("m1", "python3 -", READ)) if secret}


def forms(secret: str) -> Iterator[str]:
    """The secret itself, and what base64 makes of it wherever it stands in a text."""
    yield secret
    for place in range(3):
        encoded = base64.b64encode(bytes(place) + secret.encode()).decode()
        yield encoded[-(-8 * place // 6) : 8 * (place + len(secret)) // 6]


def find(secrets: Iterable[str], texts: Mapping[str, str]) -> list[str]:
    """The names of the texts in which a secret stands. The secrets themselves are not told."""
    wanted = [*MARKS, *(form for secret in secrets for form in forms(secret))]
    return sorted(name for name, text in texts.items() if any(form in text for form in wanted))


def left_on_nodes(secrets: Iterable[str]) -> list[str]:
    """The files in which a secret stands now, as ``w1 /path``, and ``w1 journal``."""
    wanted = [*MARKS, *(form for secret in secrets for form in forms(secret))]
    code = f"FORMS = {wanted!r}\n{LEFT}"
    files = {node: json.loads(on(node, "python3 -", code)) for node in NODES}
    journals = {node: on(node, "journalctl --boot --output cat --no-pager") for node in NODES}
    assert all(journals.values())
    return [f"{node} {path}" for node in NODES for path in files[node]] + [f"{node} journal" for node in find(secrets, journals)]


@dataclass
class Watched:
    """What was seen on each host, when the watching has ended: texts by name."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, host: str, told: Mapping[str, Any]) -> None:
        self.texts |= {f"{host} process {number}": text for number, text in enumerate(told["commands"])}
        self.texts |= {f"{host} file {path} ({number})": text for number, (path, text) in enumerate(told["files"])}


@contextmanager
def watching(*places: Path) -> Iterator[Watched]:
    """Watch every node, and on the controller the processes and the files below ``places``."""
    seen = Watched()
    with ExitStack() as stack:
        watchers = {"controller": _start([sys.executable, str(WATCH), *map(str, places)])}
        for node in NODES:
            on(node, f"cat >{ON_NODE}", WATCH.read_text())
            command = ["python3", "-m", "tests.lab", "ssh", "--name", Scenario().name, node, f"python3 {ON_NODE} {' '.join(TEMPORARY)}"]
            watchers[node] = _start(command)
        for watcher in watchers.values():
            stack.callback(watcher.kill)
        assert [watcher.stdout.readline() for watcher in watchers.values() if watcher.stdout] == ["watching\n"] * len(watchers)
        yield seen
        for host, watcher in watchers.items():
            told, _none = watcher.communicate()
            seen.add(host, json.loads(told))


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
