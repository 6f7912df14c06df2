# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of what the project shows to its users stands open: the registry, the example inventories, the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ("prod", "staging", "ray", "ocr", "openmpf", "unmute", "unmute-staging")
ROLES_THAT_PULL = ("images", "stacks", "services", "migrate")


def declared(inventory: str) -> dict[str, Any]:
    """The variables of all hosts, as they are written."""
    files = (ROOT / "inventories" / inventory / "group_vars/all").glob("*.yml")
    return {name: value for file in files for name, value in yaml.safe_load(file.read_text()).items()}


@pytest.mark.parametrize("inventory", EXAMPLES)
def test_the_firewall_is_on_and_keeps_the_registry_for_the_nodes(inventory: str) -> None:
    given = declared(inventory)
    nodes = yaml.safe_load((ROOT / "inventories" / inventory / "hosts.yml").read_text())["all"]["children"]
    assert given["firewall_enabled"] is True and nodes["swarm_managers"]["hosts"]
    limits = {each["port"]: each["sources"] for each in given["firewall_published"]}
    assert limits[5000] == given["firewall_peers"]
    assert given["engine_daemon_config"]["metrics-addr"].startswith("127.0.0.1:")


@pytest.mark.parametrize("inventory", [*EXAMPLES, "lab", "ray-lab", "ocr-lab", "openmpf-lab", "unmute-lab"])
def test_the_registry_has_a_login_that_reaches_who_needs_it(inventory: str) -> None:
    given = declared(inventory)
    assert not given.get("registry_open") and "insecure-registries" not in given.get("engine_daemon_config", {})
    assert "flotilla.swarm.registry_login" in given["registry_login"] and "registry_credentials_file" in given["registry_login"]
    assert {given[f"{role}_registry_auth"] for role in ROLES_THAT_PULL} == {"{{ registry_login }}"}


def test_the_role_runs_no_open_registry_unasked() -> None:
    folder = ROOT / "roles/registry"
    assert yaml.safe_load((folder / "defaults/main.yml").read_text())["registry_open"] is False
    lock = yaml.safe_load((folder / "vars/main.yml").read_text())["__registry_lock"]
    service = lock["services"]["registry"]
    assert sorted(service["secrets"]) == sorted(lock["secrets"]) == ["certificate", "htpasswd", "key"]
    assert {"REGISTRY_AUTH", "REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"} <= set(service["environment"])
