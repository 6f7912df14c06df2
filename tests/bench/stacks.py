# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack that is measured: services of the size that people write, without any tasks. Pure."""

from __future__ import annotations

import json
from typing import Any

SERVICES_PER_NETWORK = 50
SETTINGS = "[app]\n" + "".join(f"key{number} = value {number}\n" for number in range(30))
"""What has to lie beside the stack file as settings.ini."""


def make_stack(services: int, replicas: int = 0) -> str:
    """A stack file as YAML text (JSON is YAML); one with more services begins with those of a smaller one.

    Each service has two networks, ten variables, six labels, a config, a volume, limits, a health check and policies for
    updates. The image is in no registry, and a run that asks for its digest would say so.
    """
    groups = range((services - 1) // SERVICES_PER_NETWORK + 1)
    stack = {
        "version": "3.8",
        "services": {f"app{number:04}": _service(number, replicas) for number in range(services)},
        "networks": {
            "front": {"ipam": {"config": [{"subnet": "10.64.0.0/16"}]}},  # an address for each task
            **{f"back{group}": {"driver_opts": {"encrypted": ""}} for group in groups},
        },
        "configs": {"settings": {"file": "settings.ini"}},
        "volumes": {"data": {}},
    }
    return json.dumps(stack, indent=1) + "\n"


def _service(number: int, replicas: int) -> dict[str, Any]:
    name = f"app{number:04}"
    return {
        "image": f"registry.example.com/team/{name}:1.{number % 10}",
        "command": ["serve", "--listen", "0.0.0.0:8000", "--workers", "4"],
        "environment": {f"{name.upper()}_SETTING_{index}": f"value {index} of {name}" for index in range(8)}
        | {"LOG_LEVEL": "info", "DATABASE_URL": f"postgres://database/{name}"},
        "labels": {"com.example.team": "platform", "com.example.component": name},
        "networks": {"front": {"aliases": [f"{name}.internal"]}, f"back{number // SERVICES_PER_NETWORK}": {}},
        "configs": [{"source": "settings", "target": "/etc/app/settings.ini", "mode": 0o444}],
        "volumes": ["data:/var/lib/app", {"type": "tmpfs", "target": "/tmp", "tmpfs": {"size": 67108864}}],
        "healthcheck": {"test": ["CMD", "curl", "-f", "http://127.0.0.1:8000/health"], "interval": "30s", "retries": 3},
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "stop_grace_period": "30s",
        "deploy": {
            "replicas": replicas,
            "endpoint_mode": "dnsrr",
            "labels": {f"traefik.http.{key}": f"{name} {key}" for key in ("rule", "service", "middlewares", "entrypoints")},
            "placement": {"constraints": ["node.platform.os == linux"]},
            "resources": {"limits": {"cpus": "0.50", "memory": "256M"}, "reservations": {"memory": "64M"}},
            "restart_policy": {"condition": "any", "delay": "5s"},
            "update_config": {"parallelism": 1, "order": "start-first", "failure_action": "rollback", "monitor": "10s"},
        },
    }
