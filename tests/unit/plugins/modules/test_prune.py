# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.prune import plan_prune
from ansible_collections.flotilla.swarm.plugins.modules import prune as module
from ansible_collections.flotilla.swarm.plugins.modules import stack_info
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main

Json = dict[str, t.Any]
OLD, NEW = 1000, 9000
A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def image(ident: str, *tags: str, digests: tuple[str, ...] = (), created: int = OLD) -> Json:
    return {"Id": ident, "RepoTags": list(tags), "RepoDigests": list(digests), "Created": created, "Size": 5_000_000}


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
    plan = plan_prune([seen], [{"ImageID": "used"}], kept, ["base/*"], oldest_kept=5000)
    assert [name for change in plan.changes for name in change.payload] == removed
    assert plan.result["bytes"] == (5_000_000 if removed else 0)


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
    given = {"docker_host": fake.docker_host, "keep": images, "spare": ["young:*"]}
    fake.forget()
    planned = run_module_main(module.main, given, check=True, diff=True)
    assert not fake.writes and len(fake.calls()) == 3
    done = run_module_main(module.main, given, diff=True)
    assert done["plan"] == planned["plan"] and done["images"] == ["job:1", "web:3"]
    again = run_module_main(module.main, given)
    assert not again["changed"] and again["images"] == []


def test_an_age_that_is_none_is_told_before_anything_is_asked(fake: FakeEngine) -> None:
    message = run_module_main(module.main, {"docker_host": fake.docker_host, "keep": [], "older_than": "yesterday"})["msg"]
    assert message.startswith("older_than: found 'yesterday', expected seconds or a duration") and message.endswith("Nothing was removed.")
