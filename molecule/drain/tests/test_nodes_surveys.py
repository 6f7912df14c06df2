# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of the job templates drain nodes, activate them, take one out, and let one take over. Answers are texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenario.cluster import THREE, availability, converge, look, roles, settled
from tests.scenario.controller import Controller, answers_of

# Of the inventory, not of the surveys: this lab's own knows of one manager, and its labels are those of another lab.
INVENTORY = {"swarm_managers": THREE, "nodes_labels": {}, "nodes_label_policies": {}}


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    converge(THREE)
    assert settled(THREE)


def launch(name: str, controller: Controller, folder: Path, **answers: str) -> tuple[str, str]:
    """How the job ended, and what it said."""
    (folder / name).mkdir()
    given: dict[str, Any] = {variable: answer or "" for variable, answer in answers_of(name, controller).items()}
    job = controller.launch(name, {**given, **INVENTORY, **answers}, folder / name)
    return job.status, " ".join(job.stdout.read().split())


def test_nodes_are_drained_and_activated(controller: Controller, tmp_path: Path) -> None:
    status, said = launch("drain", controller, tmp_path, nodes_target="w3, w4", nodes_surge="sole")
    assert status == "successful" and (availability("w3"), availability("w4")) == ("drain", "drain"), said[-4000:]
    status, said = launch("activate", controller, tmp_path, nodes_target="w3,w4")
    assert status == "successful" and (availability("w3"), availability("w4")) == ("active", "active"), said[-4000:]


def test_a_node_is_taken_out_when_the_swarm_is_named(controller: Controller, tmp_path: Path) -> None:
    status, said = launch("remove_node", controller, tmp_path, nodes_target="w4", confirm="another")
    assert status == "failed" and "confirm is 'another', which is not its name" in said and look("w4")["state"] == "active", said[-4000:]
    (tmp_path / "named").mkdir()
    status, said = launch("remove_node", controller, tmp_path / "named", nodes_target="w4")
    assert status == "successful" and look("w4")["state"] == "inactive" and "w4" not in roles(), said[-4000:]


def test_a_host_takes_over(controller: Controller, tmp_path: Path) -> None:
    """w4 is free since the test before."""
    status, said = launch("replace_node", controller, tmp_path, nodes_old="w3", nodes_new="w4")
    assert status == "successful" and look("w3")["state"] == "inactive", said[-4000:]
    assert "w3" not in roles() and roles()["w4"] == "worker"
    converge(THREE)
    assert settled(THREE)
