# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of site.yml that changes nothing: how often each host is visited, and how much one manager is asked."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine, volume

from tests.bench import ROOT
from tests.bench.fleet import Fleet, Played, members

HOSTS = 5
MOST_REQUESTS = 12
METRICS = "/var/lib/flotilla/metrics"


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """With directories on every host, which a service mounts."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "data").mkdir(mode=0o755)
    paths = [str(folder / "data"), "/etc/hostname"]
    own = {"path": paths[0], "mode": "0755", "owner": pwd.getpwuid(os.getuid()).pw_name}
    with FakeEngine(nodes=members(HOSTS), volumes=[volume("uploads")]) as fake:
        yield Fleet.lay_out(folder / "fleet", fake, 5, paths, directories_present=[own]).play("site.yml")


def test_it_is_silent(silent: Played) -> None:
    assert f"{HOSTS} hosts ok, nothing changed, in " in silent.text, silent.text[-3000:]


def test_each_host_is_visited_once_and_one_manager_for_the_stack(silent: Played) -> None:
    once = ["host_info"]
    assert silent.visits == {"m1": [*once, "stack"], "m2": once, "m3": once, "w004": once, "w005": once}


def test_one_manager_is_asked_little(silent: Played) -> None:
    """With what host_info asks of it, and the negotiation of the version."""
    assert len(silent.requests) <= MOST_REQUESTS, silent.requests


def test_a_plan_tells_of_a_monitoring_and_an_edge_that_are_not_there_yet(tmp_path: Path) -> None:
    """No host is visited for them but one manager, and nobody waits there for what only a run would deploy."""
    given: dict[str, Any] = {
        "monitoring_stack": "monitoring",
        "monitoring_constraint": "node.role == manager",
        "monitoring_grafana": {"enabled": False},
        "edge_stack": "edge",
        "edge_domain": "example.org",
        "edge_constraint": "node.hostname == m1",
        "edge_timeout": 0,
        "edge_acme": {"email": "ops@example.org"},
    }
    with FakeEngine(nodes=members(HOSTS), volumes=[volume("uploads")]) as fake:
        fleet = Fleet.lay_out(tmp_path, fake, 5, **given)
        for name in ("m1", "m2", "m3", "w004", "w005"):
            seen = json.loads((tmp_path / f"{name}.json").read_text())
            seen["record"]["host"]["stat"] = {METRICS: {"kind": "absent"}}
            (tmp_path / f"{name}.json").write_text(json.dumps(seen))
        planned = fleet.play("playbooks/plan.yml")
    assert all(word in planned.text for word in (f"{METRICS} ", "monitoring_prometheus ", "edge_traefik ")), planned.text[-3000:]
    assert {name: modules for name, modules in planned.visits.items() if modules != ["host_info"]}.keys() == {"m1"}
    assert set(planned.visits["m1"]) == {"host_info", "stack", "metrics_file"}
    assert METRICS in (ROOT / "playbooks/preflight.yml").read_text(), "each host is asked for it"
