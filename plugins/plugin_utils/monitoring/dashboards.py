# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards of Grafana, and what it needs to find them. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .rules import DISKS

Json = dict[str, t.Any]
SOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
DIRECTORY = "/etc/grafana/dashboards"
WIDTH, HEIGHT = 12, 8


@dataclass(frozen=True)
class Panel:
    """``queries`` are legend and PromQL; ``unit`` is one of Grafana's."""

    title: str
    queries: t.Mapping[str, str]
    unit: str = "short"
    kind: str = "timeseries"


DASHBOARDS: t.Mapping[str, t.Sequence[Panel]] = {
    "swarm": (
        Panel("Nodes that are up", {"up": "sum(swarm_node_up)", "all": "count(swarm_node_up)"}, kind="stat"),
        Panel("Managers that are reachable", {"reachable": "swarm_managers_reachable", "all": "swarm_managers"}, kind="stat"),
        Panel("Missing tasks", {"{{service}}": "swarm_service_desired_tasks - swarm_service_running_tasks"}),
        Panel("Failed tasks in 15 minutes", {"{{service}}": "increase(swarm_service_task_failures_total[15m])"}),
        Panel("Updates that are paused", {"{{service}}": "swarm_service_update_paused"}),
        Panel("Alerts", {"{{alertname}}": "count by (alertname) (ALERTS{alertstate='firing'}) or vector(0)"}),
        Panel("Targets that can't be scraped", {"{{job}}": "count by (job) (up) - sum by (job) (up)"}),
    ),
    "node": (
        Panel("Processors in use", {"{{node}}": "1 - avg by (node) (rate(node_cpu_seconds_total{mode='idle'}[2m]))"}, "percentunit"),
        Panel("Memory in use", {"{{node}}": "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"}, "percentunit"),
        Panel(
            "Disks in use",
            {"{{node}} {{mountpoint}}": f"1 - node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}}"},
            "percentunit",
        ),
        Panel("Load of one minute", {"{{node}}": "node_load1"}),
        Panel("Written to disks", {"{{node}}": "sum by (node) (rate(node_disk_written_bytes_total[2m]))"}, "Bps"),
        Panel("Read from disks", {"{{node}}": "sum by (node) (rate(node_disk_read_bytes_total[2m]))"}, "Bps"),
    ),
    "service": (
        Panel(
            "Processors", {"{{service}}": "sum by (service) (rate(container_cpu_usage_seconds_total{service!=''}[2m]))"}, "short"
        ),
        Panel("Memory", {"{{service}}": "sum by (service) (container_memory_working_set_bytes{service!=''})"}, "bytes"),
        Panel(
            "Memory of its limit",
            {
                "{{task}}": "max by (task) (container_memory_working_set_bytes{service!=''})"
                " / max by (task) (container_spec_memory_limit_bytes{service!=''} > 0)"
            },
            "percentunit",
        ),
        Panel("Received", {"{{service}}": "sum by (service) (rate(container_network_receive_bytes_total{service!=''}[2m]))"}, "Bps"),
        Panel("Sent", {"{{service}}": "sum by (service) (rate(container_network_transmit_bytes_total{service!=''}[2m]))"}, "Bps"),
        Panel("Tasks", {"{{service}}": "swarm_service_running_tasks"}),
    ),
    "gpu": (
        Panel("Use", {"{{node}} {{gpu}}": "DCGM_FI_DEV_GPU_UTIL"}, "percent"),
        Panel("Memory", {"{{node}} {{gpu}}": "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"}, "percentunit"),
        Panel("Temperature", {"{{node}} {{gpu}}": "DCGM_FI_DEV_GPU_TEMP"}, "celsius"),
        Panel("Power", {"{{node}} {{gpu}}": "DCGM_FI_DEV_POWER_USAGE"}, "watt"),
    ),
    "edge": (
        Panel("Requests", {"{{service}}": "sum by (service) (rate(traefik_service_requests_total[2m]))"}, "reqps"),
        Panel(
            "Answers that are errors of servers",
            {"{{service}}": "sum by (service) (rate(traefik_service_requests_total{code=~'5..'}[2m]))"},
            "reqps",
        ),
        Panel(
            "Time of 95 in 100 answers",
            {
                "{{service}}": "histogram_quantile(0.95, sum by (service, le) (rate(traefik_service_request_duration_seconds_bucket[5m])))",
            },
            "s",
        ),
        Panel("Addresses that answer", {"{{instance}}": "probe_success"}),
        Panel("Days until certificates end", {"{{instance}}": "(probe_ssl_earliest_cert_expiry - time()) / 86400"}),
    ),
}


def dashboard(name: str) -> Json:
    """A dashboard as Grafana imports it."""
    panels = [_panel(panel, number) for number, panel in enumerate(DASHBOARDS[name])]
    return {
        "uid": f"flotilla-{name}",
        "title": name.capitalize(),
        "tags": ["flotilla"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "panels": panels,
    }


def _panel(panel: Panel, number: int) -> Json:
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for index, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


def data_sources() -> Json:
    source = {"name": "Prometheus", "uid": SOURCE["uid"], "type": "prometheus", "access": "proxy", "url": "http://prometheus:9090"}
    alerts = {"name": "Alertmanager", "uid": "alertmanager", "type": "alertmanager", "access": "proxy", "url": "http://alertmanager:9093"}
    return {
        "apiVersion": 1,
        "datasources": [{**source, "isDefault": True}, {**alerts, "jsonData": {"implementation": "prometheus"}}],
    }


def provider() -> Json:
    return {
        "apiVersion": 1,
        "providers": [{"name": "flotilla", "type": "file", "allowUiUpdates": False, "options": {"path": DIRECTORY}}],
    }
