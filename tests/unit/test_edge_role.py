# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role edge from its network to its end against a fake engine: what is written, what is silent, and what a route that fails says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_engine import FakeEngine, node
from playbook_runs import ROOT, play_on

PLAY = """
- hosts: swarm_managers
  gather_facts: false
  tasks:
    - {name: Network, ansible.builtin.import_role: {name: flotilla.swarm.edge, tasks_from: network}}
    - {name: Edge, ansible.builtin.import_role: {name: flotilla.swarm.edge}}
"""
INVENTORY = {
    "all": {
        "vars": {"swarm_name": "lab", "ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {"swarm_managers": {"hosts": {"m1": {}}}, "swarm_workers": {"hosts": {}}},
    }
}
IMAGES = ("traefik:v3.7", "haproxy:3.2", "quay.io/oauth2-proxy/oauth2-proxy:v7.12.0")
GIVEN: dict[str, Any] = {
    "edge_stack": "edge",
    "edge_domain": "example.org",
    "edge_timeout": 0,
    "edge_certificates": [{"certificate": "CERT", "key": "planted-key"}],
}
OIDC = {
    "kind": "oidc",
    "issuer": "https://i",
    "client_id": "c",
    "client_secret": "planted-client",
    "cookie_secret": "planted-cookie-of-32-characters-",
    "emails": ["*"],
}
ROUTE = {"host": "page", "service": "site_page", "port": 80}


class Swarm:
    """One node, which is the edge too. Nothing listens on its port 443."""

    def __init__(self, folder: Path, start: Callable[..., FakeEngine]) -> None:
        self.folder = folder
        self.fake = start(
            nodes=[node("m1", role="manager", leader=True, labels={"edge": "true"}, addr="127.0.0.1")],
            images={name: {"digest": f"sha256:{'a' * 64}", "local": True} for name in IMAGES},
        )
        (folder / "hosts.json").write_text(json.dumps(INVENTORY))
        (folder / "edge.yml").write_text(PLAY)

    def play(self, playbook: str = "", *arguments: str, **variables: Any) -> str:
        """What was printed, its lines joined; the exit code stands at its end."""
        return play_on(self.fake, self.folder / "hosts.json", playbook or self.folder / "edge.yml", *arguments, **variables)

    def names(self) -> dict[str, list[str]]:
        cluster = self.fake.cluster
        kinds = {"services": cluster.services, "secrets": cluster.secrets, "configs": cluster.configs}
        return {kind: sorted(each["Spec"]["Name"] for each in objects.values()) for kind, objects in kinds.items()}


@pytest.fixture
def swarm(tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> Swarm:
    return Swarm(tmp_path, fake_engine)


def test_the_edge_comes_last_because_it_asks_routes_to_services_of_all_stacks() -> None:
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    names = [play["name"] for play in plays]
    assert names.index("Run the swarm's edge") > max(names.index("Deploy the stacks"), names.index("Monitor the swarm"))


def test_it_is_deployed_once_and_shows_no_secret(swarm: Swarm) -> None:
    checked = swarm.play("", "--check", "--diff", **GIVEN)
    assert checked.endswith("rc=0") and "edge_traefik" in checked and not swarm.fake.writes, checked
    said = swarm.play("", "-vvv", "--diff", **GIVEN)
    assert said.endswith("rc=0") and "planted" not in said, said
    assert swarm.names()["services"] == ["edge_api", "edge_traefik"]
    assert {"edge", "edge_api"} <= {each["Name"] for each in swarm.fake.cluster.networks.values()}
    assert [name.rpartition("_")[0] for name in swarm.names()["secrets"]] == ["edge_certificate_0", "edge_key_0"]
    swarm.fake.forget()
    again = swarm.play(**GIVEN)
    assert "changed=0" in again and again.endswith("rc=0") and not swarm.fake.writes, again


def test_a_login_comes_and_goes(swarm: Swarm) -> None:
    said = swarm.play("", "-vvv", "--diff", **GIVEN, edge_auth=OIDC)
    assert "planted" not in said
    assert swarm.names()["services"] == ["edge_api", "edge_auth", "edge_traefik"]
    assert swarm.play(**GIVEN).endswith("rc=0")
    assert swarm.names()["services"] == ["edge_api", "edge_traefik"]


def test_a_route_that_does_not_answer_ends_the_run_with_its_cause(swarm: Swarm) -> None:
    said = swarm.play(**GIVEN, edge_routes=[ROUTE])
    assert "page.example.org: there is no service site_page. Deploy it, or correct the route." in said and said.endswith("rc=2"), said
    health = swarm.play("playbooks/health.yml", health_width=200)
    assert "0 of 1 routes answer" in health and "there is no service site_page" in health, health


def test_without_a_stack_nothing_is_asked(swarm: Swarm) -> None:
    said = swarm.play()
    assert said.endswith("rc=0") and "changed=0" in said and not swarm.fake.requests, said


def test_teardown_leaves_nothing_of_it(swarm: Swarm) -> None:
    assert swarm.play(**GIVEN).endswith("rc=0")
    said = swarm.play("playbooks/teardown.yml", **GIVEN, confirm="lab", teardown_variant="keep_state")
    assert said.endswith("rc=0"), said
    assert swarm.names() == {"services": [], "secrets": [], "configs": []}
    assert not {"edge", "edge_api"} & {each["Name"] for each in swarm.fake.cluster.networks.values()}
