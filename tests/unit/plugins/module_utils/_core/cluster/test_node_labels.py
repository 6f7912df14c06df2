# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of nodes for which no constraint can ask."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.labels import lint_labels
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.node import read_node
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.nodes import Wanted, plan_nodes
from fake_engine import node


@pytest.mark.parametrize(
    ("name", "value", "is_askable"),
    [
        ("gpu", "true", True),
        ("com.example.zone-1_b", "eu west", True),
        ("Zone", "10.0.0.0/24", True),
        ("zone", "a(b)*c", True),
        ("ü", "x", False),
        ("a b", "x", False),
        ("y=z", "x", False),
        ("town", "zürich", False),
        ("mail", "ops@example.org", False),
        ("zones", "eu,us", False),
        ("empty", "", False),
        ("blank", " x", False),
        ("gone", None, True),
    ],
)
def test_labels_for_which_no_constraint_can_ask(name: str, value: str | None, is_askable: bool) -> None:
    told = list(lint_labels({"w1": {name: value, "fine": "1"}, "w2": {name: value}}))
    assert bool(told) == (not is_askable)
    if told:
        assert told[0].startswith(f"No constraint can select these labels: {name} of w1, w2. A name may have letters, digits,")
        assert not value or len(value) < 2 or value not in told[0]


def test_the_plan_of_nodes_says_so() -> None:
    nodes = [read_node(node("m1", role="manager", leader=True))]
    assert plan_nodes(nodes, Wanted(labels={"m1": {"gpu": True, "zone": "eu"}})).warnings == ()
    (warning,) = plan_nodes(nodes, Wanted(labels={"m1": {"mail": "a@b", "y=z": 1}})).warnings
    assert "these labels: mail of m1, y=z of m1." in warning
