# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers follow the depth of the queue, and the next run keeps what they came to."""

from __future__ import annotations

from tests.scenario import until
from tests.scenario.ocr import SCENARIO, depth, done, empty_queue, look, nodes_of, proof, start_pages


def replicas() -> int:
    return int(look()["services"]["ocr_worker"]["spec"]["Mode"]["Replicated"]["Replicas"])


def test_a_long_queue_has_more_workers_and_an_empty_one_gives_them_back() -> None:
    done("scale", services_replicas={"ocr_worker": 2})
    job = start_pages(300)
    until(lambda: depth() > 200, "a long queue")
    run = done("autoscale")
    assert replicas() > 2 and "ocr_worker" in run.text
    grown = replicas()
    assert not any(SCENARIO.converge("site.yml").changed.values()) and replicas() == grown
    found = proof(job)
    assert (found["read"], found["right"]) == (300, 300), found
    assert set(found["by_node"]) == {"w1", "w2"}
    empty_queue()
    done("autoscale")
    assert replicas() == 2 and nodes_of("ocr_worker") == ["w1", "w2"]
    assert not any(done("autoscale").changed.values())


def test_status_and_health_find_every_worker_well() -> None:
    assert done("status").lacks("ocr_worker", "2/2") == []
    done("health")
