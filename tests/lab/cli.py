# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, and the steps of each command."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .apt import read_setup
from .drivers import DRIVERS
from .drivers.base import Driver
from .features import missing
from .image_archive import write_archive
from .machine import COMMANDS, ensure_commands, kernel_features, networks_in_use, output, remove_tree, require_root, say
from .model import RELEASES, Lab, LabError, Node, check_name, check_release, pick_subnet, plan_nodes, same_lab
from .state import Paths
from .trees import base_tree, build, sweep

BASE_IMAGE = "debian:trixie"
BASE_IMAGE_ON_NODE = "/var/lib/flotilla-images/debian-trixie.tar"
BOOTED = "systemctl is-system-running --wait"


def up(paths: Paths, options: argparse.Namespace) -> None:
    started = time.monotonic()
    require_root()
    with paths.lock():
        ensure_commands(COMMANDS)
        lab = _plan(paths, options)
        driver = DRIVERS[lab.driver](paths)
        # saved before anything is made, so that a killed `up` can be finished or taken down
        paths.save(lab)
        with ThreadPoolExecutor() as pool:
            archive = pool.submit(_base_image, paths.cache)
            lab = driver.prepare(lab)
            paths.save(lab)
            image = archive.result()
            list(pool.map(lambda node: _bring_up(paths, driver, lab, node, image), lab.nodes))
    _report(paths, driver, lab)
    _report_kernel("the nodes' kernel", lab.features)
    say(f"lab {lab.name} is up after {time.monotonic() - started:.0f} s")


def _plan(paths: Paths, options: argparse.Namespace) -> Lab:
    existing = paths.load(options.name)
    others = [lab.subnet for lab in paths.labs() if lab.name != options.name]
    subnet = existing.subnet if existing else pick_subnet(options.name, [*others, *networks_in_use()])
    wanted = Lab(
        name=options.name,
        driver=options.driver,
        release=check_release(options.release),
        subnet=subnet,
        nodes=plan_nodes(subnet, options.nodes, options.managers),
        features=kernel_features(),
        engine=existing.engine if existing else "",
    )
    if existing:
        same_lab(existing, wanted)
    return wanted


def _base_image(cache: Path) -> Path:
    tree = base_tree(read_setup())
    target = cache / f"image-debian-trixie-{tree.key}.tar"
    if not target.exists():
        for old in cache.glob("image-debian-trixie-*.tar"):
            old.unlink()
        write_archive(build(tree, cache), BASE_IMAGE, output("ask for the architecture", "dpkg", "--print-architecture"), target)
    return target


def _bring_up(paths: Paths, driver: Driver, lab: Lab, node: Node, image: Path) -> None:
    files = {
        "/root/.ssh/authorized_keys": paths.key(lab.name).with_suffix(".pub"),
        "/etc/ssh/ssh_host_ed25519_key": paths.host_key(lab.name, node),
        "/etc/ssh/ssh_host_ed25519_key.pub": paths.host_key(lab.name, node).with_suffix(".pub"),
    }
    if node == lab.nodes[0]:
        files[BASE_IMAGE_ON_NODE] = image
    driver.create(lab, node, files)
    _wait(paths, driver, lab, node)


def _wait(paths: Paths, driver: Driver, lab: Lab, node: Node) -> None:
    """Until the node has booted. One ssh at a time: a refused connection costs nothing, a hung one ends by itself."""
    deadline = time.monotonic() + driver.boot_seconds
    while True:
        done = subprocess.run(
            [*_ssh(paths, lab, node, "-o", "ConnectTimeout=5", "-o", "ControlPath=none"), BOOTED],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.stdout.strip() in ("running", "degraded"):
            return
        if driver.state(lab, node) != "running":
            raise LabError(f"node {node.name} ({node.address}) went off while it booted")
        if time.monotonic() > deadline:
            seen = (done.stderr or done.stdout).strip()
            raise LabError(f"node {node.name} ({node.address}) did not boot in {driver.boot_seconds} s: {seen}")
        time.sleep(0.3)


def _ssh(paths: Paths, lab: Lab, node: Node, *options: str) -> list[str]:
    return ["ssh", "-F", str(paths.directory(lab.name) / "ssh_config"), *options, node.name]


def _hang_up(paths: Paths, lab: Lab, nodes: Sequence[Node]) -> None:
    """End shared ssh connections, which would otherwise outlive the node."""
    for node in nodes:
        subprocess.run(_ssh(paths, lab, node, "-O", "exit"), capture_output=True)


def down(paths: Paths, options: argparse.Namespace) -> None:
    require_root()
    with paths.lock():
        lab = paths.load(options.name)
        if lab:
            _hang_up(paths, lab, lab.nodes)
        for name, driver in DRIVERS.items():
            if lab is None or lab.driver == name:
                # without its state, a lab's nodes may still be there
                driver(paths).destroy(lab or Lab(options.name, name, RELEASES[0], subnet="", nodes=()))
        paths.forget(options.name)
        for scratch in paths.cache.glob("tmp/*"):
            sweep(scratch)
        say(f"lab {options.name} is down")
        if options.purge:
            _purge(paths)


def _purge(paths: Paths) -> None:
    if others := paths.labs():
        raise LabError(f"the cache is in use by {', '.join(lab.name for lab in others)}; take that down first")
    for driver in DRIVERS.values():
        driver(paths).purge()
    remove_tree(paths.cache)
    say(f"removed {paths.cache}")


def status(paths: Paths, options: argparse.Namespace) -> None:
    labs = paths.labs()
    for lab in labs:
        _report(paths, DRIVERS[lab.driver](paths), lab)
    if not labs:
        say("no lab is up")
    _report_kernel("this machine's kernel", kernel_features())


def _report(paths: Paths, driver: Driver, lab: Lab) -> None:
    say(f"{lab.name}: {lab.driver}, {lab.release}, {lab.subnet}, files in {paths.directory(lab.name)}")
    for node in lab.nodes:
        role = "manager" if node.manager else "worker"
        say(f"  {node.name:4} {node.address:14} {role:8} {driver.state(lab, node)}")


def _report_kernel(kernel: str, features: Mapping[str, bool]) -> None:
    for line in missing(features):
        say(f"{kernel} has {line}")


def ssh(paths: Paths, options: argparse.Namespace) -> None:
    lab = _existing(paths, options)
    argv = [*_ssh(paths, lab, lab.node(options.node)), *options.command]
    os.execvp(argv[0], argv)


def stop(paths: Paths, options: argparse.Namespace) -> None:
    driver, lab, node = _node(paths, options)
    _hang_up(paths, lab, [node])
    driver.stop(lab, node, hard=options.hard)


def start(paths: Paths, options: argparse.Namespace) -> None:
    driver, lab, node = _node(paths, options)
    driver.start(lab, node)
    _wait(paths, driver, lab, node)


def reboot(paths: Paths, options: argparse.Namespace) -> None:
    stop(paths, options)
    start(paths, options)


def unplug(paths: Paths, options: argparse.Namespace) -> None:
    driver, lab, node = _node(paths, options)
    driver.unplug(lab, node)


def plug(paths: Paths, options: argparse.Namespace) -> None:
    driver, lab, node = _node(paths, options)
    driver.plug(lab, node)


def _node(paths: Paths, options: argparse.Namespace) -> tuple[Driver, Lab, Node]:
    lab = _existing(paths, options)
    return DRIVERS[lab.driver](paths), lab, lab.node(options.node)


def inventory(paths: Paths, options: argparse.Namespace) -> None:
    lab = _existing(paths, options)
    for name in ("hosts.yml", "group_vars/all/lab.yml", "lab.json", "ssh_config", "known_hosts", "id_ed25519"):
        say(str(paths.directory(lab.name) / name))


def check(paths: Paths, options: argparse.Namespace) -> None:
    """Does this machine hold nodes? One is started and removed, which is the only sure way to know."""
    one = parser().parse_args(["up", "--name", options.name, "--driver", options.driver, "--nodes", "1"])
    try:
        up(paths, one)
    finally:
        down(paths, argparse.Namespace(name=options.name, purge=False))


def _existing(paths: Paths, options: argparse.Namespace) -> Lab:
    lab = paths.load(options.name)
    if not lab:
        raise LabError(f"lab {options.name!r} is not up; `python3 -m tests.lab up --name {options.name}` makes it")
    return lab


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python3 -m tests.lab",
        description="Start real machines to try a swarm on: Debian nodes with systemd and sshd, and without Docker.",
        epilog="Files are in $FLOTILLA_LAB_STATE (~/.local/state/flotilla-lab) and $FLOTILLA_LAB_CACHE (~/.cache/flotilla-lab).",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable[[Paths, argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(function.__name__, help=text, description=text)
        sub.add_argument("--name", default="lab", help="which lab (default: %(default)s)")
        sub.set_defaults(function=function)
        return sub

    sub = command(up, "have a lab: make it, finish it, or add nodes to it")
    sub.add_argument("--nodes", type=int, default=3, help="how many nodes (default: %(default)s)")
    sub.add_argument("--managers", type=int, default=1, help="how many of them are managers (default: %(default)s)")
    release = os.environ.get("FLOTILLA_LAB_RELEASE") or RELEASES[0]
    sub.add_argument("--release", choices=RELEASES, default=release, help="Debian release (default: $FLOTILLA_LAB_RELEASE)")
    sub.add_argument("--driver", choices=sorted(DRIVERS), default="container", help="how nodes run (default: %(default)s)")
    sub = command(down, "leave nothing of a lab but the cache")
    sub.add_argument("--purge", action="store_true", help="remove the cache too")
    sub = command(check, "say whether this machine can hold nodes: start one and remove it")
    sub.add_argument("--driver", choices=sorted(DRIVERS), default="container", help="how nodes run (default: %(default)s)")
    sub.set_defaults(name="check")
    command(status, "show every lab, its nodes, and what the kernel cannot do")
    sub = command(ssh, "a shell on a node, or one command")
    sub.add_argument("node")
    sub.add_argument("command", nargs=argparse.REMAINDER)
    for function, text in ((stop, "switch a node off; its disks and address stay"), (reboot, "switch a node off and on")):
        sub = command(function, text)
        sub.add_argument("node")
        sub.add_argument("--hard", action="store_true", help="as if the power failed")
    command(start, "switch a node on again").add_argument("node")
    command(unplug, "pull a node's network cable; the node runs on").add_argument("node")
    command(plug, "plug the cable in again").add_argument("node")
    command(inventory, "print where the lab's files are")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        check_name(options.name)
        options.function(Paths.from_environment(), options)
    except (LabError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; the same command goes on from here, and down takes everything away", file=sys.stderr)
        return 130
    return 0
