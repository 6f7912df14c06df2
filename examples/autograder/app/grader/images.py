# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the image that the hand-ins of a course run in, and pushes it to the registry of such images."""

from __future__ import annotations

import os
import subprocess

REGISTRY = os.environ.get("SANDBOX_REGISTRY", "127.0.0.1:5001")
MEMORY = os.environ.get("IMAGE_BUILD_MEMORY", "1g")
PROCESSES = os.environ.get("IMAGE_BUILD_PROCESSES", "1024")
SECONDS = int(os.environ.get("IMAGE_BUILD_TIMEOUT", "900"))
MAX_PROBLEM = 500


class BuildFailed(Exception):
    """What went wrong, as the engine says it."""


def build(course: str, dockerfile: str) -> str:
    """The image by its digest. The Dockerfile stands alone: nothing else of this machine is sent to the engine."""
    name = f"{REGISTRY}/courses/{course}:latest"
    limits = [f"--memory={MEMORY}", f"--memory-swap={MEMORY}", f"--ulimit=nproc={PROCESSES}"]
    _docker("build", "--quiet", *limits, f"--tag={name}", "-", stdin=dockerfile)
    _docker("push", "--quiet", name)
    return _docker("image", "inspect", "--format={{index .RepoDigests 0}}", name)


def _docker(*arguments: str, stdin: str = "") -> str:
    # The limits above are those of the engine's own builder, which BuildKit does not have.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    try:
        done = subprocess.run(
            ["docker", *arguments], input=stdin, env=environment, timeout=SECONDS, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise BuildFailed(f"docker {arguments[0]} took longer than {SECONDS} s") from None
    if done.returncode:
        raise BuildFailed(f"docker {arguments[0]}: {(done.stderr.strip() or done.stdout.strip())[-MAX_PROBLEM:]}")
    return done.stdout.strip()
