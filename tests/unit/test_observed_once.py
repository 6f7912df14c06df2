# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules answer on the controller from a record of the host, or go there: a real record of this machine, hosts that note who came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._io.recorded_target import open_record
from ansible_collections.flotilla.swarm.plugins.modules import host_info, mount, nfs_exports, swarm_info, volume
from fake_engine import FakeEngine, node
from fake_engine import volume as volume_of
from module_runner import run_module_main
from playbook_runs import Ran, run_all

ASPECTS = ["engine", "mounts", "exports", "gpus"]
THERE = {"name": "there", "driver": "local"}
# Each with what it is asked for, and by what of its answer it is known to have looked.
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "volume": ({"volumes": [THERE]}, "changed=0"),
    "swarm_info": ({"nodes": True}, "'leader': True"),
    "mount": ({"absent": ["/mnt/none"]}, "changed=0"),
    "nfs_exports": ({"name": "none", "exports": []}, "changed=0"),
    "directory": ({"directories": [{"path": "/etc", "owner": "root", "mode": "0755"}]}, "changed=0"),
    "path_info": ({"paths": ["/etc", "/etc/none"]}, "'missing': ['/etc/none']"),
    "host_info": ({"packages": ["nfs-common"], "units": ["nfs-server.service"]}, "'distribution'"),
    "gpu_info": ({}, "'swarm_resource'"),
    "nodes": ({"labels": {"m1": {}}}, "'drained': []"),
    "network": ({"networks": [], "absent": ["none"]}, "changed=0"),
    "swarm": ({"host": "m1", "role": "manager", "managers": "{{ [told] }}", "settings": {"task_history_limit": 5}}, "'action': 'nothing'"),
}


@pytest.fixture
def fake(fake_engine: Callable[..., FakeEngine]) -> FakeEngine:
    return fake_engine(nodes=[node("m1", role="manager", leader=True)], volumes=[volume_of("there")])


@pytest.fixture
def record(fake: FakeEngine) -> dict[str, Any]:
    asked = {"record": ASPECTS, "directories": ["/srv", "/srv/none"], "paths": ["/etc", "/etc/none"]}
    result = run_module_main(host_info.main, {"docker_host": fake.docker_host, **asked})
    assert fake.calls() == ["GET /info", "GET /volumes", "GET /nodes", "GET /networks"], "the engine is asked once for each list"
    return {"host": result["host"], "record": {**result["record"], "is_local": True}}


def play(folder: Path, record: Any, *cases: tuple[list[str], dict[str, Any]], tasks: Any = TASKS) -> list[Ran]:
    folder.mkdir()
    (folder / "play.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "hosts": "m1",
                    "gather_facts": False,
                    "tasks": [
                        task
                        for name, (options, _word) in tasks.items()
                        for task in (
                            {f"flotilla.swarm.{name}": options, "register": "seen", "name": name},
                            {"ansible.builtin.debug": {"msg": "{{ seen | string }}"}},
                        )
                    ],
                }
            ]
        )
    )
    told = {"item": "m1", **record.get("told", {})}
    given = {"preflight_seen": record, "preflight_reuse": True, "told": told}
    return run_all(folder, folder / "play.yml", [(more, {**given, **variables}) for more, variables in cases])


def test_a_silent_run_answers_from_the_record(tmp_path: Path, fake: FakeEngine, record: dict[str, Any]) -> None:
    told = run_module_main(swarm_info.main, {"docker_host": fake.docker_host, "nodes": False})
    (ran,) = play(tmp_path / "a", {**record, "told": told}, ([], {}))
    assert ran.rc == 0 and not ran.reached, ran.said
    assert all(word in ran.text for _options, word in TASKS.values()), ran.said


def test_who_must_not_answer_goes_there(tmp_path: Path, record: dict[str, Any]) -> None:
    cases: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        ([], {"preflight_reuse": False}),
        ([], {"preflight_seen": {"unreachable": True}}),
        ([], {"__engine_decided": {"todo": ["config"]}}),
        (["--check"], {"__engine_decided": {"todo": ["config"]}}),
    ]
    silent = {"volume": TASKS["volume"]}
    assert [ran.reached for ran in play(tmp_path / "a", record, *cases, tasks=silent)] == [False, True, True, True, False]
    more = {"volume": ({"volumes": [{"name": "new"}]}, "")}
    assert [ran.reached for ran in play(tmp_path / "b", record, ([], {}), (["--check"], {}), tasks=more)] == [True, False]
    elsewhere = {"volume": ({"volumes": [THERE], "docker_host": "tcp://10.0.0.9:2376"}, "")}
    assert [ran.reached for ran in play(tmp_path / "c", record, ([], {}), (["--check"], {}), tasks=elsewhere)] == [True, True]
    unread: dict[str, tuple[dict[str, Any], str]] = {
        "path_info": ({"paths": ["/usr/never-read"]}, ""),
        "host_info": ({"packages": ["never-read"]}, ""),
        "directory": ({"directories": [{"path": "/etc", "owner": "nobody"}]}, ""),
    }
    for number, (name, task) in enumerate(unread.items()):
        (ran,) = play(tmp_path / f"d{number}", record, ([], {}), tasks={name: task})
        assert ran.reached, name
    asked = {"host_info": ({"packages": ["nfs-common"], "exposure": True}, "")}
    assert [ran.reached for ran in play(tmp_path / "e", record, ([], {}), tasks=asked)] == [True]


def test_a_plan_from_the_record_is_that_of_the_module(fake: FakeEngine, record: dict[str, Any]) -> None:
    """Observed here and observed from the record, for what is there and what is to come."""
    place = open_record(record["record"], check_mode=True)
    for wanted in ([THERE], [THERE, {"name": "new"}]):
        params = {**{name: option.get("default") for name, option in volume.ARGUMENTS.items()}, "volumes": wanted}
        here = run_module_main(volume.main, {"docker_host": fake.docker_host, "volumes": wanted}, check=True)
        assert volume.plan(volume.observe(place.member.engine, params), params).as_results() == here["plan"]
    defaults: Any = nfs_exports.EXPORT["options"]
    exports = [{"path": "/srv", "clients": ["10.0.0.1"], "options": list(defaults["default"])}]
    cases: list[tuple[Any, dict[str, Any]]] = [(nfs_exports, {"name": "x", "exports": exports}), (mount, {"absent": ["/x"]})]
    for module, options in cases:
        here = run_module_main(module.main, options, check=True)
        params = {**{name: option.get("default") for name, option in module.ARGUMENTS.items()}, **options}
        assert module.plan(module.observe(place.host, params), params).as_results() == here["plan"]


def test_no_record_is_kept_by_the_fact_cache(record: dict[str, Any]) -> None:
    assert "ansible_facts" not in record and len(json.dumps(record)) < 60_000


ASKED = {"swarm_info": ({"nodes": False, "hosts": ["m1", "w1", "w2", "n1"]}, "")}


def test_hosts_are_asked_at_once_and_their_failures_are_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTING_SECONDS", "3")
    monkeypatch.setenv("NOTING_LOST", "yes")
    (ran,) = play(tmp_path / "a", {}, ([], {}), tasks=ASKED)
    assert ran.rc == 0, ran.said
    assert [ran.text.count(f"'item': '{host}'") for host in ("m1", "w1", "w2", "n1")] == [1, 1, 1, 1], ran.said
    assert ran.text.count("'unreachable': True") == ran.text.count("nobody is there") == 4, ran.said
    times = [tuple(map(float, line.split())) for line in (tmp_path / "a/0.notes").read_text().splitlines()]
    assert len(times) == 4 and max(begun for begun, _ended in times) < min(ended for _begun, ended in times), "one waited for another"


def test_a_host_that_preflight_did_not_reach_is_not_waited_for_again(tmp_path: Path) -> None:
    asked = {"swarm_info": ({"nodes": False, "hosts": ["m1"]}, "")}
    (ran,) = play(tmp_path / "a", {"unreachable": True, "msg": "timed out"}, ([], {}), tasks=asked)
    assert ran.rc == 0 and not ran.reached and "'unreachable': True" in ran.text and "timed out" in ran.text, ran.said


def test_managers_answer_from_their_records(tmp_path: Path, record: dict[str, Any]) -> None:
    asked = {"swarm_info": ({"nodes": False, "hosts": ["m1"]}, "")}
    (ran,) = play(tmp_path / "a", record, ([], {}), tasks=asked)
    assert ran.rc == 0 and not ran.reached and "'acting': True" in ran.text and "'item': 'm1'" in ran.text, ran.said


def test_a_bare_host_is_planned_from_its_record(tmp_path: Path, record: dict[str, Any]) -> None:
    bare = {**record, "record": {**record["record"], "engine": {}, "problem": "nobody answers", "is_bare": True}}
    wanted = {
        "volume": ({"volumes": [{"name": "new"}]}, "'name': 'new'"),
        "swarm": ({"host": "m1", "role": "manager", "managers": [{"item": "m1", "state": "inactive"}]}, "'action': 'initialise'"),
        "nodes": ({"labels": {"m1": {"a": "b"}}}, "'labels.a'"),
        "network": ({"networks": [{"name": "front"}]}, "'name': 'front'"),
    }
    (ran,) = play(tmp_path / "a", bare, (["--check"], {}), tasks=wanted)
    assert ran.rc == 0 and not ran.reached, ran.said
    assert [word for _options, word in wanted.values() if word not in ran.text] == [], ran.said
