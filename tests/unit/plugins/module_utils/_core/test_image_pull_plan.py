# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.image_pull import plan_pulls
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import source_of
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.work import Work
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.pulls import find_pulls, join_pulls
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change
from fake_engine import node

D1, D2 = (f"sha256:{digit * 64}" for digit in "12")
LISTED: list[dict[str, t.Any]] = [
    {"RepoTags": ["app:1"], "RepoDigests": [f"app@{D1}"]},
    {"RepoTags": ["reg.example.com:5000/app:2"], "RepoDigests": None},
    {"RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]},
]


@pytest.mark.parametrize(
    ("image", "pulled"),
    [
        ("app:1", False),
        ("docker.io/library/app:1", False),
        ("app:2", True),
        (f"app:1@{D1}", False),
        (f"app:7@{D1}", False),
        (f"app@{D2}", True),
        (f"app:1@{D2}", True),
        ("reg.example.com:5000/app:2", False),
        (f"reg.example.com:5000/app:2@{D1}", True),
    ],
)
def test_what_a_host_lacks_is_pulled(image: str, pulled: bool) -> None:
    assert plan_pulls([image, image], LISTED).changed is pulled


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(PlanError, match="image: found 'App:1', expected a repository in lower case"):
        plan_pulls(["App:1"], [])


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("app:1", "app:1"),
        (f"app:1@{D1}", f"app@{D1}"),
        (f"reg:5000/a/app:1@{D1}", f"reg:5000/a/app@{D1}"),
        (f"reg:5000/app@{D1}", f"reg:5000/app@{D1}"),
    ],
)
def test_the_registry_is_asked_for_the_digest(name: str, asked: str) -> None:
    assert source_of(name) == asked


def service(action: str, image: str, *constraints: str) -> Change:
    spec = {"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image}, "Placement": {"Constraints": list(constraints)}}}
    return Change("service", "s", action, payload=Work(body=spec))


@pytest.mark.parametrize(
    ("change", "images"),
    [
        (service("create", f"app:1@{D1}"), {"m1": 1, "w1": 1}),
        (service("update", f"app:1@{D1}", "node.role == worker"), {"w1": 1}),
        (service("replace", f"app:1@{D1}", "node.role == worker"), {"w1": 1}),
        (service("create", "app:1"), {}),
        (service("remove", f"app:1@{D1}"), {}),
        (Change("network", "n", "create"), {}),
    ],
)
def test_nodes_that_may_run_a_service_get_its_image(change: Change, images: dict[str, int]) -> None:
    nodes = [node("m1", role="manager", leader=True), node("w1"), node("w2", availability="drain")]
    names: dict[t.Any, str] = {item["ID"]: item["Description"]["Hostname"] for item in nodes}
    assert {names[found]: len(pulls) for found, pulls in find_pulls([change, change], Nodes(nodes)).items()} == images


def test_stacks_are_joined() -> None:
    assert join_pulls([{"a": ["x"]}, {"a": ["w", "x"], "b": ["y"]}]) == {"a": ["w", "x"], "b": ["y"]}
