# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.prune import HostInventory, plan_prune
from ansible_collections.flotilla.swarm.plugins.modules import prune as module
from ansible_collections.flotilla.swarm.plugins.modules import stack_info
from fake_engine import FakeEngine, node, service
from module_runner import CONFIRMED, run_module_main

Json = dict[str, t.Any]
OLD, NEW = 1000, 9000
A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def image(ident: str, *tags: str, digests: tuple[str, ...] = (), created: int = OLD) -> Json:
    return {"Id": ident, "RepoTags": list(tags), "RepoDigests": list(digests), "Created": created, "Size": 5_000_000}


def leavings(**more: t.Any) -> HostInventory:
    """Of a host that is node ``now``, where what is older than 5000 may go."""
    return HostInventory(**{"images": [], "containers": [], "cache": [], "node_id": "now", "now": 10000.0, "age": 5000.0, **more})


def task_container(ident: str, node_id: str, state: str = "exited", created: int = OLD) -> Json:
    labels = {"com.docker.swarm.task.id": f"task-{ident}", "com.docker.swarm.node.id": node_id}
    return {"Id": ident, "Names": [f"/{ident}"], "Image": "app:1", "ImageID": "i", "State": state, "Created": created, "Labels": labels}


@pytest.mark.parametrize(
    ("seen", "kept", "removed"),
    [
        (image("i", "app:1"), [], ["app:1"]),
        (image("i", "app:1"), ["app:1"], []),
        (image("i", "app:1"), ["app:2"], ["app:1"]),
        (image("i", "app:1", created=NEW), [], []),
        (image("i", "app:1", "app:latest"), [], ["app:1", "app:latest"]),
        (image("i", "app:1", "app:latest"), ["app:latest"], []),
        (image("i", "r:5000/app:1", digests=(f"r:5000/app@{A}",)), [f"r:5000/app:1@{A}"], []),
        (image("i", "r:5000/app:1", digests=(f"r:5000/app@{A}",)), [f"r:5000/app:1@{B}"], ["r:5000/app:1"]),
        (image("i", digests=(f"r:5000/app@{A}",)), [f"r:5000/app:9@{A}"], []),
        (image("i", digests=(f"r:5000/app@{A}",)), [f"r:5000/app@{A}"], []),
        (image("i", digests=(f"r:5000/app@{A}",)), [], [f"r:5000/app@{A}"]),
        (image("i", "app:1"), [f"app:1@{A}"], []),
        (image("i", "nginx:latest"), ["nginx"], []),
        (image("i", "nginx:1", digests=(f"nginx@{A}",)), [f"docker.io/library/nginx:1@{A}"], []),
        (image("i", "team/app:1"), ["docker.io/team/app:1"], []),
        (image("i", "app:1"), ["no/Image"], ["app:1"]),
        (image("i", "<none>:<none>", digests=("<none>@<none>",)), [], ["i"]),
        (image("used", "app:1"), [], []),
        (image("i", "base/debian:13"), [], []),
    ],
)
def test_what_nothing_needs_goes(seen: Json, kept: list[str], removed: list[str]) -> None:
    plan = plan_prune(leavings(images=[seen], containers=[{"Id": "c", "ImageID": "used"}]), kept, ["base/*"])
    assert [name for change in plan.changes for name in change.payload] == removed
    assert plan.result["bytes"] == (5_000_000 if removed else 0)


@pytest.mark.parametrize(
    ("container", "now", "goes"),
    [
        (task_container("c", "before"), "now", True),
        (task_container("c", "before", "created"), "now", True),
        (task_container("c", "before", "running"), "now", False),
        (task_container("c", "before", "paused"), "now", False),
        (task_container("c", "before", created=NEW), "now", False),
        (task_container("c", "now"), "now", False),
        (task_container("c", "before"), "", True),
        (task_container("c", "before"), None, False),
        ({**task_container("c", "before"), "Labels": {}}, "now", False),
        ({**task_container("c", "before"), "Labels": None}, "now", False),
    ],
)
def test_what_tasks_of_a_former_membership_left_goes_and_its_image(container: Json, now: str | None, goes: bool) -> None:
    plan = plan_prune(leavings(images=[image("i", "app:1")], containers=[container], node_id=now), [], [])
    assert [(change.kind, change.payload) for change in plan.changes] == ([("container", "c"), ("image", ["app:1"])] if goes else [])
    kept = plan_prune(leavings(images=[image("i", "app:1")], containers=[container], node_id=now), ["app:1"], [])
    assert kept.result == {"containers": ["c"] if goes else [], "images": [], "bytes": 0}


def cached(ident: str, used: str | None, *parents: str, busy: bool = False) -> Json:
    times = {"CreatedAt": "1970-01-01T00:00:00Z", "LastUsedAt": used}
    return {"ID": ident, "InUse": busy, "Size": 1_000_000, "Parents": list(parents) or None, **times}


@pytest.mark.parametrize(
    ("cache", "megabytes"),
    [
        ([], 0),
        ([cached("a", None)], 1),
        ([cached("a", "1970-01-01T00:10:00.123456789Z"), cached("b", "1970-01-01T00:10:00Z", "a")], 2),
        ([cached("a", "1970-01-01T02:40:00Z")], 0),
        ([cached("a", None, busy=True)], 0),
        ([cached("a", None), cached("b", None, "a"), cached("c", "1970-01-01T02:40:00Z", "b"), cached("d", None, "a")], 1),
    ],
)
def test_cache_that_nothing_builds_on_goes(cache: list[Json], megabytes: int) -> None:
    plan = plan_prune(leavings(cache=cache), [], [])
    assert plan.result["bytes"] == megabytes * 1_000_000
    changes = [(change.kind, change.reason, change.payload) for change in plan.changes]
    assert changes == ([("cache", f"{megabytes} MB", 5000.0)] if megabytes else [])


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True)],
        services=[service("app_web", image="web:2")],
        images={name: {} for name in ("web:1", "web:2", "web:3", "job:1", "young:1")},
    )


def test_images_of_the_present_and_the_previous_version_stay(fake: FakeEngine) -> None:
    fake.service("app_web")["PreviousSpec"] = {"TaskTemplate": {"ContainerSpec": {"Image": "web:1"}}}
    images = run_module_main(stack_info.main, {"docker_host": fake.docker_host})["images"]
    assert images == ["web:1", "web:2"]
    given = {**CONFIRMED, "docker_host": fake.docker_host, "keep": images, "spare": ["young:*"]}
    fake.forget()
    planned = run_module_main(module.main, given, check=True, diff=True)
    assert not fake.writes and len(fake.calls()) == 4
    done = run_module_main(module.main, given, diff=True)
    assert done["plan"] == planned["plan"] and done["images"] == ["job:1", "web:3"]
    again = run_module_main(module.main, given)
    assert not again["changed"] and again["images"] == []


def test_an_age_that_is_none_is_told_before_anything_is_asked(fake: FakeEngine) -> None:
    message = run_module_main(module.main, {**CONFIRMED, "docker_host": fake.docker_host, "keep": [], "older_than": "yesterday"})["msg"]
    assert message.startswith("older_than: found 'yesterday', expected seconds or a duration") and message.endswith("Nothing was changed.")


@pytest.mark.parametrize("api_version", ["1.45", "1.52"])
def test_leftovers_go_once(fake: FakeEngine, api_version: str) -> None:
    fake.host.api_version = api_version
    fake.host.containers += [task_container("old", "before"), task_container("own", fake.host.node_id)]
    fake.host.build_cache = [cached("a", None), cached("b", None, busy=True)]
    given = {**CONFIRMED, "docker_host": fake.docker_host, "keep": ["web:1", "web:2", "web:3", "job:1", "young:1"]}
    planned = run_module_main(module.main, given, check=True, diff=True)
    told = [(change["kind"], change["name"]) for change in planned["plan"]]
    assert not fake.writes and told == [("container", "old"), ("cache", "of builds")]
    done = run_module_main(module.main, given, diff=True)
    assert done["plan"] == planned["plan"] and done["containers"] == ["old"] and done["bytes"] == 1_000_000
    assert [each["Id"] for each in fake.host.containers] == ["own"] and [part["ID"] for part in fake.host.build_cache] == ["b"]
    assert not run_module_main(module.main, given)["changed"]


def test_an_engine_that_would_count_everything_is_not_asked_for_its_cache(fake: FakeEngine) -> None:
    fake.host.api_version = "1.41"
    fake.host.build_cache = [cached("a", None)]
    done = run_module_main(
        module.main, {**CONFIRMED, "docker_host": fake.docker_host, "keep": ["web:1", "web:2", "web:3", "job:1", "young:1"]}
    )
    assert not done["changed"] and done["bytes"] == 0
