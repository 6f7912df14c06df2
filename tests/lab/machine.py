# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This machine: run commands, install what is missing, load kernel modules."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from .features import KERNEL, detect
from .model import LabError

# command -> Debian package
COMMANDS = {
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
POLICY = Path("/usr/sbin/policy-rc.d")


def say(text: str) -> None:
    print(text, flush=True)


def run(doing: str, *argv: str, env: Mapping[str, str] | None = None, data: str | None = None) -> str:
    """Run a command and give its standard output. LabError, naming *doing* and the end of its output, when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, env=env, input=data, errors="replace")
    if done.returncode:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise LabError(f"cannot {doing}: {argv[0]} exited {done.returncode}\n{tail}")
    return done.stdout


def output(doing: str, *argv: str) -> str:
    return run(doing, *argv).strip()


def succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True).returncode == 0


def require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab makes file systems, networks and containers: run it as root")


def ensure_commands(packages_of: Mapping[str, str]) -> None:
    """Install the Debian packages of the commands that this machine lacks."""
    wanted = {package for command, package in packages_of.items() if not shutil.which(command)}
    if "mmdebstrap" in packages_of and not KEYRING.exists():
        wanted.add("debian-archive-keyring")
    if not wanted:
        return
    if not shutil.which("apt-get"):
        raise LabError(f"this machine lacks {', '.join(sorted(wanted))} and has no apt-get: install them by hand")
    say(f"installing {', '.join(sorted(wanted))}")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run("refresh the package lists", "apt-get", "update", "-qq", env=env)
    # Debian 13 has the client apart; in Debian 12 it is part of docker.io
    if "docker.io" in wanted and succeeds("apt-cache", "show", "docker-cli"):
        wanted.add("docker-cli")
    with _no_services():
        run("install packages", "apt-get", "install", "-qq", "--no-install-recommends", *sorted(wanted), env=env)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Without systemd, a package's init script would leave an engine running that nobody manages."""
    if POLICY.exists() or Path("/run/systemd/system").exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def kernel_features() -> dict[str, bool]:
    """Load what can be loaded (containers cannot), then look."""
    if shutil.which("modprobe"):
        for _symbol, module, _filesystem in KERNEL.values():
            succeeds("modprobe", "-q", module)
    return detect(_kernel_config(), _text("/proc/modules"), _text("/proc/filesystems"))


def _kernel_config() -> str:
    packed = Path("/proc/config.gz")
    return gzip.decompress(packed.read_bytes()).decode() if packed.exists() else _text(f"/boot/config-{os.uname().release}")


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""


def networks_in_use() -> list[str]:
    """The IPv4 networks this machine has a route to, the default route left out."""
    routes = json.loads(output("list routes", "ip", "-j", "-4", "route", "show", "table", "all"))
    return [route["dst"] for route in routes if route["dst"] != "default" and route.get("type", "unicast") == "unicast"]


def processes() -> Iterator[Path]:
    """/proc/PID of every process but this one."""
    return (path for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid()))


def processes_given(argument: str) -> list[int]:
    """Ids of the processes that have *argument* on their command line."""
    found = []
    for process in processes():
        with contextlib.suppress(OSError):
            if argument.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def engines_running() -> list[int]:
    """Ids of the engines that use this machine's network (a node's engine uses the node's)."""
    found = []
    for process in processes():
        with contextlib.suppress(OSError):
            here = (process / "ns/net").readlink() == Path("/proc/self/ns/net").readlink()
            if here and (process / "comm").read_text().strip() == "dockerd":
                found.append(int(process.name))
    return found


def end_processes_in(directory: Path) -> None:
    """Kill what a killed run left behind: processes with *directory* as their TMPDIR, or with a root inside it."""
    mark = f"TMPDIR={directory}".encode()
    for process in processes():
        with contextlib.suppress(OSError):
            inside = (process / "root").readlink().is_relative_to(directory)
            if inside or mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def unmount_below(directory: Path) -> None:
    """Unmount everything mounted at or below *directory*, deepest first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if Path(mount).is_relative_to(directory):
            run("unmount what a run left behind", "umount", "--lazy", mount)


def remove_tree(directory: Path) -> None:
    """Remove a directory, never what is mounted in it."""
    unmount_below(directory)
    shutil.rmtree(directory, ignore_errors=not directory.exists())
