# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's stack file: what production would run, and what the lab alone does otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

EXAMPLE = Path(__file__).parents[3] / "examples" / "autograder"
ENVIRONMENT = {
    "TAG": "42",
    "SITE_DOMAIN": "grading.example.org",
    "DATABASE_PASSWORD": "s3cret",
    "DJANGO_SECRET_KEY": "k3y",
    "REGISTRY": "10.0.0.1:5000",
}
JOB = "migrate"


def load(*files: str, **environment: str) -> dict[str, Any]:
    options = {"name": "grading", "files": files, "env": environment or ENVIRONMENT, "unsupported": "error"}
    loaded = load_model(options, [EXAMPLE])
    assert not loaded.warnings
    return dict(loaded.model)


def test_production_uses_the_mesh_and_public_images() -> None:
    services = load("stack.yml", **{name: value for name, value in ENVIRONMENT.items() if name != "REGISTRY"})["services"]
    assert services["django"]["image"] == "127.0.0.1:5000/autograder:42"
    assert services["database"]["image"] == "postgres:17"
    assert [port["mode"] for port in services["nginx"]["ports"]] == ["ingress"]
    assert not [name for name, service in services.items() if service["deploy"].get("endpoint_mode", "vip") != "vip"]


def test_the_lab_differs_in_images_ports_and_names_only() -> None:
    services, lab = load("stack.yml")["services"], load("stack.yml", "lab.yml")["services"]
    assert {service["image"].split("/")[0] for service in lab.values()} == {"10.0.0.1:5000"}
    assert [port["mode"] for port in lab["nginx"]["ports"]] == ["host"]
    assert {name for name in lab if lab[name]["deploy"].get("endpoint_mode") != "dnsrr"} == {JOB}
    for name, service in services.items():
        changed = {key for key in service if service[key] != lab[name][key]}
        assert changed <= {"image", "deploy"} | ({"ports"} if name == "nginx" else set())


def test_the_migration_comes_first() -> None:
    services = load("stack.yml")["services"]
    assert services[JOB]["deploy"]["mode"] == "replicated-job"
    for name in ("django", "small_tasks"):
        assert services[name]["depends_on"][JOB]["condition"] == "service_completed_successfully"


def test_every_service_is_placed_checked_and_limited() -> None:
    for name, service in load("stack.yml")["services"].items():
        assert service["deploy"]["placement"]["constraints"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert name == JOB or service["healthcheck"]["test"], name


@pytest.mark.parametrize("name", ["grader", "fast_grader"])
def test_graders_hold_nothing_worth_stealing(name: str) -> None:
    grader = load("stack.yml")["services"][name]
    assert "secrets" not in grader and grader["read_only"] and grader["cap_drop"] == ["ALL"]
    assert not [value for value in grader["environment"].values() if "s3cret" in value or "k3y" in value]


@pytest.mark.parametrize("name", ["TAG", "SITE_DOMAIN", "DATABASE_PASSWORD", "DJANGO_SECRET_KEY"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(FlotillaError, match=name):
        load("stack.yml", **{other: value for other, value in ENVIRONMENT.items() if other != name})
