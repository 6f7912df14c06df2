# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import Limits, judge_health
from well_host import NOTHING_OPEN, WELL

Json = dict[str, Any]
REGISTRY: Json = {"port": "5000/tcp", "tls": True, "open": False, "certificate_days": 800.0}
LIMITS = Limits(min_disk_free_mb=1000, certificate_days=3)


def host(**changes: Any) -> Json:
    return {**WELL, **changes}


def node(**changes: Any) -> Json:
    return {"hostname": "m1", "node_id": "n1", "state": "ready", "availability": "active", "generic_resources": [], **changes}


def service(**changes: Any) -> Json:
    plain = {"name": "web", "running": 2, "desired": 2, "state": "running", "cause": "", "update_state": "", "update_message": ""}
    return {**plain, **changes}


def cluster(*nodes: Json, **changes: Any) -> Json:
    manager = {"hostname": "m1", "reachable": True}
    quorum = {"managers": 1, "reachable": 1, "needed": 1, "margin": 0}
    return {"nodes": list(nodes) or [node()], "managers": [manager], "quorum": quorum, "ghosts": [], **changes}


def judge(hosts: Json | None = None, swarm: Json | None = None, services: list[Json] | None = None) -> Json:
    return judge_health(hosts or {"m1": host()}, cluster() if swarm is None else swarm, services or [service()], LIMITS)


def test_a_swarm_without_faults_is_healthy() -> None:
    report = judge()
    assert (report["verdict"], report["findings"]) == ("healthy", [])
    areas = "hosts network nodes quorum overlay services mounts gpus certificates disks exposure"
    assert [area["area"] for area in report["areas"]] == areas.split()
    assert {area["state"] for area in report["areas"]} == {"ok"}


MOUNT = {"path": "/srv", "source": "nas:/srv", "problem": "no answer within 5 s"}
CRASHING = {"tasks": {"crashing": [{"service": "web", "failures": 4, "error": "exited 1"}]}}
UNREACHABLE = {"unreachable": True, "msg": "Failed to connect to the host via ssh: connection refused"}


@pytest.mark.parametrize(
    ("given", "area", "state", "words"),
    [
        ({"hosts": {"m1": host(), "w1": UNREACHABLE}}, "hosts", "failed", "w1 does not answer: connection refused"),
        ({"hosts": {"m1": host(), "w1": {}}}, "hosts", "failed", "w1 does not answer: no answer"),
        ({"hosts": {"m1": host(state="no engine", problem="refused.")}}, "hosts", "failed", "m1 its engine is in state no engine"),
        ({"hosts": {"m1": host(state="locked")}}, "hosts", "failed", "m1 its engine is in state locked"),
        ({"swarm": cluster(node(state="down"))}, "nodes", "failed", "m1 is down"),
        ({"swarm": cluster(node(availability="drain"))}, "nodes", "warning", "m1 takes no tasks, it is set to drain"),
        ({"swarm": cluster(managers=[{"hostname": "m2", "reachable": False}])}, "quorum", "failed", "m2 this manager can't be reached"),
        ({"swarm": {}}, "quorum", "failed", "swarm no manager of the inventory can act"),
        ({"services": [service(state="failed", running=0, cause="exited 1")]}, "services", "failed", "web 0 of 2 tasks: exited 1"),
        ({"services": [service(state="waiting", running=1, cause="c")]}, "services", "warning", "web 1 of 2 tasks: c"),
        ({"services": [service(state="failed", update_state="paused", cause="c")]}, "services", "failed", "web 2 of 2 tasks: c"),
        ({"swarm": cluster(**CRASHING)}, "services", "warning", "web runs now, but failed 4 times within the last hour: exited 1"),
        ({"swarm": cluster(**CRASHING), "services": [service(state="failed", cause="c")]}, "services", "failed", "web 2 of 2 tasks: c"),
        ({"hosts": {"m1": host(mounts=[MOUNT])}}, "mounts", "failed", "m1 /srv from nas:/srv: no answer within 5 s"),
        ({"hosts": {"m1": host(gpus=["gpu=GPU-1"])}}, "gpus", "warning", "m1 GPU-1 is not offered to the swarm"),
        (
            {"swarm": cluster(node(generic_resources=["gpu=GPU-1"]))},
            "gpus",
            "failed",
            "m1 GPU-1 is offered to the swarm, but does not exist",
        ),
        ({"hosts": {"m1": host(gpu_problem="driver\nmismatch")}}, "gpus", "failed", "m1 nvidia-smi: driver mismatch"),
        ({"hosts": {"m1": host(certificate_days=2.5)}}, "certificates", "warning", "m1 its certificate ends in 2.5 days"),
        ({"hosts": {"m1": host(certificate_days=-2.0)}}, "certificates", "failed", "m1 its certificate ended 2 days ago"),
        ({"hosts": {"m1": host(disk_read_only=["/d/tmp"])}}, "disks", "failed", "m1 its engine can't write: /d/tmp is read-only"),
        (
            {"hosts": {"m1": host(pulls=[{"task": "t", "cause": "no space left on device"}])}},
            "disks",
            "warning",
            "m1 could not pull an image within the last hour: no space left on device",
        ),
        ({"hosts": {"m1": host(filter_problem="x")}}, "network", "failed", "m1 its packet filter was emptied: x"),
        ({"hosts": {"m1": host(names_problem="x")}}, "network", "warning", "m1 can't look names up: x"),
        (
            {"hosts": {"m1": host(has_address=False)}, "swarm": cluster(node(address="10.0.0.9"))},
            "network",
            "failed",
            "m1 the swarm knows it by 10.0.0.1, which it has no more, and sees it at 10.0.0.9",
        ),
        ({"hosts": {"m1": host(disk_free_mb=1500)}}, "disks", "warning", "m1 1500 MiB of 100000 free for /var/lib/docker"),
        ({"hosts": {"m1": host(disk_free_mb=999)}}, "disks", "failed", "m1 999 MiB of 100000 free"),
        ({"hosts": {"m1": host(disk_free_inodes_percent=9.9)}}, "disks", "warning", "m1 9.9 % of the inodes free for /var/lib/docker"),
        ({"hosts": {"m1": host(disk_free_inodes_percent=0.0)}}, "disks", "failed", "m1 0 % of the inodes free"),
        (
            {"hosts": {"m1": host(exposure={**NOTHING_OPEN, "registries": [{**REGISTRY, "open": True}]})}},
            "exposure",
            "warning",
            "m1 anyone who reaches port 5000 can replace every image",
        ),
        (
            {"hosts": {"m1": host(exposure={**NOTHING_OPEN, "engine": ["0.0.0.0:2375"]})}},
            "exposure",
            "failed",
            "m1 anyone who reaches 0.0.0.0:2375 is root there",
        ),
        (
            {"hosts": dict.fromkeys(("m1", "w1"), host(exposure={**NOTHING_OPEN, "registries": [{**REGISTRY, "certificate_days": 29.0}]}))},
            "certificates",
            "warning",
            "m1 the certificate of the registry at port 5000 ends in 29.0 days",
        ),
    ],
)
def test_one_fault_is_one_finding_and_the_state_of_its_area(given: Json, area: str, state: str, words: str) -> None:
    report = judge(**given)
    (finding,) = report["findings"]
    assert (finding["area"], finding["state"]) == (area, state)
    assert f"{finding['where']} {finding['text']}".startswith(words) and finding["cure"]
    assert [row["area"] for row in report["areas"] if row["state"] == state] == [area]
    assert report["verdict"] == {"warning": "degraded", "failed": "unhealthy"}[state]


@pytest.mark.parametrize(
    "given",
    [
        {"hosts": {"m1": host(exposure={**NOTHING_OPEN, "ports": ["80/tcp", "5000/tcp"], "registries": [REGISTRY]})}},
        {"hosts": {"m1": host(gpus=["gpu=GPU-1"])}, "swarm": cluster(node(generic_resources=["large=GPU-1"]))},
        {"swarm": cluster(node(generic_resources=["slots=4"]))},
        {"hosts": {"m1": host(has_address=False)}, "swarm": cluster(node(address="10.0.0.1"))},
        {"hosts": {"m1": host(mounts=[{**MOUNT, "problem": ""}])}},
        {"hosts": {"m1": host(certificate_days=None, certificate_expires="")}},
        {"hosts": {"m1": host(disk_free_inodes_percent=None)}},
        {"services": [service(state="completed", running=1, desired=1)]},
    ],
)
def test_what_is_no_fault_is_none(given: Json) -> None:
    assert judge(**given)["findings"] == []


def test_the_routes_of_an_edge_are_a_row_of_their_own() -> None:
    good = {"host": "page.example.org", "state": "ok", "text": "", "cure": ""}
    ending = {"host": "old.example.org", "state": "warning", "text": "its certificate ends in 3.0 days", "cure": "Replace it"}
    silent = {"host": "ops.example.org", "state": "failed", "text": "there is no service site_ops", "cure": "Deploy it"}

    def look(*routes: Json) -> Json:
        edge = {"edges": [{"service": "edge_traefik"}], "routes": list(routes)}
        return judge_health({"m1": host()}, cluster(), [service()], LIMITS, {}, edge)

    report = look(good, ending, silent)
    assert report["areas"][-1] == {"area": "edge", "state": "failed", "text": "2 of 3 routes answer"}
    found = [(each["where"], each["state"]) for each in report["findings"]]
    assert found == [("old.example.org", "warning"), ("ops.example.org", "failed")]
    assert look(good)["verdict"] == "healthy"


@pytest.mark.parametrize("edge", [{}, {"edges": [], "routes": []}, {"failed": True, "msg": "no answer"}])
def test_without_an_edge_there_is_no_row(edge: Json) -> None:
    assert "edge" not in [area["area"] for area in judge_health({"m1": host()}, cluster(), [service()], LIMITS, {}, edge)["areas"]]
