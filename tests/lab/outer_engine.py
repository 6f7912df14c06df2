# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine that holds container nodes: the machine's own if one answers, else one that the lab starts and stops."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .firewall import leftovers
from .machine import engines_running, output, remove_tree, run, say, succeeds
from .model import LabError

START_SECONDS = 60


@dataclass(frozen=True)
class OuterEngine:
    host: str  # as in DOCKER_HOST
    runtime: Path | None = None  # sockets and pid files of an engine that the lab manages
    data: Path | None = None

    @property
    def managed(self) -> bool:
        return self.runtime is not None

    def run(self, doing: str, *arguments: str) -> str:
        return run(doing, "docker", "--host", self.host, *arguments)

    def has(self, kind: str, name: str) -> bool:
        return succeeds("docker", "--host", self.host, kind, "inspect", name)

    def answers(self) -> bool:
        try:
            return succeeds("docker", "--host", self.host, "version")
        except FileNotFoundError:
            return False

    def start(self) -> None:
        """Start the managed engine. Settings are in a file of its own, so that the machine's daemon.json has no say."""
        if not self.runtime or not self.data:
            raise LabError(f"the engine at {self.host} does not answer: start it, or take the lab down")
        remove_tree(self.runtime)
        self.runtime.mkdir(parents=True)
        self.data.mkdir(parents=True, exist_ok=True)
        settings = {
            "hosts": [self.host],
            "data-root": str(self.data),
            "exec-root": str(self.runtime / "exec"),
            "pidfile": str(self.runtime / "engine.pid"),
            "bridge": "none",
            "log-level": "warn",
        }
        config, log = self.runtime / "daemon.json", self.runtime / "engine.log"
        config.write_text(json.dumps(settings))
        (self.runtime / "forward").write_text(output("read the firewall", "iptables", "-S", "FORWARD").splitlines()[0])
        say("starting an engine for the nodes")
        with log.open("w") as stream:
            process = subprocess.Popen(
                ["dockerd", "--config-file", str(config), "--containerd-namespace", "flotilla-lab"],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text().splitlines()[-10:])
                raise LabError(f"cannot start an engine for the nodes: dockerd does not answer at {self.host}\n{tail}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the managed engine and take back what it changed on the machine."""
        assert self.runtime
        try:
            pid = int((self.runtime / "engine.pid").read_text())
        except FileNotFoundError:
            pid = 0
        if pid:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + START_SECONDS
            while Path(f"/proc/{pid}/root").exists():
                if time.monotonic() > deadline:
                    raise LabError(f"the lab's engine (process {pid}) still runs after {START_SECONDS} s")
                time.sleep(0.1)
        self._clean_up()
        remove_tree(self.runtime)

    def _clean_up(self) -> None:
        """Take back what engines leave behind, unless another one runs and needs it."""
        assert self.runtime
        if engines_running():
            return
        policy = self.runtime / "forward"
        before = policy.read_text() if policy.exists() else ""
        for table in ("filter", "nat"):
            for arguments in leftovers(output("read the firewall", "iptables", "-t", table, "-S")):
                succeeds("iptables", "-t", table, *arguments)
        if before:
            succeeds("iptables", *before.split())
        for group in (*Path("/sys/fs/cgroup").glob("*/docker"), Path("/sys/fs/cgroup/docker")):
            with contextlib.suppress(OSError):
                group.rmdir()


def find_engine(cache: Path, recorded: str) -> OuterEngine:
    """The engine that a lab recorded; else our own if it runs; else the machine's if it answers; else our own."""
    runtime = Path("/run/flotilla-lab") / hashlib.sha256(str(cache).encode()).hexdigest()[:8]
    own = OuterEngine(host=f"unix://{runtime}/engine.sock", runtime=runtime, data=cache / "engine")
    machine = OuterEngine(host=recorded or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if own.host == recorded:
        return own
    if recorded:
        return machine
    if own.answers():
        return own
    return machine if machine.answers() else own
