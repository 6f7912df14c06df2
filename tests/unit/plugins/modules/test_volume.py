# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import polling
from ansible_collections.flotilla.swarm.plugins.modules import volume as module
from fake_clock import Clock
from fake_engine import FakeEngine, volume
from module_runner import run_module_main

SHARED = {"name": "shared", "nfs": {"server": "10.0.0.5", "path": "/srv/x"}}
OPTIONS = {"type": "nfs", "o": "addr=10.0.0.5,nfsvers=4.2,rw,hard,timeo=600,retrans=2,noatime", "device": ":/srv/x"}
OLD = {**OPTIONS, "o": "addr=10.0.0.4,rw"}


def run(fake: FakeEngine, *volumes: dict[str, t.Any], check: bool = False, **args: t.Any) -> dict[str, t.Any]:
    return run_module_main(module.main, {"docker_host": fake.docker_host, "volumes": list(volumes), **args}, check=check, diff=True)


def container(name: str, volume_name: str) -> dict[str, t.Any]:
    mounts = [{"Type": "volume", "Name": volume_name, "Destination": "/x"}]
    return {"Id": f"id-{name}", "Names": [f"/{name}"], "State": "exited", "Mounts": mounts, "Labels": {}}


def test_several_volumes_in_one_call(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(volumes=[volume("there")])
    result = run(fake, SHARED, {"name": "there"}, {"name": "plain", "labels": {"a": 1}})
    assert [(change["action"], change["name"]) for change in result["plan"]] == [("create", "shared"), ("create", "plain")]
    assert fake.calls() == ["GET /volumes", "POST /volumes/create", "POST /volumes/create"]
    assert [request.body for request in fake.writes] == [
        {"Name": "shared", "Driver": "local", "DriverOpts": OPTIONS, "Labels": {}},
        {"Name": "plain", "Driver": "local", "DriverOpts": {}, "Labels": {"a": "1"}},
    ]


def test_a_second_run_asks_once_and_writes_nothing(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine()
    run(fake, SHARED)
    fake.forget()
    assert not run(fake, SHARED)["changed"]
    assert fake.calls() == ["GET /volumes"]


def test_check_mode_writes_nothing(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(volumes=[volume("shared", options=OLD)])
    result = run(fake, SHARED, {"name": "new"}, check=True, recreate="if_unused")
    assert [change["action"] for change in result["plan"]] == ["replace", "create"]
    assert "options.o" in result["diff"]["prepared"]
    assert not fake.writes


@pytest.mark.parametrize("recreate", ["never", "if_unused"])
def test_drift_in_use_is_refused_with_its_users(fake_engine: t.Callable[..., FakeEngine], recreate: str) -> None:
    fake = fake_engine(
        name="n7", volumes=[volume("shared", options=OLD)], containers=[container("web.1", "shared"), container("x", "other")]
    )
    result = run(fake, SHARED, {"name": "new"}, recreate=recreate)
    assert result["exit_code"] == 1
    for found in ("volumes of n7 differ", 'options.o is "addr=10.0.0.4,rw"', "Used by web.1.", "Nothing was changed"):
        assert found in result["msg"]
    assert not fake.writes


def test_drift_without_users_is_recreated_when_told(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(volumes=[volume("shared", options=OLD)])
    assert "set recreate: if_unused" in run(fake, SHARED)["msg"]
    assert not fake.writes
    assert run(fake, SHARED, recreate="if_unused")["changed"]
    assert [request.method for request in fake.writes] == ["DELETE", "POST"]
    assert fake.host.volumes["shared"]["Options"] == OPTIONS
    assert not run(fake, SHARED)["changed"]


def test_a_volume_with_its_own_data_is_never_recreated(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(volumes=[volume("shared")])
    assert "Its data would go with it" in run(fake, SHARED, recreate="if_unused")["msg"]
    assert not fake.writes


def test_foreign_labels_of_an_existing_volume_stay(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(volumes=[volume("shared", options=OPTIONS, labels={"com.docker.stack.namespace": "x"})])
    assert not run(fake, SHARED)["changed"]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"name": "v", "options": {"type": "nfs4", "o": "addr=nas,rw", "device": ":/x"}}, "names only for type nfs"),
        ({"name": "v", "nfs": {"server": "s", "path": "/x"}, "options": {"type": "x"}}, "mutually exclusive"),
    ],
)
def test_refused_input(fake_engine: t.Callable[..., FakeEngine], item: dict[str, t.Any], found: str) -> None:
    fake = fake_engine()
    result = run(fake, item)
    assert result["exit_code"] == 1
    assert found in result["msg"]
    assert not fake.writes


def test_regretted_options_are_told(fake_engine: t.Callable[..., FakeEngine]) -> None:
    item = {"name": "v", "options": {"type": "nfs", "o": "addr=nas,rw,soft", "device": ":/x"}}
    assert "mount option soft" in run(fake_engine(), item)["warnings"][0]


def test_a_bare_host_can_be_predicted(bare_host: str) -> None:
    args = {"docker_host": bare_host, "volumes": [SHARED]}
    result = run_module_main(module.main, args, check=True)
    assert (result["exit_code"], result["changed"]) == (0, True)
    assert "no engine" in result["warnings"][0]
    assert run_module_main(module.main, args)["exit_code"] == 1


def stat(code: int = 0) -> dict[str, t.Any]:
    return {"stat": lambda body, stdin: (code, "", "")}


def test_a_new_volume_is_tried_in_a_container(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(images={"tiny": {}}, volumes=[volume("there")])
    fake.host.commands.update(stat())
    assert run(fake, SHARED, {"name": "there"}, test_image="tiny")["exit_code"] == 0
    body = fake.writes[1].body
    assert (body["Image"], body["HostConfig"]["Mounts"][0]["Source"]) == ("tiny", "shared")
    assert fake.host.containers == []
    fake.forget()
    assert not run(fake, SHARED, test_image="tiny")["changed"]
    assert not fake.writes


@pytest.mark.parametrize("fault", ["mount", "stat", "image"])
def test_a_volume_that_can_not_be_used_is_not_kept(fake_engine: t.Callable[..., FakeEngine], fault: str) -> None:
    fake = fake_engine(name="n7", images={} if fault == "image" else {"tiny": {}})
    fake.host.commands.update(stat(1))
    if fault == "mount":
        fake.host.unmountable["shared"] = "mount :/srv/x: permission denied"
    result = run(fake, SHARED, test_image="tiny")
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert "volume shared can't be used on n7, and was removed again" in result["msg"]
    assert {"mount": "permission denied", "stat": "ended with 1", "image": "No such image: tiny"}[fault] in result["msg"]
    assert (fake.host.containers, list(fake.host.volumes)) == ([], [])


def test_check_mode_tries_nothing(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(images={"tiny": {}})
    assert run(fake, SHARED, check=True, test_image="tiny")["changed"]
    assert not fake.writes


STACK = "com.docker.stack.namespace"


def test_volumes_of_former_stacks_are_removed(fake_engine: t.Callable[..., FakeEngine]) -> None:
    labels = {"app_data": {STACK: "app"}, "app2_data": {STACK: "app2"}, "app_other": {}}
    fake = fake_engine(volumes=[volume(name, labels=given) for name, given in labels.items()])
    planned = run(fake, check=True, remove_stack_volumes=["app"])
    assert [(change["action"], change["name"]) for change in planned["plan"]] == [("remove", "app_data")] and not fake.writes
    assert run(fake, remove_stack_volumes=["app"])["plan"] == planned["plan"]
    assert fake.calls("DELETE .*") == ["DELETE /volumes/app_data"]
    fake.forget()
    assert not run(fake, remove_stack_volumes=["app"])["changed"] and not fake.writes


def test_a_volume_goes_when_its_last_container_has(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_engine(volumes=[volume("app_data", labels={STACK: "app"})], containers=[container("app_web.1", "app_data")])
    clock = Clock()
    monkeypatch.setattr(polling, "time", clock)
    result = run(fake, remove_stack_volumes=["app"])
    assert result["failed"] and "app_data" in result["msg"] and "in use" in result["msg"]
    monkeypatch.setattr(clock, "sleep", lambda seconds: fake.host.containers.clear())
    assert run(fake, remove_stack_volumes=["app"])["changed"] and not fake.host.volumes


LOGIN = "addr=10.0.0.5,username=planted-user,password=planted-1"
SECRETIVE: dict[str, t.Any] = {"name": "cifs", "options": {"type": "cifs", "device": "//10.0.0.5/x", "o": LOGIN}}


def test_options_that_may_hold_a_credential_are_in_no_output(fake_engine: t.Callable[..., FakeEngine]) -> None:
    old = {**SECRETIVE["options"], "o": "addr=10.0.0.5,password=planted-2", "innocent": "planted-3"}
    fresh, there = fake_engine(), fake_engine(volumes=[volume("cifs", options=old)])
    results = [run(fresh, SECRETIVE), run(there, SECRETIVE), run(there, SECRETIVE, check=True, recreate="if_unused")]
    for result in results:
        shown = [result.get(part) for part in ("plan", "diff", "warnings", "msg")]
        assert "planted" not in str(shown) and "addr=10.0.0.5" in str(shown)
    assert fresh.host.volumes["cifs"]["Options"] == SECRETIVE["options"]
