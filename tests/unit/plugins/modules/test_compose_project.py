# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import compose_project as module
from fake_engine import FakeEngine, network, node
from module_runner import run_module_main

Json = dict[str, t.Any]
LABEL = "com.docker.compose"


def container(name: str, depends_on: str = "", volume: str = "", state: str = "running", project: str = "media") -> Json:
    labels = {f"{LABEL}.project": project, f"{LABEL}.service": name, f"{LABEL}.depends_on": depends_on}
    mounts = [{"Type": "volume", "Name": volume}] if volume else [{"Type": "bind", "Source": "/srv"}]
    return {"Id": f"id-{name}", "Names": [f"/{project}-{name}-1"], "Image": f"{name}:1", "State": state, "Labels": labels, "Mounts": mounts}


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine]) -> FakeEngine:
    mine = {f"{LABEL}.project": "media", f"{LABEL}.network": "default"}
    networks = [
        network("media_default", driver="bridge", labels=mine, Scope="local"),
        network("other_default", driver="bridge", labels={**mine, f"{LABEL}.project": "other"}, Scope="local"),
        network("media_elsewhere", labels={**mine, f"{LABEL}.network": "elsewhere"}),
    ]
    made = fake_engine(nodes=[node("m1", role="manager", leader=True)], networks=networks)
    made.host.containers += [
        container("api", "db:service_healthy:false,cache:service_started:false"),
        container("db", volume="media_data"),
        container("cache"),
        container("web", "api:service_started:false", state="exited"),
        container("db", project="other"),
    ]
    labels = {f"{LABEL}.project": "media", f"{LABEL}.volume": "data"}
    made.host.volumes["media_data"] = {"Name": "media_data", "Driver": "local", "Labels": labels, "Options": {}}
    return made


def run(fake: FakeEngine, check: bool = False, **options: t.Any) -> Json:
    return run_module_main(module.main, {"docker_host": fake.docker_host, "project": "media", **options}, check=check, diff=True)


def test_a_project_is_known_by_its_labels(fake: FakeEngine) -> None:
    fake.forget()
    seen = run(fake)
    assert not seen["changed"] and not fake.writes and len(fake.calls()) == 4
    assert seen["services"] == {
        "api": {"image": "api:1", "running": 1, "volumes": []},
        "cache": {"image": "cache:1", "running": 1, "volumes": []},
        "db": {"image": "db:1", "running": 1, "volumes": ["data"]},
        "web": {"image": "web:1", "running": 0, "volumes": []},
    }
    assert seen["volumes"] == {"data": "media_data"}
    (service,) = seen["overlay"]["services"].items()
    assert service[0] == "db" and service[1]["deploy"]["placement"]["constraints"][0].startswith("node.id == ")
    assert seen["overlay"]["volumes"] == {"data": {"name": "media_data"}}
    assert seen["overlay"]["networks"] == {"default": {"name": "media_default_swarm"}}


def test_what_depends_on_others_is_stopped_first_and_started_last(fake: FakeEngine) -> None:
    fake.forget()
    planned = run(fake, state="stopped", check=True)
    assert not fake.writes
    done = run(fake, state="stopped")
    assert done["plan"] == planned["plan"]
    assert [change["name"] for change in done["plan"]] == ["media-api-1", "media-db-1", "media-cache-1"]
    assert not run(fake, state="stopped")["changed"]
    started = run(fake, state="started")
    names = [change["name"] for change in started["plan"]]
    assert sorted(names[:2]) == ["media-cache-1", "media-db-1"] and names[2:] == ["media-api-1", "media-web-1"]
    assert not run(fake, state="started")["changed"]


def test_what_was_run_once_is_not_run_again(fake: FakeEngine) -> None:
    once = container("web", "api:service_started:false", state="exited")
    once.update(Id="id-once", Names=["/media-web-run-1"], Labels={**once["Labels"], f"{LABEL}.oneoff": "True"})
    once_running = {**once, "Id": "id-now", "Names": ["/media-web-run-2"], "State": "running"}
    fake.host.containers += [once, once_running]
    assert "media-web-run-2" in [change["name"] for change in run(fake, state="stopped")["plan"]]
    names = [change["name"] for change in run(fake, state="started")["plan"]]
    assert "media-web-1" in names and not [name for name in names if "-run-" in name]


def test_a_project_that_is_not_there_is_refused(fake: FakeEngine) -> None:
    refused = run_module_main(module.main, {"docker_host": fake.docker_host, "project": "medai"})
    assert refused["failed"] and "no containers of a Compose project medai" in refused["msg"]
