# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCR example: what production would run, and what the lab does otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.autoscale import number_at
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "ocr"
ENVIRONMENT = {"TAG": "7", "DATABASE_PASSWORD": "quite secret", "REGISTRY": "10.0.0.1:5000"}
READERS = ("api", "worker")


def load(*files: str, **environment: str) -> dict[str, Any]:
    loaded = load_model({"name": "ocr", "files": files, "env": environment or ENVIRONMENT, "unsupported": "error"}, [EXAMPLE])
    assert not loaded.warnings
    return dict(loaded.model["services"])


def test_production_has_public_images_and_its_own_application() -> None:
    services = load("stack.yml", TAG="7", DATABASE_PASSWORD="quite secret")
    images = {name: service["image"] for name, service in services.items()}
    assert images.pop("database") == "postgres:17" and images.pop("queue") == "nats:2.12"
    assert set(images) == {"schema", "api", "worker", "client"} and set(images.values()) == {"127.0.0.1:5000/ocr:7"}


def test_the_lab_differs_in_images_and_in_how_ports_and_names_are_reached() -> None:
    services, lab = load("stack.yml"), load("stack.yml", "lab.yml")
    for name, service in services.items():
        assert {key for key in service if service[key] != lab[name][key]} <= {"image", "deploy", "ports"}
        changed = {key for key in lab[name]["deploy"] if service["deploy"].get(key) != lab[name]["deploy"][key]}
        assert changed <= {"endpoint_mode", "update_config", "rollback_config"}


@pytest.mark.parametrize("name", READERS)
def test_those_who_read_scans_run_where_they_are_mounted(name: str) -> None:
    service = load("stack.yml")[name]
    assert service["deploy"]["placement"]["constraints"] == ["node.labels.ocr == true"]
    (scans,) = service["volumes"]
    assert (scans["source"], scans["target"], scans["bind"]["propagation"]) == ("/mnt/scans", "/scans", "rslave")


def test_the_password_is_in_no_environment() -> None:
    assert "quite secret" not in str(load("stack.yml", "lab.yml"))


def test_a_worker_has_the_time_to_end_its_page_and_its_node_by_a_template_that_is_filled_in() -> None:
    worker = load("stack.yml")["worker"]
    assert worker["stop_grace_period"] > 120 * 10**9  # the longest that reading takes
    assert "{{" not in str(worker["command"]) and worker["environment"]["NODE_NAME"] == "{{.Node.Hostname}}"


@pytest.mark.parametrize("name", ["TAG", "DATABASE_PASSWORD"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(FlotillaError, match=name):
        load("stack.yml", **{other: value for other, value in ENVIRONMENT.items() if other != name})


@pytest.mark.parametrize("inventory", ["ocr", "ocr-lab"])
def test_autoscale_finds_the_depth_in_what_the_queue_tells(inventory: str) -> None:
    (rule,) = yaml.safe_load((ROOT / f"inventories/{inventory}/group_vars/all/autoscale.yml").read_text())["autoscale_rules"]
    # As NATS documents /jsz.
    told = {
        "streams": 2,
        "account_details": [
            {"name": "$G", "stream_detail": [{"name": "other", "state": {"messages": 5}}, {"name": "pages", "state": {"messages": 300}}]}
        ],
    }
    assert number_at(told, rule["metric"]["path"]) == 300
