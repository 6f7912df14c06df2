# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's small pieces: packet filter, image archive, container arguments, recipe keys."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from tests.lab.apt import AptSetup
from tests.lab.drivers.container import create_arguments
from tests.lab.firewall import leftovers
from tests.lab.image_archive import write_archive
from tests.lab.model import Lab, plan_nodes
from tests.lab.trees import Tree

RULES = """\
-P FORWARD DROP
-N DOCKER
-N DOCKER-USER
-N mine
-A FORWARD -j DOCKER-USER
-A FORWARD -o br0 -j DOCKER
-A FORWARD -j mine
-A DOCKER-USER -j RETURN
-A mine -j ACCEPT
"""


def test_jumps_go_before_chains_and_other_rules_stay() -> None:
    assert leftovers(RULES) == [
        "-D FORWARD -j DOCKER-USER".split(),
        "-D FORWARD -o br0 -j DOCKER".split(),
        ["-F", "DOCKER"],
        ["-F", "DOCKER-USER"],
        ["-X", "DOCKER"],
        ["-X", "DOCKER-USER"],
    ]


def test_a_clean_packet_filter_needs_nothing() -> None:
    assert leftovers("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n") == []


def test_an_image_archive_names_its_parts_by_their_digests(tmp_path: Path) -> None:
    layer, target = tmp_path / "tree.tar", tmp_path / "image.tar"
    layer.write_bytes(b"layer")
    write_archive(layer, "debian:trixie", "arm64", target)

    with tarfile.open(target) as archive:
        parts = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    (manifest,) = json.loads(parts["manifest.json"])
    config = json.loads(parts[manifest["Config"]])
    assert manifest["RepoTags"] == ["debian:trixie"]
    assert manifest["Config"] == hashlib.sha256(parts[manifest["Config"]]).hexdigest() + ".json"
    assert [parts[name] for name in manifest["Layers"]] == [b"layer"]
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(b"layer").hexdigest()]
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tar", "tree.tar"]


def test_a_node_has_its_address_and_nameless_disks_and_is_not_privileged() -> None:
    lab = Lab("lab", "container", "trixie", "10.88.7.0/24", plan_nodes("10.88.7.0/24", 2, 1))
    arguments = create_arguments(lab, lab.nodes[1], Path("/etc/resolv.conf"), fuse=False)
    assert arguments[arguments.index("--ip") + 1] == "10.88.7.12"
    assert "--volume=/var/lib/docker" in arguments, "a named volume would outlive the node"
    assert "--privileged" not in arguments
    assert "--device" not in arguments
    assert "--device" in create_arguments(lab, lab.nodes[1], Path("/etc/resolv.conf"), fuse=True)


def test_a_changed_recipe_or_certificate_is_another_tree(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.crt"
    certificate.write_text("one")
    setup = AptSetup({"debian": "http://d/debian"}, (), (certificate,))
    tree = Tree("node", "trixie", ("systemd",), (), setup)
    keys = {tree.key, Tree("node", "trixie", ("systemd", "dbus"), (), setup).key}
    certificate.write_text("two")
    keys.add(tree.key)
    assert len(keys) == 3
