# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of Prometheus: what it scrapes, and how it finds that in the swarm. Pure."""

from __future__ import annotations

import re
import typing as t

from .settings import EXPORTER, EXPORTER_PORT, NODE_EXPORTER_PORT, Settings

Json = dict[str, t.Any]
RULES_DIRECTORY = "/etc/prometheus/rules"
ENGINE = "unix:///var/run/docker.sock"
META = "__meta_dockerswarm_"
CADVISOR = (("service", "com_docker_swarm_service_name"), ("stack", "com_docker_stack_namespace"), ("task", "com_docker_swarm_task_name"))


def prometheus_config(settings: Settings, rule_files: t.Sequence[str]) -> Json:
    own = settings.prometheus
    config: Json = {
        "global": {
            "scrape_interval": own["interval"],
            "evaluation_interval": own["interval"],
            "external_labels": {"swarm": settings.stack, **(own["external_labels"] or {})},
        },
        "rule_files": list(rule_files),
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        "scrape_configs": [*_jobs(settings), *settings.scrape],
    }
    if own["remote_write"]:
        config["remote_write"] = list(own["remote_write"])
    return config


def _jobs(settings: Settings) -> t.Iterator[Json]:
    yield _swarm(settings)
    yield _tasks(settings)
    if settings.node_exporter == "host":
        yield _nodes("node", NODE_EXPORTER_PORT)
    if settings.engines_port:
        yield _nodes("engine", settings.engines_port)
    if settings.addresses:
        yield _probes(settings)


def _discovery(role: str, **options: t.Any) -> list[Json]:
    return [{"host": ENGINE, "role": role, "refresh_interval": "15s", **options}]


def _swarm(settings: Settings) -> Json:
    """The collection's exporter, whose metrics tell of other nodes and services than its own."""
    return {
        "job_name": "swarm",
        "honor_labels": True,
        "dockerswarm_sd_configs": _discovery("tasks", filters=[{"name": "service", "values": [f"{settings.stack}_{EXPORTER}"]}]),
        "relabel_configs": [
            _keep(f"{META}network_name", re.escape(settings.own_network)),
            *_running(),
            {"source_labels": ["__address__"], "regex": r"(.+):\d+", "target_label": "__address__", "replacement": f"$1:{EXPORTER_PORT}"},
            _copy(f"{META}node_hostname", "instance"),
            _copy(f"{META}node_hostname", "node"),
        ],
    }


def _tasks(settings: Settings) -> Json:
    """Every service with the label of a port. A task has a target for each of its networks and ports; one network is kept."""
    label = f"{META}service_label_" + re.sub(r"\W", "_", settings.label)
    networks = "|".join(re.escape(name) for name in (settings.own_network, *settings.networks))
    return {
        "job_name": "tasks",
        "dockerswarm_sd_configs": _discovery("tasks"),
        "relabel_configs": [
            _keep(f"{label}_port", ".+"),
            _keep(f"{META}network_name", networks),
            *_running(),
            _copy(f"{META}network_name", "__tmp_network"),
            _copy_some(f"{label}_network", "__tmp_network"),
            {"source_labels": [f"{META}network_name"], "target_label": "__tmp_network", "action": "keepequal"},
            {
                "source_labels": ["__address__", f"{label}_port"],
                "regex": r"(.+):\d+;(\d+)",
                "target_label": "__address__",
                "replacement": "$1:$2",
            },
            _copy_some(f"{label}_path", "__metrics_path__"),
            _copy(f"{META}service_name", "job"),
            _copy_some(f"{label}_job", "job"),
            _copy(f"{META}service_name", "swarm_service"),
            _copy(f"{META}service_label_com_docker_stack_namespace", "swarm_stack"),
            _copy(f"{META}node_hostname", "node"),
            _copy(f"{META}node_hostname", "instance"),
            {
                "source_labels": [f"{META}service_name", f"{META}task_slot"],
                "regex": "(.+);([1-9].*)",
                "target_label": "instance",
                "replacement": "$1.$2",
            },
        ],
        "metric_relabel_configs": _cadvisor() if settings.containers == "cadvisor" else [],
    }


def _nodes(job: str, port: int) -> Json:
    """Something on each node itself. A leader may not know its own address but as a manager."""
    return {
        "job_name": job,
        "dockerswarm_sd_configs": _discovery("nodes", port=port),
        "relabel_configs": [
            _keep(f"{META}node_status", "ready"),
            {
                "source_labels": [f"{META}node_manager_address"],
                "regex": r"(.+):\d+",
                "target_label": "__address__",
                "replacement": f"$1:{port}",
            },
            _copy(f"{META}node_hostname", "instance"),
            _copy(f"{META}node_hostname", "node"),
        ],
    }


def _probes(settings: Settings) -> Json:
    return {
        "job_name": "probes",
        "metrics_path": "/probe",
        "params": {"module": ["http"]},
        "static_configs": [{"targets": settings.addresses}],
        "relabel_configs": [
            _copy("__address__", "__param_target"),
            _copy("__address__", "instance"),
            {"target_label": "__address__", "replacement": "blackbox:9115"},
        ],
    }


def _cadvisor() -> list[Json]:
    """cAdvisor's labels by the names that the collection's exporter has, so that one dashboard does for both."""
    return [_copy_some(f"container_label_{theirs}", ours) for ours, theirs in CADVISOR] + [
        {"regex": "container_label_.*|id|image", "action": "labeldrop"}
    ]


def _running() -> list[Json]:
    return [_keep(f"{META}task_desired_state", "running"), _keep(f"{META}task_state", "running")]


def _keep(label: str, regex: str) -> Json:
    return {"source_labels": [label], "regex": regex, "action": "keep"}


def _copy(source: str, target: str) -> Json:
    return {"source_labels": [source], "target_label": target}


def _copy_some(source: str, target: str) -> Json:
    """Where there is something to copy."""
    return {"source_labels": [source], "regex": "(.+)", "target_label": target}
