# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the User Mode Linux driver that need no kernel: names, addresses, command lines, the seed, the disk's key."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.apt import AptSetup
from tests.lab.bridge import Bridge, rules_naming
from tests.lab.drivers.uml import boot_arguments, identity, mac, node_texts, write_seed
from tests.lab.model import MAX_NODES, Lab, Node, plan_nodes
from tests.lab.trees import node_tree
from tests.lab.uml_image import Disk, uml_tree

SUBNET = "10.88.7.0/24"
SETUP = AptSetup({"debian": "http://d/debian", "security": "http://s/debian-security"}, (), ())
RULES = """\
-P FORWARD DROP
-A FORWARD -i fl00000001 -j ACCEPT
-A FORWARD -i fl00000001x -j ACCEPT
-A FORWARD -i br0 -o fl00000001 -j ACCEPT
-A FORWARD -j DOCKER-USER
-N fl00000001
"""


def a_lab(count: int = 3) -> Lab:
    return Lab("lab", "uml", "trixie", SUBNET, plan_nodes(SUBNET, count, 1))


def a_boot(node: Node) -> list[str]:
    return boot_arguments(a_lab(), node, root="/s/disk,/c/uml.img", seed=Path("/s/seed.tar"))


@given(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True))
def test_network_devices_have_names_that_the_kernel_takes(lab: str) -> None:
    bridge = Bridge(lab)
    names = [bridge.name, *(bridge.tap(node.name) for node in plan_nodes(SUBNET, MAX_NODES, 25))]
    assert len(set(names)) == MAX_NODES + 1
    assert all(len(name) <= 15 for name in names)


def test_labs_have_bridges_of_their_own() -> None:
    assert len({Bridge(name).name for name in ("lab", "lab2", "kernel", "uml")}) == 4


def test_every_rule_of_a_lab_is_found_again_by_its_bridge() -> None:
    rules = Bridge("lab").rules(SUBNET)
    listed = "\n".join(" ".join(["-A", *rule[1:]]) for rule in rules)
    assert rules_naming(Bridge("lab").name, listed) == [["-D", *rule[1:]] for rule in rules]
    assert rules_naming(Bridge("other").name, listed) == []


def test_only_rules_of_that_device_go() -> None:
    assert rules_naming("fl00000001", RULES) == [
        "-D FORWARD -i fl00000001 -j ACCEPT".split(),
        "-D FORWARD -i br0 -o fl00000001 -j ACCEPT".split(),
    ]


@pytest.mark.parametrize(("address", "expected"), [("10.88.7.11", "02:00:0a:58:07:0b"), ("10.88.254.60", "02:00:0a:58:fe:3c")])
def test_a_mac_address_follows_from_the_address(address: str, expected: str) -> None:
    assert mac(Node("m1", address, manager=True)) == expected


def test_a_node_writes_to_its_own_disk_and_only_reads_the_seed() -> None:
    arguments = a_boot(a_lab().nodes[1])
    assert "ubda=/s/disk,/c/uml.img" in arguments
    assert "ubdbr=/s/seed.tar" in arguments
    assert "lab.address=10.88.7.12/24" in arguments
    assert "lab.gateway=10.88.7.1" in arguments
    assert any(f"ifname={Bridge('lab').tap('w1')}," in argument for argument in arguments)


def test_a_nodes_processes_are_known_by_one_whole_argument() -> None:
    m1, w1, _ = a_lab().nodes
    assert identity("lab", "m1") in a_boot(m1)
    assert identity("lab", "m1") not in a_boot(w1)
    assert identity("lab", "m1") != identity("la", "bm1")


def test_the_seed_holds_the_nodes_own_files_at_their_paths(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o600)
    target = tmp_path / "seed.tar"
    lab = a_lab()
    write_seed(target, {"/etc/ssh/ssh_host_ed25519_key": key}, node_texts(lab, lab.nodes[2], "nameserver 192.0.2.3\n"))
    with tarfile.open(target) as archive:
        # extractfile gives None for what is no regular file, which the test would then show
        found = {entry.name: archive.extractfile(entry).read().decode() for entry in archive}  # type: ignore[union-attr]
        assert archive.getmember("etc/ssh/ssh_host_ed25519_key").mode == 0o600
    assert found == {
        "etc/ssh/ssh_host_ed25519_key": "secret",
        "etc/hostname": "w2\n",
        "etc/hosts": "127.0.0.1 localhost\n10.88.7.13 w2\n",
        "etc/resolv.conf": "nameserver 192.0.2.3\n",
    }
    assert target.stat().st_size % 512 == 0, "a disk has whole sectors"


def test_another_kernel_or_tree_is_another_disk() -> None:
    tree = uml_tree("trixie", SETUP)
    paths = {
        Disk(tree, "6.1.176").path(Path("/c")),
        Disk(tree, "6.1.177").path(Path("/c")),
        Disk(node_tree("trixie", SETUP), "6.1.176").path(Path("/c")),
    }
    assert len(paths) == 3


def test_only_the_disks_of_earlier_recipes_go(tmp_path: Path) -> None:
    disk = Disk(uml_tree("trixie", SETUP), "6.1.176")
    stay = {disk.path(tmp_path).name, "uml-bookworm-0123.img", "uml-tree-trixie-0123.tar"}
    for name in (*stay, "uml-trixie-0123.img"):
        (tmp_path / name).touch()
    disk.forget_others(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == stay


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_the_disk_has_what_the_containers_tree_has_and_more(release: str) -> None:
    container, uml = node_tree(release, SETUP), uml_tree(release, SETUP)
    assert set(container.packages) < set(uml.packages)
    assert set(container.hooks) < set(uml.hooks)
    assert container.path(Path("/c")) != uml.path(Path("/c"))
