# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster does its job, also when a node is lost, and has what it is scaled to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenario import until
from tests.scenario.ray import SCENARIO, counted, cpus, done, lab, look, nodes_of, play, start_count, told
from tests.scenario.system import NODES


@pytest.fixture
def whole() -> Iterator[None]:
    """Afterwards the cluster is as the inventory has it: the new one of two workers goes to the zone that has none."""
    yield
    SCENARIO.bring_back("w2")
    for replicas in (1, 2):
        done("scale", services_replicas={"ray_worker": replicas})
    until(lambda: cpus() == {"w1": 1, "w2": 1}, "a worker on each node")


def test_head_and_workers_are_where_they_belong() -> None:
    assert nodes_of("ray_head") == ["m1"] and nodes_of("ray_worker") == ["w1", "w2"] and nodes_of("ray_client") == []
    assert cpus() == {"w1": 1, "w2": 1}


def test_another_run_changes_nothing_and_moves_no_version() -> None:
    before = look()
    run = SCENARIO.converge("site.yml")
    assert run.changed == dict.fromkeys(NODES, 0) and look() == before


def test_check_mode_says_what_would_change_and_changes_nothing() -> None:
    before = look()
    labels = {"m1": {"registry": True, "ray_head": True}, "w1": {"zone": "c"}, "w2": {"zone": "b"}}
    run = play("site.yml", "--check", "--diff", nodes_labels=labels, ray_app_release="7")
    assert run.rc == 0 and run.lacks("labels.zone", "ray-app:7") == [], run.out[-4000:]
    assert look() == before


def test_the_proof_of_the_demonstration() -> None:
    run = SCENARIO.converge("examples/ray/lab/proof.yml")
    assert "664579 primes below 10000000" in run.text and not any(run.changed.values())


def test_all_results_come_though_a_node_is_lost_in_the_middle(whole: None) -> None:
    before = len(told("tasks", state="FINISHED"))
    job = start_count(20_000_000, 30)
    until(lambda: len(told("tasks", state="FINISHED")) > before + 2, "three finished tasks")
    lab("stop", "--hard", "w2")
    found = counted(job)
    assert found["tasks"] == 30 and found["primes"] == 1_270_607
    assert found["by_node"]["w1"] > found["by_node"].get("w2", 0)
    until(lambda: nodes_of("ray_worker") == ["w1", "w1"], "both workers on the node that is left")


def test_the_cluster_has_what_it_is_scaled_to_and_the_next_run_keeps_it() -> None:
    done("scale", services_replicas={"ray_worker": 3})
    until(lambda: sum(cpus().values()) == 3, "a third processor")
    assert not any(SCENARIO.converge("site.yml").changed.values()) and len(nodes_of("ray_worker")) == 3
    done("scale", services_replicas={"ray_worker": 2})
    until(lambda: sum(cpus().values()) == 2, "two processors")
