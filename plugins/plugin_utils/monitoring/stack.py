# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose model of the monitoring stack, and the content of its secrets. Pure."""

from __future__ import annotations

import json
import typing as t

import yaml

from ..compose.interpolate import escaped
from .alertmanager import alertmanager_config
from .dashboards import DASHBOARDS, DIRECTORY, dashboard, data_sources, provider
from .prometheus import RULES_DIRECTORY, prometheus_config
from .rules import rule_file
from .settings import EXPORTER, EXPORTER_PORT, NODE_EXPORTER_PORT, Settings

Json = dict[str, t.Any]
TEXTFILES = "/var/lib/flotilla/metrics"
SOCKET: Json = {"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}
PAGES = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "portainer": 9000}
"""Services with pages for people, and their ports."""
BLACKBOX: Json = {
    "modules": {"http": {"prober": "http", "timeout": "10s", "http": {"preferred_ip_protocol": "ip4", "valid_status_codes": []}}},
}


class Stack(t.NamedTuple):
    """``secrets`` has the environment that the secrets of the model come from."""

    model: Json
    secrets: dict[str, str]


class _Builder:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services: Json = {}
        self.configs: Json = {}
        self.secrets: dict[str, str] = {}
        self.volumes: Json = {}

    def add(self, name: str, image: str, command: t.Sequence[str] = (), scrape: int = 0, job: str = "", **more: t.Any) -> None:
        """A service. Names resolve to its tasks, which needs no virtual IP; ``scrape`` is the port of its metrics."""
        deploy = {"endpoint_mode": "dnsrr", "restart_policy": {"condition": "any", "delay": "5s"}, **more.pop("deploy", {})}
        if scrape:
            label = self.settings.label
            deploy["labels"] = {f"{label}-port": str(scrape), f"{label}-network": self.settings.own_network} | (
                {f"{label}-job": job} if job else {}
            )
        service: Json = {"image": self.settings.images[image], "deploy": deploy, **more}
        if command:
            service["command"] = list(command)
        port = int(self.settings.ports.get(name) or 0)
        if port:
            service["ports"] = [{"target": PAGES[name], "published": port, "mode": "host"}]
        self.services[name] = service

    def config(self, key: str, content: str, target: str) -> Json:
        self.configs[key] = {"content": content}
        return {"source": key, "target": target}

    def secret(self, target: str, content: str) -> Json:
        """A secret as a file of this name in /run/secrets."""
        variable = target.replace(".", "_").replace("-", "_").upper()
        self.secrets[variable] = content
        return {"source": variable.lower(), "target": target}

    def kept(self, *constraints: str) -> Json:
        """One task on the labelled node, since its volume is there and two must not write to it."""
        own = [self.settings.constraint] if self.settings.constraint else []
        return {
            "placement": {"constraints": [*own, *constraints]},
            "update_config": {"order": "stop-first", "failure_action": "rollback"},
        }

    def volume(self, name: str, target: str) -> Json:
        self.volumes[name] = {}
        return {"type": "volume", "source": name, "target": target}

    @property
    def joined(self) -> list[str]:
        """The stack's own network and those of others; by their place, as names may not be keys."""
        return ["default", *(f"joined_{index}" for index in range(len(self.settings.networks)))]


EVERYWHERE: Json = {"mode": "global"}


def monitoring_stack(settings: Settings, exporter: str, rules: t.Sequence[str] = (), dashboards: t.Sequence[str] = ()) -> Stack:
    """``exporter`` is the text of the collection's exporter; ``rules`` and ``dashboards`` are the files of the inventory."""
    builder = _Builder(settings)
    _prometheus(builder, rules)
    _alertmanager(builder)
    _exporters(builder, exporter)
    if settings.grafana["enabled"]:
        _grafana(builder, dashboards)
    if settings.portainer["enabled"]:
        _portainer(builder)
    joined = {f"joined_{index}": {"external": True, "name": name} for index, name in enumerate(settings.networks)}
    model = {
        "services": builder.services,
        "networks": {"default": {}, **joined},
        "volumes": builder.volumes,
        "configs": builder.configs,
        "secrets": {name.lower(): {"environment": name} for name in builder.secrets},
    }
    return Stack(escaped(_merged(model, settings.overrides)), builder.secrets)


def _prometheus(builder: _Builder, rules: t.Sequence[str]) -> None:
    """On a manager, because it asks the engine for the swarm's tasks; as root, because the engine's socket is root's."""
    settings = builder.settings
    texts = [_yaml(rule_file(settings.rules)), *rules]
    configs = [builder.config(f"rules_{number}", text, f"{RULES_DIRECTORY}/{number}.yml") for number, text in enumerate(texts)]
    content = _yaml(prometheus_config(settings, [config["target"] for config in configs]))
    own = settings.prometheus
    command = [
        "--config.file=/run/secrets/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        f"--storage.tsdb.retention.time={own['retention']}",
        *([f"--storage.tsdb.retention.size={own['retention_size']}"] if own["retention_size"] else []),
    ]
    builder.add(
        "prometheus",
        "prometheus",
        command,
        9090,
        "prometheus",
        user="root",
        networks=builder.joined,
        configs=configs,
        secrets=[builder.secret("prometheus.yml", content)],
        volumes=[builder.volume("prometheus", "/prometheus"), SOCKET],
        deploy=builder.kept("node.role == manager"),
    )


def _alertmanager(builder: _Builder) -> None:
    builder.add(
        "alertmanager",
        "alertmanager",
        ["--config.file=/run/secrets/alertmanager.yml", "--storage.path=/alertmanager", "--cluster.listen-address="],
        9093,
        "alertmanager",
        networks=builder.joined,
        secrets=[builder.secret("alertmanager.yml", _yaml(alertmanager_config(builder.settings.alertmanager)))],
        volumes=[builder.volume("alertmanager", "/alertmanager")],
        deploy=builder.kept(),
    )


def _exporters(builder: _Builder, exporter: str) -> None:
    settings = builder.settings
    builder.add(
        EXPORTER,
        "exporter",
        ["python3", "/exporter.py", str(EXPORTER_PORT)],
        environment={"CONTAINERS": str(settings.containers == "engine").lower()},
        configs=[builder.config("exporter", exporter, "/exporter.py")],
        volumes=[SOCKET],
        deploy=EVERYWHERE,
    )
    if settings.node_exporter == "service":
        builder.add(
            "node",
            "node_exporter",
            [
                *("--path.rootfs=/host", "--path.procfs=/host/proc", "--path.sysfs=/host/sys"),  # /proc here knows this task alone
                f"--collector.textfile.directory=/host{TEXTFILES}",
                *("--no-collector.netdev", "--no-collector.netclass"),  # of the task's own network
            ],
            NODE_EXPORTER_PORT,
            "node",
            volumes=[{"type": "bind", "source": "/", "target": "/host", "read_only": True, "bind": {"propagation": "rslave"}}],
            deploy=EVERYWHERE,
        )
    if settings.containers == "cadvisor":
        mounts = (("/", "/rootfs"), ("/var/run", "/var/run"), ("/sys", "/sys"), ("/var/lib/docker", "/var/lib/docker"))
        builder.add(
            "cadvisor",
            "cadvisor",
            ["--docker_only"],
            8080,
            "cadvisor",
            volumes=[{"type": "bind", "source": source, "target": target, "read_only": True} for source, target in mounts],
            deploy=EVERYWHERE,
        )
    if settings.gpu_constraint:
        builder.add("gpu", "gpu", (), 9400, "gpu", deploy={**EVERYWHERE, "placement": {"constraints": [settings.gpu_constraint]}})
    if settings.addresses:
        config = builder.config("blackbox", _yaml(BLACKBOX), "/etc/blackbox.yml")
        builder.add(
            "blackbox", "blackbox", ["--config.file=/etc/blackbox.yml"], 9115, "blackbox", networks=builder.joined, configs=[config]
        )


def _grafana(builder: _Builder, dashboards: t.Sequence[str]) -> None:
    own = builder.settings.grafana
    configs = [
        builder.config("grafana_sources", _yaml(data_sources()), "/etc/grafana/provisioning/datasources/flotilla.yml"),
        builder.config("grafana_provider", _yaml(provider()), "/etc/grafana/provisioning/dashboards/flotilla.yml"),
        *(builder.config(f"dashboard_{name}", json.dumps(dashboard(name)), f"{DIRECTORY}/{name}.json") for name in DASHBOARDS),
        *(builder.config(f"dashboard_own_{number}", text, f"{DIRECTORY}/own_{number}.json") for number, text in enumerate(dashboards)),
    ]
    builder.add(
        "grafana",
        "grafana",
        (),
        PAGES["grafana"],
        "grafana",
        environment={
            "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana_password",
            "GF_AUTH_ANONYMOUS_ENABLED": str(bool(own["anonymous"])).lower(),
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
        },
        networks=builder.joined,
        configs=configs,
        secrets=[builder.secret("grafana_password", str(own["admin_password"]))],
        volumes=[builder.volume("grafana", "/var/lib/grafana")],
        deploy=builder.kept(),
    )


def _portainer(builder: _Builder) -> None:
    """The server after its agents, or it finds none and stays without."""
    builder.add(
        "portainer_agent",
        "portainer_agent",
        environment={"AGENT_CLUSTER_ADDR": "tasks.portainer_agent"},
        volumes=[SOCKET, {"type": "bind", "source": "/var/lib/docker/volumes", "target": "/var/lib/docker/volumes"}],
        deploy=EVERYWHERE,
    )
    password = builder.secret("portainer_password", str(builder.settings.portainer["admin_password"]))
    builder.add(
        "portainer",
        "portainer",
        ["-H", "tcp://tasks.portainer_agent:9001", "--tlsskipverify", "--admin-password-file", "/run/secrets/portainer_password"],
        networks=builder.joined,
        depends_on=["portainer_agent"],
        secrets=[password],
        volumes=[builder.volume("portainer", "/data")],
        deploy=builder.kept("node.role == manager"),
    )


def _merged(model: t.Any, overrides: t.Any) -> t.Any:
    """Mappings by key, where null removes one; anything else replaces what was there."""
    if not (isinstance(model, dict) and isinstance(overrides, dict)):
        return overrides
    merged = {**model, **{key: _merged(model.get(key), value) for key, value in overrides.items()}}
    return {key: value for key, value in merged.items() if value is not None or key not in overrides}


def _yaml(value: t.Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)
