# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exporter that role monitoring runs in the swarm, against the fake engine."""

from __future__ import annotations

import importlib.util
import threading
import typing as t
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest
from fake_engine import FakeEngine, node, service

FILE = Path(__file__).parents[5] / "roles/monitoring/files/exporter.py"
Scrape = t.Callable[[FakeEngine], dict[str, float]]


@pytest.fixture
def exporter() -> t.Any:
    found = importlib.util.spec_from_file_location("exporter", FILE)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def scrape(exporter: t.Any) -> Iterator[Scrape]:
    """What a Prometheus reads from the exporter of an engine: the value by name and labels."""
    server = HTTPServer(("127.0.0.1", 0), exporter.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def read(fake: FakeEngine) -> dict[str, float]:
        exporter.SOCKET = fake.docker_host.removeprefix("unix://")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    yield read
    server.shutdown()
    server.server_close()


NODES = [node("m1", role="manager", leader=True), node("m2", role="manager"), node("w1", state="down")]


def test_the_leader_tells_of_nodes_and_services(fake_engine: t.Callable[..., FakeEngine], scrape: Scrape) -> None:
    fake = fake_engine(nodes=NODES, services=[service("web", image="nginx:1", replicas=3)])
    fake.settle()
    seen = scrape(fake)
    assert seen['swarm_node_up{node="m1",role="manager"}'] == 1
    assert seen['swarm_node_up{node="w1",role="worker"}'] == 0
    assert seen["swarm_managers{}"] == seen["swarm_managers_reachable{}"] == 2
    assert seen['swarm_service_desired_tasks{service="web",stack=""}'] == 3
    assert seen['swarm_service_running_tasks{service="web",stack=""}'] == 3
    assert seen['swarm_service_update_paused{service="web",stack=""}'] == 0
    assert fake.writes == []


def test_only_the_leader_tells_of_the_swarm(fake_engine: t.Callable[..., FakeEngine], scrape: Scrape) -> None:
    for name in ("m2", "w1"):
        fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("m2", role="manager"), node("w1")], name=name)
        assert not [sample for sample in scrape(fake) if sample.startswith("swarm_")]


def test_failures_count_from_the_first_look_on(fake_engine: t.Callable[..., FakeEngine], scrape: Scrape) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], services=[service("web", image="nginx:1", replicas=1)])
    fake.settle()
    sample = 'swarm_service_task_failures_total{service="web",stack=""}'
    assert scrape(fake)[sample] == 0
    fake.tasks("web")[0]["Status"]["State"] = "failed"
    assert scrape(fake)[sample] == 1
    assert scrape(fake)[sample] == 1


def test_an_engine_without_a_leader_is_a_failed_scrape_that_says_so(fake_engine: t.Callable[..., FakeEngine], scrape: Scrape) -> None:
    fake = fake_engine(nodes=NODES)
    fake.lose_leader()
    with pytest.raises(urllib.error.HTTPError, match="the engine answers 500 to /nodes: .*does not have a leader"):
        scrape(fake)


CONTAINER = {
    "Id": "a" * 64,
    "Names": ["/web.1.abc"],
    "State": "running",
    "Labels": {
        "com.docker.swarm.service.name": "site_web",
        "com.docker.stack.namespace": "site",
        "com.docker.swarm.task.name": "site_web.1.abc",
    },
}
STATS = {
    "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    "memory_stats": {"usage": 1000, "limit": 4000, "stats": {"inactive_file": 300}},
    "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}},
}


@pytest.mark.parametrize("unused", ["inactive_file", "total_inactive_file"])
def test_containers_have_their_service(exporter: t.Any, unused: str) -> None:
    stats = {**STATS, "memory_stats": {"usage": 1000, "limit": 4000, "stats": {unused: 300}}}
    found = {name: (labels, value) for name, labels, value in exporter.container_samples(CONTAINER, stats)}
    assert found["container_cpu_usage_seconds_total"][1] == 2.5
    assert found["container_memory_working_set_bytes"][1] == 700
    assert found["container_network_receive_bytes_total"][1] == 10
    labels = found["container_memory_working_set_bytes"][0]
    assert (labels["service"], labels["stack"], labels["task"]) == ("site_web", "site", "site_web.1.abc")


def test_a_container_that_has_just_ended_has_no_samples(exporter: t.Any) -> None:
    assert list(exporter.container_samples(CONTAINER, {"memory_stats": {}})) == []


def test_labels_are_escaped_and_names_stand_together(exporter: t.Any) -> None:
    samples = [("swarm_managers", {"a": 'x"y\\z\n'}, 1), ("swarm_node_up", {}, True), ("swarm_managers", {"a": "é"}, 2)]
    lines = exporter.as_text(samples).splitlines()
    assert lines[2:4] == ['swarm_managers{a="x\\"y\\\\z\\n"} 1.0', 'swarm_managers{a="é"} 2.0']


def test_a_prometheus_that_does_not_answer_is_told(exporter: t.Any) -> None:
    assert "refused" in exporter.targets("http://127.0.0.1:1")
