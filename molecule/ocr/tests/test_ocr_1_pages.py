# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages that are handed in are read, each once, also when a node is lost in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenario import until
from tests.scenario.ocr import SCENARIO, depth, done, lab, look, nodes_of, on, play, proof, rows, start_pages


@pytest.fixture
def whole() -> Iterator[str]:
    """The node of a worker that does not carry the API; afterwards the service is as the inventory has it."""
    (api,) = nodes_of("ocr_api")
    node = "w1" if api == "w2" else "w2"
    yield node
    SCENARIO.bring_back(node)
    until(lambda: on(node, "ls -d /mnt/scans/* | wc -l").strip() != "0", "the mount")
    done("rebalance", services_names=["ocr_worker"])


def test_everything_is_where_it_belongs() -> None:
    assert nodes_of("ocr_database") == nodes_of("ocr_queue") == ["m1"]
    assert nodes_of("ocr_worker") == ["w1", "w2"] and nodes_of("ocr_client") == []


def test_another_run_changes_nothing_and_moves_no_version() -> None:
    before = look()
    run = SCENARIO.converge("site.yml")
    assert not any(run.changed.values()) and look() == before, run.changed


def test_check_mode_says_what_would_change_and_changes_nothing() -> None:
    before = look()
    run = play("site.yml", "--check", "--diff", ocr_release="7", sshfs_server_directories=[{"path": "/srv/scans", "mode": "0700"}])
    assert run.rc == 0 and run.lacks("ocr:7") == [], run.out[-4000:]
    assert look() == before and on("m1", "stat -c %a /srv/scans").strip() == "750"


def test_the_proof_of_the_demonstration() -> None:
    before, _ = rows()
    run = SCENARIO.converge("examples/ocr/lab/proof.yml")
    assert "20 of 20 pages read, every word right" in run.text and not any(run.changed.values())
    assert depth() == 0 and rows() == (before + 20, before + 20)


def test_no_page_is_lost_or_read_twice_though_a_node_is_lost_in_the_middle(whole: str) -> None:
    before, _ = rows()
    job = start_pages(60)
    until(lambda: rows()[0] > before + 5, "some pages")
    lab("stop", "--hard", whole)
    found = proof(job)
    assert (found["read"], found["right"]) == (60, 60), found
    assert rows() == (before + 60, before + 60)


def test_the_next_run_is_silent_after_all_that() -> None:
    run = SCENARIO.converge("site.yml")
    assert not any(run.changed.values()), run.changed
