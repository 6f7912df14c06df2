# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of the monitoring, with what it leaves out. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

Json = t.Mapping[str, t.Any]
EXPORTER, EXPORTER_PORT, NODE_EXPORTER_PORT = "exporter", 9417, 9100
PROMETHEUS: Json = {"interval": "15s", "retention": "30d", "retention_size": "", "remote_write": [], "external_labels": {}}
ALERTMANAGER: Json = {"global": {}, "receivers": [], "route": {}, "inhibit_rules": [], "templates": []}
GRAFANA: Json = {"enabled": True, "admin_password": "", "dashboards": [], "anonymous": False}
PORTAINER: Json = {"enabled": False, "admin_password": ""}
IMAGES: t.Mapping[str, str] = {
    "prometheus": "prom/prometheus:v3.5.0",
    "alertmanager": "prom/alertmanager:v0.28.1",
    "node_exporter": "prom/node-exporter:v1.9.1",
    "blackbox": "prom/blackbox-exporter:v0.27.0",
    "exporter": "python:3.13-alpine",
    "cadvisor": "gcr.io/cadvisor/cadvisor:v0.52.1",
    "gpu": "nvcr.io/nvidia/k8s/dcgm-exporter:4.2.3-4.1.3-ubuntu22.04",
    "grafana": "grafana/grafana:12.1.1",
    "portainer": "portainer/portainer-ce:2.33.1",
    "portainer_agent": "portainer/agent:2.33.1",
}


@dataclass(frozen=True)
class Settings:
    """Each field is the variable of role ``monitoring`` with this name after ``monitoring_``."""

    stack: str = "monitoring"
    constraint: str = "node.labels.monitoring == true"
    networks: t.Sequence[str] = ()
    images: Json = field(default_factory=dict)
    ports: t.Mapping[str, int] = field(default_factory=dict)
    prometheus: Json = field(default_factory=dict)
    port_label: str = "prometheus-port"
    scrape: t.Sequence[Json] = ()
    node_exporter: str = "service"
    containers: str = "engine"
    engines_port: int = 0
    gpu_constraint: str = ""
    probes: t.Sequence[str] = ()
    status_urls: t.Sequence[str] = ()
    rules: Json = field(default_factory=dict)
    rule_files: t.Sequence[str] = ()
    alertmanager: Json = field(default_factory=dict)
    grafana: Json = field(default_factory=dict)
    portainer: Json = field(default_factory=dict)
    overrides: Json = field(default_factory=dict)

    @classmethod
    def of(cls, given: Json) -> Settings:
        own = {each.name: given[each.name] for each in fields(cls) if given.get(each.name) is not None}
        for name, defaults in (("prometheus", PROMETHEUS), ("alertmanager", ALERTMANAGER), ("grafana", GRAFANA), ("portainer", PORTAINER)):
            own[name] = {**defaults, **{key: value for key, value in (own.get(name) or {}).items() if value is not None}}
        own["images"] = {**IMAGES, **{key: value for key, value in (own.get("images") or {}).items() if value}}
        return cls(**{**own, "engines_port": int(own.get("engines_port") or 0)})

    @property
    def addresses(self) -> list[str]:
        """What has to answer, each once."""
        return list(dict.fromkeys((*self.probes, *self.status_urls)))

    @property
    def own_network(self) -> str:
        """The network of the stack, by the name that the swarm knows."""
        return f"{self.stack}_default"

    @property
    def label(self) -> str:
        """What the labels of services begin with that ask to be scraped."""
        return self.port_label.removesuffix("-port")
