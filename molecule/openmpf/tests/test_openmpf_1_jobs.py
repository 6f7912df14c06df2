# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A face in a picture that is posted is found and drawn, also when a node is lost in the middle."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.scenario import until
from tests.scenario.openmpf import FACES, SCENARIO, SHARE, complete, done, lab, look, nodes_of, on, play, proof, start_proof
from tests.scenario.system import NODES


@pytest.fixture
def whole() -> Iterator[None]:
    """Afterwards the components are as the inventory has them."""
    yield
    SCENARIO.bring_back("w2")
    until(lambda: on("w2", "ls /mnt/mpf").split() != [], "the mount")
    until(lambda: nodes_of("openmpf_markup") == list(NODES), "markup on each node")
    done("rebalance", services_names=[FACES])


def test_everything_is_where_it_belongs() -> None:
    for service in ("db", "redis", "activemq", "workflow-manager"):
        assert nodes_of(f"openmpf_{service}") == ["m1"], service
    assert nodes_of("openmpf_markup") == list(NODES) and nodes_of(FACES) == ["w1", "w2"]
    assert nodes_of("openmpf_tesseract-ocr-text-detection") in (["w1"], ["w2"]) and nodes_of("openmpf_client") == []


def test_another_run_changes_nothing_and_moves_no_version() -> None:
    before = look()
    run = SCENARIO.converge("site.yml")
    assert run.changed == dict.fromkeys(NODES, 0) and look() == before


def test_check_mode_says_what_would_change_and_changes_nothing() -> None:
    before = look()
    run = play("site.yml", "--check", "--diff", openmpf_release="7", sshfs_server_directories=[{"path": SHARE, "mode": "0700"}])
    assert run.rc == 0 and run.lacks("openmpf_ocv_face_detection:7", "openmpf_workflow_manager:7") == [], run.out[-4000:]
    assert look() == before and on("m1", f"stat -c %a {SHARE}").strip() == "750"


def test_the_proof_of_the_demonstration() -> None:
    before = complete()
    run = SCENARIO.converge("examples/openmpf/lab/proof.yml")
    assert "for the workflow manager on m1, and drawn on" in run.text and not any(run.changed.values())
    assert complete() == before + 1


def test_words_are_found_and_drawn_too(tmp_path: object) -> None:
    """The components look at the same picture side by side, and all that they find is drawn into one."""
    job = SCENARIO.start_job("openmpf_client", "python", "-m", "mpf.prove", "--words")
    found = proof(job)
    assert (found["faces"], found["drawn"], found["words"]) == (1, 1, ["HARBOUR", "LANTERN"]), json.dumps(found)


def test_all_jobs_end_though_the_node_of_a_component_is_lost_in_the_middle(whole: None) -> None:
    before = complete()
    job = start_proof(120)
    until(lambda: complete() > before + 5, "some jobs")
    lab("stop", "--hard", "w2")
    found = proof(job)
    assert (found["jobs"], found["faces"], found["drawn"]) == (120, 120, 120), found
    assert found["manager"] == "m1" and found["components"]["w1"] > found["components"].get("w2", 0) > 0, found
    assert complete() == before + 120


def test_the_components_are_as_many_as_they_are_scaled_to_and_the_next_run_keeps_it() -> None:
    done("scale", services_replicas={FACES: 3})
    assert len(nodes_of(FACES)) == 3
    assert not any(SCENARIO.converge("site.yml").changed.values()) and len(nodes_of(FACES)) == 3
    done("scale", services_replicas={FACES: 2})


def test_logs_of_all_nodes_are_kept_in_files(tmp_path: object) -> None:
    done("logs", services_stacks=["openmpf"], services_dest=f"{tmp_path}/logs/")
