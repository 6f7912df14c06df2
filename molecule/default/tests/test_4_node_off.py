# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is off: it is named, the others are left alone, and it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.scenario import Run, Seen, by_name, running, until


@pytest.fixture(scope="module")
def node_off(lab: Callable[..., None]) -> Iterator[str]:
    lab("stop", "w2")
    yield "w2"
    lab("start", "w2")


def wait_for_state(look: Callable[[], Seen], node: str, state: str) -> None:
    until(lambda: by_name(look())[node]["state"] == state, f"{node} being {state}")


def test_status_works_and_names_the_node(node_off: str, play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    wait_for_state(look, node_off, "down")
    run = play("playbooks/status.yml")
    assert run.rc == 0
    assert "2 of 3 nodes ready, 1 of 1 managers reachable (none may fail)" in run.out
    assert f"Not ready: {node_off}" in run.out


def test_site_fails_with_its_name_and_leaves_the_rest_alone(node_off: str, play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    before = look()["services"]
    run = play("site.yml", nodes_labels={"w1": {"extra": True}})
    assert run.rc != 0
    assert node_off in run.out.split("preflight found", 1)[-1]
    assert set(run.changed.values()) <= {0}
    after = look()["services"]
    assert {name: service["index"] for name, service in after.items()} == {name: service["index"] for name, service in before.items()}


def test_site_converges_when_it_is_back(lab: Callable[..., None], play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    lab("start", "w2")
    wait_for_state(look, "w2", "ready")
    run = play("site.yml")
    assert run.rc == 0, run.out[-4000:]
    # Nothing of the stack was changed, so that the run does not wait for what swarm starts again by itself.
    until(lambda: len(running(look()["services"]["autograder_grader"])) == 1, "the return of the grader")
