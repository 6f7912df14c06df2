# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus with the role's configuration: it asks the fake engine, scrapes the role's exporter, and tells of what goes wrong."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import threading
import typing as t
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import docker
import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.rules import RULES
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.settings import EXPORTER_PORT, Settings
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.stack import monitoring_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.targets import judge_targets
from fake_engine import FakeEngine, network, node, service

from tests.prometheus_programs import REASON, find_program
from tests.scenario import until

PROMETHEUS = find_program("prometheus")
pytestmark = pytest.mark.skipif(not PROMETHEUS, reason=REASON.format("prometheus"))
NODE_EXPORTER = find_program("prometheus-node-exporter")
ROOT = Path(__file__).parents[5]
FILE = ROOT / "roles/monitoring/files/exporter.py"
# As Traefik and the blackbox exporter write them.
OTHERS = """
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web@swarm"} 7
traefik_service_requests_total{code="502",method="GET",protocol="http",service="web@swarm"} 1
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web@swarm",le="0.1"} 5
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web@swarm",le="+Inf"} 7
probe_success 1
probe_ssl_earliest_cert_expiry 4e9
"""
CONTAINER = {
    "Id": "c" * 64,
    "Names": ["/web.1.x"],
    "State": "running",
    "Labels": {"com.docker.swarm.service.name": "web", "com.docker.swarm.task.name": "web.1.x"},
    "_stats": {
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
        "memory_stats": {"usage": 1000, "limit": 4000, "stats": {}},
        "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}},
    },
}
Json = dict[str, t.Any]


class Receiver(BaseHTTPRequestHandler):
    """Stands for Alertmanager: keeps the names of the alerts that it was sent last."""

    alerts: t.ClassVar[dict[str, Json]] = {}

    def do_POST(self) -> None:
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            self.alerts[alert["labels"]["alertname"]] = alert
        self.send_response(200)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Swarm:
    """Three managers, a worker, a service and one with metrics, and a Prometheus that sees them."""

    def __init__(self, fake: FakeEngine, directory: Path, others: t.Sequence[Json] = ()) -> None:
        self.fake = fake
        found = importlib.util.spec_from_file_location("exporter", FILE)
        assert found and found.loader
        exporter: t.Any = importlib.util.module_from_spec(found)
        found.loader.exec_module(exporter)
        self.exporter = exporter
        exporter.SOCKET = fake.docker_host.removeprefix("unix://")
        self.servers = [HTTPServer(("127.0.0.1", 0), handler) for handler in (self.exporter.Handler, Receiver)]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = free_port()
        self.process = self._start(directory, others, self.servers[0].server_port, self.servers[1].server_port)

    def _start(self, directory: Path, others: t.Sequence[Json], exporter: int, receiver: int) -> subprocess.Popen[bytes]:
        at_once = {name: {"for": "0s"} for name in RULES}
        at_once["task_restarts"]["threshold"] = "0"
        given = {"rules": at_once, "grafana": {"enabled": False}, "prometheus": {"interval": "1s"}, "networks": ["app"], "scrape": others}
        stack = monitoring_stack(Settings.of({"stack": "monitoring", **given}), "")
        rules = directory / "rules.yml"
        rules.write_text(stack.model["configs"]["rules_0"]["content"].replace("$$", "$"))
        config = stack.secrets["PROMETHEUS_YML"]
        for place, here in (
            ("/etc/prometheus/rules/0.yml", str(rules)),
            ("unix:///var/run/docker.sock", self.fake.docker_host),
            ("refresh_interval: 15s", "refresh_interval: 1s"),
            (f"$1:{EXPORTER_PORT}", f"$1:{exporter}"),
            ("alertmanager:9093", f"127.0.0.1:{receiver}"),
        ):
            assert place in config
            config = config.replace(place, here)
        file = directory / "prometheus.yml"
        file.write_text(config)
        arguments = [f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"]
        return subprocess.Popen([str(PROMETHEUS), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        for server in self.servers:
            server.shutdown()
            server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def query(self, expr: str) -> list[Json]:
        with urllib.request.urlopen(f"{self.address}/api/v1/query?{urllib.parse.urlencode({'query': expr})}", timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])

    def firing(self) -> set[str]:
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}

    def targets(self) -> dict[str, str]:
        """Instance -> health."""
        found = json.loads(self.exporter.targets(self.address))["data"]["activeTargets"]
        return {target["labels"]["instance"]: target["health"] for target in found}


def free_port() -> int:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port


def reachable(fake: FakeEngine, name: str) -> None:
    """Give the tasks of a service an address of this machine."""
    for task in fake.tasks(name):
        for attachment in task["NetworksAttachments"]:
            attachment["Addresses"] = ["127.0.0.1/24"]


@pytest.fixture
def swarm(fake_engine: t.Callable[..., FakeEngine], tmp_path: Path) -> Iterator[Swarm]:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("m2", role="manager"), node("m3", role="manager"), node("w1")],
        networks=[network("monitoring_default"), network("app")],
        auto_tick=False,
        services=[
            service("monitoring_exporter", mode="global", constraints=["node.hostname == m1"], networks=["monitoring_default"]),
            service("web", image="nginx:1", replicas=2),
        ],
    )
    fake.settle()
    reachable(fake, "monitoring_exporter")
    Receiver.alerts.clear()
    made = Swarm(fake, tmp_path)
    until(lambda: made.query("vector(1)"))
    yield made
    made.close()


def test_what_goes_wrong_is_told_and_what_is_well_again_is_not(swarm: Swarm) -> None:
    until(lambda: swarm.query("swarm_node_up") and not swarm.firing())
    assert judge_targets(swarm.exporter.targets(swarm.address), {"swarm": 1}).ready
    fake = swarm.fake

    fake.node("w1")["Status"]["State"] = "down"
    fake.node("m3")["ManagerStatus"]["Reachability"] = "unreachable"
    fake.service("web")["UpdateStatus"] = {"State": "paused"}
    fake.tasks("web")[0]["Status"]["State"] = "failed"
    wrong = {"node_down", "quorum_without_margin", "update_paused", "service_short", "task_restarts"}
    until(lambda: wrong <= swarm.firing())
    until(lambda: wrong <= set(Receiver.alerts))
    assert Receiver.alerts["node_down"]["labels"]["node"] == "w1"
    assert Receiver.alerts["node_down"]["annotations"]["summary"] == "Node w1 is down"

    fake.node("w1")["Status"]["State"] = "ready"
    fake.node("m3")["ManagerStatus"]["Reachability"] = "reachable"
    fake.service("web")["UpdateStatus"] = {"State": "completed"}
    fake.settle()
    until(lambda: swarm.firing() <= {"task_restarts"})

    fake.lose_leader()
    until(lambda: "swarm_unseen" in swarm.firing())


def test_a_service_is_found_when_it_comes_and_forgotten_when_it_goes(swarm: Swarm) -> None:
    until(lambda: swarm.targets() == {"m1": "up"})
    fake = swarm.fake
    server = HTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api: t.Any = docker.APIClient(base_url=fake.docker_host, version="1.45")
    task = docker.types.TaskTemplate(docker.types.ContainerSpec("shop:1"), networks=["app"])
    mode, labels = docker.types.ServiceMode("replicated", 1), {"prometheus-port": str(server.server_port)}
    api.create_service(task, name="shop_web", labels=labels, mode=mode)
    fake.settle()
    reachable(fake, "shop_web")
    until(lambda: swarm.targets() == {"m1": "up", "shop_web.1": "up"})
    assert {each["metric"]["job"] for each in swarm.query("orders_total")} == {"shop_web"}
    server.shutdown()
    server.server_close()
    until(lambda: "target_down" in swarm.firing())
    api.remove_service("shop_web")
    fake.settle()
    until(lambda: swarm.targets() == {"m1": "up"} and "target_down" not in swarm.firing())


class Metrics(BaseHTTPRequestHandler):
    text = "orders_total 1\n"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def node_exporter() -> Iterator[str]:
    """The address of one that runs as the role runs it, with this machine for the node."""
    if not NODE_EXPORTER:
        pytest.skip(REASON.format("prometheus-node-exporter"))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([NODE_EXPORTER, f"--web.listen-address={address}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield address
    process.terminate()
    process.wait(30)


def test_every_expression_of_every_dashboard_returns_data(
    fake_engine: t.Callable[..., FakeEngine], tmp_path: Path, node_exporter: str
) -> None:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True)],
        networks=[network("monitoring_default")],
        containers=[CONTAINER],
        auto_tick=False,
        services=[service("monitoring_exporter", mode="global", networks=["monitoring_default"]), service("web", image="nginx:1")],
    )
    fake.settle()
    reachable(fake, "monitoring_exporter")
    text = f"{(ROOT / 'molecule/monitoring/app/gpus.prom').read_text()}{OTHERS}"
    with HTTPServer(("127.0.0.1", 0), type("Others", (Metrics,), {"text": text})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        targets = {"others": f"127.0.0.1:{server.server_port}", "own_nodes": node_exporter}
        others = [{"job_name": job, "static_configs": [{"targets": [target], "labels": {"node": "m1"}}]} for job, target in targets.items()]
        swarm = Swarm(fake, tmp_path, others)
        try:
            for panel in (panel for panels in DASHBOARDS.values() for panel in panels):
                for expr in panel.queries.values():
                    until(partial(swarm.query, expr))
        finally:
            swarm.close()
            server.shutdown()


def test_every_rule_is_evaluated_without_an_error(swarm: Swarm) -> None:
    def evaluated() -> bool:
        with urllib.request.urlopen(f"{swarm.address}/api/v1/rules", timeout=10) as answer:
            (group,) = json.load(answer)["data"]["groups"]
        assert [(rule["name"], rule.get("lastError")) for rule in group["rules"] if rule["health"] == "err"] == []
        return {rule["name"] for rule in group["rules"] if rule["health"] == "ok"} == set(RULES)

    until(evaluated)
