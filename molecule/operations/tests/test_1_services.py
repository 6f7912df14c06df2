# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that change services, on services that run and one that is read all the time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario import until
from tests.scenario.operations import PROBE, done, on, play, reading, services

WEB, IDLE = "probe_web", "probe_idle"
SET_AVAILABILITY = """
import docker
api = docker.APIClient()
node = api.inspect_node("{node}")
api.update_node(node["ID"], node["Version"]["Index"], {{**node["Spec"], "Availability": "{availability}"}})
"""


@pytest.fixture(scope="module", autouse=True)
def probe() -> None:
    done("deploy", stacks_present=[PROBE])


def web() -> dict[str, Any]:
    return dict(services()[WEB])


def test_scale() -> None:
    before = services()
    planned = done("scale", "--check", services_replicas={WEB: 3, IDLE: 2})
    assert "starts 1 more task" in planned.out and services() == before
    with reading():
        grown = done("scale", services_replicas={WEB: 3, IDLE: 2})
        now = services()
        assert (len(now[WEB]["tasks"]), len(now[IDLE]["tasks"])) == (3, 2)
        assert set(before[WEB]["tasks"]) < set(now[WEB]["tasks"]), "scaling up restarts nothing"
        assert f"{WEB}  3/3 running, stable" in grown.out
        assert not any(done("scale", services_replicas={WEB: 3, IDLE: 2}).changed.values())
        done("scale", services_replicas={WEB: 2})
    assert len(web()["tasks"]) == 2


def test_restart() -> None:
    before = web()
    assert any(done("restart", "--check", services_names=[WEB]).changed.values()) and web() == before
    with reading():
        done("restart", services_names=[WEB])
    now = web()
    assert len(now["tasks"]) == 2 and not set(now["tasks"]) & set(before["tasks"])


def test_update_of_several_fields_is_one_update_and_rollback_undoes_it() -> None:
    before = web()
    wanted: dict[str, Any] = {
        "services_names": [WEB],
        "services_update": {
            "environment": {"LEVEL": "second"},
            "mounts": [{"type": "volume", "source": "probe_cache", "target": "/cache"}],
            "limits": {"memory": "256M"},
        },
    }
    assert any(done("update", "--check", **wanted).changed.values()) and web() == before
    with reading() as client:
        done("update", **wanted)
    now = web()
    assert "second" in client.answers and "LEVEL=second" in now["env"] and now["mounts"] == ["/cache"]
    assert not any(done("update", **wanted).changed.values()) and web() == now
    planned = done("rollback", "--check", services_names=[WEB])
    assert any(planned.changed.values()) and web() == now
    with reading() as client:
        done("rollback", services_names=[WEB])
    back = web()
    assert "first" in client.answers and (back["env"], back["mounts"]) == (before["env"], before["mounts"])
    assert not any(done("rollback", services_names=[WEB]).changed.values())


def test_an_update_that_does_not_come_up_fails_and_is_undone() -> None:
    # Without a client: swarm may stop the second task before it sees that the first new one failed.
    before = web()
    run = play("update", services_names=[WEB], services_update={"environment": {"PYTHONHOME": "/nowhere"}}, services_wait_timeout="4m")
    assert run.rc == 2 and f"{WEB} failed" in run.text and "rolled back" in run.text, run.out[-3000:]
    assert web()["env"] == before["env"]
    until(lambda: len(web()["tasks"]) == 2)


def test_rebalance() -> None:
    on("m1", "python3 -", SET_AVAILABILITY.format(node="w2", availability="pause"))
    try:
        done("scale", services_replicas={IDLE: 4})
        done("restart", services_names=[IDLE])
    finally:
        on("m1", "python3 -", SET_AVAILABILITY.format(node="w2", availability="active"))
    before = services()
    homes = sorted(before[IDLE]["tasks"].values())
    assert "w2" not in homes
    planned = done("rebalance", "--check", services_stacks=["probe"])
    assert any(planned.changed.values()) and services() == before
    with reading():
        done("rebalance", services_stacks=["probe"])
    now = services()
    counts = [list(now[IDLE]["tasks"].values()).count(node) for node in ("m1", "w1", "w2")]
    assert sum(counts) == 4 and max(counts) - min(counts) <= 1
    assert now[WEB]["tasks"] == before[WEB]["tasks"], "what lies evenly is left alone"
    assert not any(done("rebalance", services_stacks=["probe"]).changed.values())
    done("scale", services_replicas={IDLE: 1})


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        ("scale", {"services_replicas": {WEB: "many"}}, "found 'many', expected a whole number"),
        ("scale", {"services_replicas": {"probe_wep": 2}}, "there is no service probe_wep; there is probe_web"),
        ("scale", {"services_replicas": {WEB: 9}}, "have room for"),
        ("restart", {"services_stacks": ["prob"]}, "there is no stack prob"),
        ("update", {"services_names": [WEB], "services_update": {"secrets": [{"source": "gone"}]}}, "there is no gone. Create it first"),
        ("restart", {"services_name": WEB}, "restart: no service is named. Give name, stack or label"),
        ("update", {"services_names": [WEB], "services_update": {"imgae": "x"}}, "update.imgae"),
        ("rollback", {"services_names": ["registry_registry"]}, "never updated"),
        ("rebalance", {"services_names": ["probe_wep"]}, "there is no service probe_wep; there is probe_web"),
    ],
)
def test_wrong_input_gives_one_clear_message_and_changes_nothing(playbook: str, variables: dict[str, Any], words: str) -> None:
    until(lambda: len(services()[IDLE]["tasks"]) == 1)
    before = services()
    run = play(playbook, **variables)
    assert run.rc == 2 and words in run.text and "Traceback" not in run.out and not any(run.changed.values())
    assert services() == before
