# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as containers that run systemd, in an outer engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..apt import read_setup
from ..machine import ensure_commands, run
from ..model import Lab, LabError, Node
from ..outer_engine import OuterEngine, find_engine
from ..state import Paths
from ..trees import build, node_tree

LABEL = "flotilla.lab"
DISKS = ("/var/lib/docker", "/var/lib/containerd")


class ContainerDriver:
    boot_seconds = 90

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def prepare(self, lab: Lab) -> Lab:
        engine = find_engine(self.paths.cache, lab.engine)
        if not engine.answers():
            ensure_commands({"dockerd": "docker.io", "docker": "docker.io"})
            engine.start()
        tree = node_tree(lab.release, read_setup())
        tar = build(tree, self.paths.cache)
        image = f"flotilla-lab/{tree.name}:{tree.key}"
        if not engine.has("image", image):
            engine.run(f"import {tar}", "import", "--change", 'CMD ["/sbin/lab-init"]', str(tar), image)
            for old in engine.run(
                "list images", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"flotilla-lab/{tree.name}"
            ).split():
                if old != image:
                    engine.forget_image(old)
        if not engine.has("network", network_name(lab)):
            engine.run(
                "make the lab's network", "network", "create", "--label", f"{LABEL}={lab.name}",
                "--subnet", lab.subnet, "--gateway", lab.gateway, network_name(lab),
            )  # fmt: skip
        return dataclasses.replace(lab, engine=engine.host)

    def create(self, lab: Lab, node: Node, files: Mapping[str, Path]) -> None:
        engine, name = self._engine(lab), container_name(lab, node)
        state = self.state(lab, node)
        if state == "running":
            return
        if state == "missing":
            tree = node_tree(lab.release, read_setup())
            engine.run(
                f"create node {node.name}",
                *create_arguments(lab, node, self._resolver(), fuse=Path("/dev/fuse").exists()),
                f"flotilla-lab/{tree.name}:{tree.key}",
            )
        for target, source in files.items():
            engine.run(f"copy {source} to node {node.name}", "cp", "-L", str(source), f"{name}:{target}")
        self.start(lab, node)

    def start(self, lab: Lab, node: Node) -> None:
        self._engine(lab).run(f"start node {node.name}", "start", container_name(lab, node))

    def stop(self, lab: Lab, node: Node, *, hard: bool) -> None:
        command = ("kill",) if hard else ("stop", "--time", "30")
        if self.state(lab, node) == "running":
            self._engine(lab).run(f"stop node {node.name}", *command, container_name(lab, node))

    def unplug(self, lab: Lab, node: Node) -> None:
        run(f"unplug node {node.name}", "ip", "link", "set", self._cable(lab, node), "down")

    def plug(self, lab: Lab, node: Node) -> None:
        run(f"plug node {node.name} in", "ip", "link", "set", self._cable(lab, node), "up")

    def _cable(self, lab: Lab, node: Node) -> str:
        """This machine's end of the node's network device."""
        engine = self._engine(lab)
        index = engine.run(
            f"find the cable of node {node.name}", "exec", container_name(lab, node), "cat", "/sys/class/net/eth0/iflink"
        ).strip()
        for link in Path("/sys/class/net").iterdir():
            if (link / "ifindex").read_text().strip() == index:
                return link.name
        raise LabError(f"the cable of node {node.name} is not on this machine: the engine at {engine.host} is elsewhere")

    def state(self, lab: Lab, node: Node) -> str:
        engine = self._engine(lab)
        if not engine.answers():
            return "stopped"
        listed = engine.run("list nodes", "ps", "-a", "--filter", f"label={LABEL}={lab.name}", "--format", "{{.Names}} {{.State}}")
        states = dict(line.split() for line in listed.splitlines())
        state = states.get(container_name(lab, node))
        return "missing" if state is None else "running" if state == "running" else "stopped"

    def destroy(self, lab: Lab) -> None:
        engine = self._engine(lab)
        if not engine.answers():
            if not lab.engine:
                return
            engine.start()
        mine = ("--filter", f"label={LABEL}={lab.name}")
        for kind, listing, removal in (
            ("containers", ("ps", "-aq"), ("rm", "-f", "-v")),
            ("networks", ("network", "ls", "-q"), ("network", "rm")),
        ):
            names = engine.run(f"list {kind}", *listing, *mine).split()
            if names:
                engine.run(f"remove {kind}", *removal, *names)
        if engine.managed and not engine.run("list containers", "ps", "-aq", "--filter", f"label={LABEL}").split():
            engine.stop()

    def purge(self) -> None:
        engine = find_engine(self.paths.cache, "")
        if engine.answers():
            if engine.run("list containers", "ps", "-aq", "--filter", f"label={LABEL}").split():
                raise LabError(f"the engine at {engine.host} holds nodes of other labs; take them down first")
            images = engine.run("list images", "image", "ls", "-q", "flotilla-lab/*").split()
            if images:
                engine.run("remove images", "image", "rm", "-f", *sorted(set(images)))
            if engine.managed:
                engine.stop()

    def _engine(self, lab: Lab) -> OuterEngine:
        return find_engine(self.paths.cache, lab.engine)

    def _resolver(self) -> Path:
        """The machine's resolv.conf with real addresses: the engine's own stub is not reachable from a node's tasks."""
        real = Path("/run/systemd/resolve/resolv.conf")
        return real if real.exists() else Path("/etc/resolv.conf").resolve()


def network_name(lab: Lab) -> str:
    return f"flotilla-{lab.name}"


def container_name(lab: Lab, node: Node) -> str:
    return f"flotilla-{lab.name}-{node.name}"


def create_arguments(lab: Lab, node: Node, resolver: Path, *, fuse: bool) -> list[str]:
    """`docker` arguments up to the image. Not --privileged: that fails where CAP_SYS_RESOURCE is missing."""
    name = container_name(lab, node)
    # nameless, so that they go with the node and the next node of that name starts empty
    disks = [f"--volume={disk}" for disk in DISKS]
    return [
        "create", "--name", name, "--hostname", node.name, "--label", f"{LABEL}={lab.name}",
        "--network", network_name(lab), "--ip", node.address, "--volume", f"{resolver}:/etc/resolv.conf:ro",
        "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
        "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        "--security-opt", "systempaths=unconfined",
        "--cgroupns", "private", "--tmpfs", "/run:exec", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
        "--stop-signal", "SIGRTMIN+3", "--env", "container=docker",
        *disks, *(["--device", "/dev/fuse"] if fuse else []),
    ]  # fmt: skip
