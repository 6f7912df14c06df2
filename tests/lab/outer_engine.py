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
from .machine import engines_running, output, processes_given, remove_tree, run, say, succeeds, unmount_below
from .model import LabError

START_SECONDS = 60
EMPTY_LEFTOVERS = [Path(p) for p in ("/run/docker/plugins", "/run/docker", "/run/containerd/s", "/run/containerd")]


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

    def forget_image(self, image: str) -> None:
        """Remove an image unless a container uses it."""
        succeeds("docker", "--host", self.host, "image", "rm", image)

    def answers(self) -> bool:
        try:
            return succeeds("docker", "--host", self.host, "version")
        except FileNotFoundError:
            return False

    def start(self) -> None:
        """Start the managed engine. Settings are in a file of its own, so that the machine's daemon.json has no say.

        What an engine that died left in its runtime directory stays: the next one takes its containers over from there.
        """
        if not self.runtime or not self.data:
            raise LabError(f"the engine at {self.host} holds the lab's nodes and does not answer: start it")
        self.runtime.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        policy, log = self.runtime / "forward", self.runtime / "engine.log"
        if not policy.exists():
            policy.write_text(output("read the firewall", "iptables", "-S", "FORWARD").splitlines()[0])
        started = None
        if not self._processes():
            say("starting an engine for the nodes")
            self._config.write_text(json.dumps(self._settings()))
            with log.open("w") as stream:
                started = subprocess.Popen(
                    ["dockerd", "--config-file", str(self._config), "--containerd-namespace", "flotilla-lab"],
                    stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
                )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            # a process just started has no command line in /proc yet, so our own child is asked, not /proc
            ended = not self._processes() if started is None else started.poll() is not None
            if ended or time.monotonic() > deadline:
                tail = "\n".join(log.read_text().splitlines()[-10:])
                raise LabError(f"cannot start an engine for the nodes: dockerd does not answer at {self.host}\n{tail}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the managed engine and take back what it changed on the machine."""
        assert self.runtime and self.data
        for pid in self._processes():
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while running := self._processes():
            if time.monotonic() > deadline:
                raise LabError(f"the lab's engine (process {running[0]}) still runs after {START_SECONDS} s")
            time.sleep(0.1)
        if not engines_running():
            self._clean_up()
        unmount_below(self.data)
        remove_tree(self.runtime)
        for directory in (self.runtime.parent, *EMPTY_LEFTOVERS, *Path("/sys/fs/cgroup").glob("*/docker")):
            with contextlib.suppress(OSError):
                directory.rmdir()

    @property
    def _config(self) -> Path:
        assert self.runtime
        return self.runtime / "daemon.json"

    def _settings(self) -> dict[str, object]:
        return {
            "hosts": [self.host],
            "data-root": str(self.data),
            "exec-root": f"{self.runtime}/exec",
            "pidfile": f"{self.runtime}/engine.pid",
            "bridge": "none",
            "log-level": "warn",
        }

    def _processes(self) -> list[int]:
        # zombies have no command line, so a child of ours that died does not count
        return processes_given(str(self._config))

    def _clean_up(self) -> None:
        """Give the packet filter back as it was found; only for the last engine on the machine."""
        assert self.runtime
        for table in ("filter", "nat"):
            for arguments in leftovers(output("read the firewall", "iptables", "-t", table, "-S")):
                succeeds("iptables", "-t", table, *arguments)
        policy = self.runtime / "forward"
        if policy.exists():
            succeeds("iptables", *policy.read_text().split())


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
