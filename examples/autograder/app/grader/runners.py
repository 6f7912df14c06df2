# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a hand-in: a container of its own, or in tests a process."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Handed to Python as its program, so that an image needs nothing but Python.
PROGRAM = ["-I", "-c", Path(__file__).with_name("sandbox.py").read_text()]


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes that one hand-in may use; ``start_seconds`` are those of the engine, besides."""

    wall_seconds: float = 10.0
    start_seconds: float = 0.0
    cpu_seconds: int = 5
    memory_bytes: int = 256 << 20
    file_bytes: int = 1 << 20
    processes: int = 0


# A command that runs the program within the limits, for as long as the context lasts.
Runner = Callable[[Limits], AbstractContextManager[list[str]]]


class RunnerFailed(Exception):
    """There is no container to run the code in; the code is not to blame."""


@contextmanager
def process(_limits: Limits) -> Iterator[list[str]]:
    """It sees the files of this process."""
    yield [sys.executable, *PROGRAM]


def container(image: str) -> Runner:
    """Of the engine that this container runs on. It has no network, no capability, and no file that stays."""

    @contextmanager
    def run(limits: Limits) -> Iterator[list[str]]:
        _pull(image)
        name = f"sandbox-{uuid.uuid4()}"
        memory = os.environ.get("SANDBOX_MEMORY", "512m")
        options = [
            f"--name={name}", "--label=autograder=sandbox", "--rm", "--interactive", "--log-driver=none",
            "--network=none", "--read-only", "--tmpfs=/tmp:size=16m,mode=1777", "--workdir=/tmp",
            "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534",
            f"--memory={memory}", f"--memory-swap={memory}", f"--cpus={os.environ.get('SANDBOX_CPUS', '1')}",
            f"--pids-limit={os.environ.get('SANDBOX_PIDS', '64')}",
        ]  # fmt: skip
        try:
            # What the code writes to its output ends in a file of ours.
            yield ["prlimit", f"--fsize={limits.file_bytes}", "docker", "run", *options, image, "python3", *PROGRAM]
        finally:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)

    return run


def _pull(image: str) -> None:
    """Before the time of the code begins."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, text=True, check=False)
        if pulled.returncode:
            raise RunnerFailed(pulled.stderr.strip())
