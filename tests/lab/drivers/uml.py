# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with kernels of their own: each is one User Mode Linux, a kernel that runs as a process."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import signal
import socket
import struct
import subprocess
import tarfile
import time
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from ..apt import read_setup
from ..bridge import Bridge
from ..features import detect
from ..machine import ensure_commands, output, processes_given, remove_tree
from ..model import Lab, LabError, Node
from ..state import Paths
from ..uml_image import MODULES, build_disk, installed_kernel, uml_disk

COMMANDS = {"linux.uml": "user-mode-linux", "mke2fs": "e2fsprogs", "iptables": "iptables"}
MEMORY = "1536M"
STOP_SECONDS = 300
RUNTIME = Path("/run/flotilla-lab/uml")


class UmlDriver:
    boot_seconds = 300

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def prepare(self, lab: Lab) -> Lab:
        ensure_commands(COMMANDS)
        disk = uml_disk(lab.release, read_setup())
        build_disk(disk, self.paths.cache)
        if not any(self.paths.state.glob("*/nodes/*/disk")):  # they are what differs from the image that they were made from
            disk.forget_others(self.paths.cache)
        Bridge(lab.name).have(lab.gateway, lab.subnet)
        return dataclasses.replace(lab, features=kernel_features())

    def create(self, lab: Lab, node: Node, files: Mapping[str, Path]) -> None:
        state = self.state(lab, node)
        if state == "missing":
            self._files(lab, node).mkdir(parents=True, exist_ok=True)
            write_seed(self._seed(lab, node), files, node_texts(lab, node, resolver().read_text()))
        if state != "running":
            self.start(lab, node)
        self.plug(lab, node)

    def start(self, lab: Lab, node: Node) -> None:
        Bridge(lab.name).have_tap(node.name)
        if processes(lab.name, node.name):
            return
        directory = RUNTIME / lab.name
        remove_tree(directory / node.name)  # what a power loss left of the last run
        directory.mkdir(parents=True, exist_ok=True)
        disk, log = self._disk(lab, node), self._files(lab, node) / "console"
        # a disk that is there names the image it was made from
        root = str(disk) if disk.exists() else f"{disk},{uml_disk(lab.release, read_setup()).path(self.paths.cache)}"
        with log.open("w") as console:
            kernel = subprocess.Popen(
                boot_arguments(lab, node, root=root, seed=self._seed(lab, node)),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                env=os.environ | {"TMPDIR": "/dev/shm"},
            )  # fmt: skip
        while not (directory / node.name / "mconsole").exists():
            if kernel.poll() is not None:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise LabError(f"node {node.name} did not start: linux.uml exited {kernel.returncode}\n{tail}")
            time.sleep(0.05)

    def stop(self, lab: Lab, node: Node, *, hard: bool) -> None:
        if hard:
            kill(lab.name, node.name)
            return
        if not processes(lab.name, node.name):
            return
        tell(RUNTIME / lab.name / node.name / "mconsole", "cad")
        deadline = time.monotonic() + STOP_SECONDS
        while processes(lab.name, node.name):
            if time.monotonic() > deadline:
                raise LabError(f"node {node.name} did not switch itself off in {STOP_SECONDS} s; `stop --hard` takes its power away")
            time.sleep(0.3)

    def plug(self, lab: Lab, node: Node) -> None:
        Bridge(lab.name).plug(node.name)

    def unplug(self, lab: Lab, node: Node) -> None:
        Bridge(lab.name).unplug(node.name)

    def state(self, lab: Lab, node: Node) -> str:
        if processes(lab.name, node.name):
            return "running"
        return "stopped" if self._disk(lab, node).exists() else "missing"

    def destroy(self, lab: Lab) -> None:
        directory = RUNTIME / lab.name
        for node in directory.glob("*"):
            kill(lab.name, node.name)
        Bridge(lab.name).remove()
        remove_tree(directory)
        remove_tree(self.paths.directory(lab.name) / "nodes")
        for empty in (RUNTIME, RUNTIME.parent):
            with contextlib.suppress(OSError):
                empty.rmdir()

    def purge(self) -> None:
        """The images are files of the cache like others."""

    def _files(self, lab: Lab, node: Node) -> Path:
        return self.paths.directory(lab.name) / "nodes" / node.name

    def _disk(self, lab: Lab, node: Node) -> Path:
        return self._files(lab, node) / "disk"

    def _seed(self, lab: Lab, node: Node) -> Path:
        return self._files(lab, node) / "seed.tar"


def boot_arguments(lab: Lab, node: Node, *, root: str, seed: Path) -> list[str]:
    """The command line of a node. *root* is its disk, or a new one and its image; *seed* is a tar of the node's own files."""
    prefix = lab.subnet.partition("/")[2]
    return [
        "linux.uml", f"mem={MEMORY}", f"ubda={root}", f"ubdbr={seed}", "root=/dev/ubda", "rw",
        "con=null", "con0=fd:0,fd:1",
        f"vec0:transport=tap,ifname={Bridge(lab.name).tap(node.name)},mac={mac(node)},depth=128,gro=1",
        f"uml_dir={RUNTIME / lab.name}/", f"umid={node.name}", f"systemd.hostname={node.name}",
        f"lab.address={node.address}/{prefix}", f"lab.gateway={lab.gateway}", identity(lab.name, node.name),
    ]  # fmt: skip


def identity(lab: str, node: str) -> str:
    """The argument by which a node's processes are known."""
    return f"lab.node={lab}/{node}"


def mac(node: Node) -> str:
    """A locally administered address that follows from the node's."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in IPv4Address(node.address).packed)


def node_texts(lab: Lab, node: Node, resolv_conf: str) -> dict[str, str]:
    """Path on the node -> content, of the files that the driver itself gives a node."""
    return {
        "/etc/hostname": f"{node.name}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n{node.address} {node.name}\n",
        "/etc/resolv.conf": resolv_conf,
    }


def write_seed(target: Path, files: Mapping[str, Path], texts: Mapping[str, str]) -> None:
    """A tar of *files* (path on the node -> local file) and *texts* (path -> content), to be unpacked at the root."""
    unfinished = target.with_suffix(".tmp")
    with tarfile.open(unfinished, "w") as archive:
        for path, source in files.items():
            archive.add(source.resolve(), path.lstrip("/"))
        for path, text in texts.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    unfinished.rename(target)


def resolver() -> Path:
    """The machine's resolv.conf with real addresses: a stub on the machine's loopback does not answer nodes."""
    real = Path("/run/systemd/resolve/resolv.conf")
    return real if real.exists() else Path("/etc/resolv.conf")


def kernel_features() -> dict[str, bool]:
    """What the nodes' kernel can do: what is built in, and what is a module on their disks."""
    modules = [path.stem for path in (MODULES / installed_kernel()).rglob("*.ko")]
    config = output("read the configuration of User Mode Linux", "linux.uml", "--showconfig")
    return detect(config, "\n".join(modules), "")


def processes(lab: str, node: str) -> list[int]:
    return processes_given(identity(lab, node))


def kill(lab: str, node: str) -> None:
    """Take the power away: the kernel and the processes in it are one session of this machine."""
    while running := processes(lab, node):
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
        time.sleep(0.05)


def tell(console: Path, command: str) -> None:
    """Give *command* to the management console of a running kernel. LabError when it does not take it."""
    own = console.with_name(f"lab-{os.getpid()}")
    data = command.encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.bind(str(own))
            client.sendto(struct.pack("<III512s", 0xCAFEBABE, 2, len(data), data), str(console))
            error, _more, length = struct.unpack_from("<III", reply := client.recv(4096))
    except OSError as problem:
        raise LabError(f"cannot tell {console} {command!r}: {problem}") from problem
    finally:
        own.unlink(missing_ok=True)
    if error:
        raise LabError(f"{console} refused {command!r}: {reply[12 : 12 + length].decode(errors='replace')}")
