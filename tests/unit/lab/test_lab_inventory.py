# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.lab import inventory
from tests.lab.model import Lab, plan_nodes

DIRECTORY = Path("/state/lab")


def a_lab(count: int = 3, managers: int = 1, nfsd: bool = True) -> Lab:
    subnet = "10.88.7.0/24"
    return Lab("lab", "container", "trixie", subnet, plan_nodes(subnet, count, managers), {"ipvs": False, "nfsd": nfsd})


@pytest.mark.parametrize(
    ("lab", "groups"),
    [
        (a_lab(), {"swarm_managers": ["m1"], "swarm_workers": ["w1", "w2"], "nfs_servers": ["w1"], "gpu_nodes": []}),
        (a_lab(nfsd=False), {"swarm_managers": ["m1"], "swarm_workers": ["w1", "w2"], "nfs_servers": [], "gpu_nodes": []}),
        (a_lab(2, 2), {"swarm_managers": ["m1", "m2"], "swarm_workers": [], "nfs_servers": ["m1"], "gpu_nodes": []}),
    ],
)
def test_groups(lab: Lab, groups: dict[str, list[str]]) -> None:
    assert inventory.groups(lab) == groups


def test_file_and_script_say_the_same() -> None:
    file = yaml.safe_load(inventory.as_yaml_inventory(a_lab(), DIRECTORY))["all"]
    script = inventory.as_script(a_lab(), DIRECTORY)
    assert file["hosts"] == script["_meta"]["hostvars"]
    assert {group: list(body["hosts"]) for group, body in file["children"].items()} == {
        group: script[group]["hosts"] for group in script["all"]["children"]
    }


def test_hosts_are_reached_as_root_with_the_labs_key_and_checked_host_keys() -> None:
    variables = inventory.host_vars(DIRECTORY, a_lab().nodes[1])
    assert variables["ansible_host"] == "10.88.7.12"
    assert variables["ansible_user"] == "root"
    assert variables["ansible_ssh_private_key_file"] == "/state/lab/id_ed25519"
    assert "-o UserKnownHostsFile=/state/lab/known_hosts" in variables["ansible_ssh_args"]
    assert "-o StrictHostKeyChecking=yes" in variables["ansible_ssh_args"]
    assert "ControlPersist=" in variables["ansible_ssh_args"]


def test_group_variables_carry_the_features() -> None:
    assert inventory.group_vars(a_lab())["lab_features"] == {"ipvs": False, "nfsd": True}


def test_known_hosts_have_address_type_and_key_without_comment() -> None:
    keys = {name: f"ssh-ed25519 KEY{name} {name}" for name in ("m1", "w1")}
    assert inventory.known_hosts(a_lab(2), keys) == "10.88.7.11 ssh-ed25519 KEYm1\n10.88.7.12 ssh-ed25519 KEYw1\n"


def test_ssh_config_has_a_block_for_each_node() -> None:
    blocks = inventory.ssh_config(a_lab(2), DIRECTORY).split("Host ")[1:]
    assert [block.split()[0] for block in blocks] == ["m1", "w1"]
    assert "HostName 10.88.7.12" in blocks[1] and "ControlPath /state/lab/w1.ssh" in blocks[1]


keys = st.sampled_from(["all", "hosts", "lab_features", "ansible_host", "m1"])
# beyond U+FFFF, JSON escapes in a way of its own
words = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.booleans() | st.integers() | words | st.lists(words, max_size=3),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, min_size=1, max_size=3))
def test_yaml_reads_what_is_written(data: dict[str, Any]) -> None:
    assert yaml.safe_load(inventory.to_yaml(data)) == data
