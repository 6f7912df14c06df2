# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.flotilla.swarm.plugins.plugin_utils.host_names import FEW, count_hosts, name_hosts
from hypothesis import given
from hypothesis import strategies as st

WORKERS = [f"w{number:03}" for number in range(4, 201)]


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([], ""),
        (["m2", "m1"], "m1, m2"),
        (["m1", "m1"], "m1"),
        ([f"m{number}" for number in range(1, 7)], "m1, m2, m3, m4, m5, m6"),
        ([f"m{number}" for number in range(1, 8)], "m[1:7]"),
        ([*WORKERS, "m1", "m2", "db"], "db, m[1:2], w[004:200]"),
        ([f"gpu{number}.example.org" for number in (1, 2, 3, 5, 7, 8, 9)], "gpu5.example.org, gpu[1:3].example.org, gpu[7:9].example.org"),
        ([f"10.0.0.{number}" for number in range(8, 15)], "10.0.0.[10:14], 10.0.0.[8:9]"),
        ([f"r1-n{number}" for number in range(1, 8)], "r1-n[1:7]"),
        (["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e, f, g"),
    ],
)
def test_names(hosts: list[str], text: str) -> None:
    assert name_hosts(hosts) == text


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([], "0 hosts"),
        (["localhost"], "localhost"),
        (["localhost", "m1"], "1 host"),
        (["m1", "m2"], "2 hosts"),
    ],
)
def test_counts(hosts: list[str], text: str) -> None:
    assert count_hosts(hosts) == text


NAMES = st.one_of(
    st.from_regex(r"[a-c]{1,2}[0-9]{1,3}(\.x)?", fullmatch=True),
    st.from_regex(r"[a-c]{1,2}0?[0-9](-n[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["db", "web", "10.0.0.7", "n1.a2.b"]),
)


@given(st.sets(NAMES, min_size=1, max_size=60))
def test_an_inventory_that_is_written_so_has_the_same_hosts(hosts: set[str]) -> None:
    plugin = BaseInventoryPlugin()
    plugin.inventory = InventoryData()
    found = [host for pattern in name_hosts(hosts).split(", ") for host in plugin._expand_hostpattern(pattern)[0]]
    assert sorted(found) == sorted(hosts)


@given(st.integers(FEW + 1, 5000))
def test_many_hosts_in_a_row_are_short(count: int) -> None:
    assert len(name_hosts([f"w{number:04}" for number in range(count)])) < 20
