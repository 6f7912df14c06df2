# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that reads a service with two replicas on five nodes misses no answer while the service is changed, or a node of it drained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario.cluster import NODES, THREE, availability, converge, on, play, settled
from tests.scenario.web import PORT, await_homes, create_service, homes, load_image, reading, remove_service

# Leaves the tasks where they are: only the constraint goes.
FREE = """
import docker
api = docker.APIClient()
service = api.inspect_service("spread")
spec = service["Spec"]
template = {**spec["TaskTemplate"], "Placement": {}}
kept = {"name": "spread", "mode": spec["Mode"], "endpoint_spec": spec["EndpointSpec"]}
api.update_service(service["ID"], service["Version"]["Index"], template, **kept)
"""
TASKS = """
import docker
api = docker.APIClient()
print(*sorted(t["ID"] for t in api.tasks({"service": "read", "desired-state": "running"}) if t["Status"]["State"] == "running"))
"""


@pytest.fixture(scope="module", autouse=True)
def read() -> Iterator[None]:
    converge(THREE)
    assert settled(THREE)
    load_image()
    create_service("read", replicas=2, port=PORT, gentle=True)
    await_homes("read", 2)
    yield
    remove_service("read")


def tasks() -> set[str]:
    return set(on("m1", "python3 -", TASKS).split())


@pytest.mark.parametrize(
    ("playbook", "variables", "replaced", "count"),
    [
        ("scale", {"services_replicas": {"read": 3}}, False, 3),
        ("scale", {"services_replicas": {"read": 2}}, False, 2),
        ("restart", {"services_names": ["read"]}, True, 2),
        ("update", {"services_names": ["read"], "services_update": {"environment": {"LEVEL": "second"}}}, True, 2),
        ("rollback", {"services_names": ["read"]}, True, 2),
    ],
    ids=["scale up", "scale down", "restart", "update", "rollback"],
)
def test_nobody_who_reads_notices(playbook: str, variables: dict[str, Any], replaced: bool, count: int) -> None:
    before = tasks()
    with reading() as reader:
        done = play(playbook=f"playbooks/{playbook}.yml", swarm_managers=THREE, **variables)
        assert done.rc == 0 and any(done.changed.values()), done.out
        await_homes("read", count)
    assert len(before & tasks()) == (0 if replaced else 2)
    assert reader.failures == [] and reader.requests > 50


def test_nobody_who_reads_notices_a_rebalance() -> None:
    create_service("spread", replicas=4, constraints=tuple(f"node.hostname!={node}" for node in NODES[2:]))
    try:
        assert len(set(await_homes("spread", 4))) == 2
        on("m1", "python3 -", FREE)
        before = tasks()
        with reading() as reader:
            done = play(playbook="playbooks/rebalance.yml", swarm_managers=THREE, services_names=["read", "spread"])
        assert done.rc == 0 and len(set(homes("spread"))) == 4, done.out
        assert tasks() == before, "what lies evenly is left alone"
        assert reader.failures == [] and reader.requests > 50
        again = play(playbook="playbooks/rebalance.yml", swarm_managers=THREE, services_names=["read", "spread"])
        assert again.rc == 0 and not any(again.changed.values()), again.out
    finally:
        remove_service("spread")


def test_nobody_who_reads_notices_that_one_of_two_nodes_is_drained() -> None:
    """Without surge: the other replica answers."""
    home = await_homes("read", 2)[-1]
    with reading() as reader:
        done = play(playbook="playbooks/drain.yml", swarm_managers=THREE, nodes_target=[home])
        assert done.rc == 0 and availability(home) == "drain" and home not in await_homes("read", 2), done.out
        back = play(playbook="playbooks/activate.yml", swarm_managers=THREE, nodes_target=[home])
        assert back.rc == 0 and availability(home) == "active", back.out
    assert reader.failures == [] and reader.requests > 50
