# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge of two nodes with certificates that were given, and a login at an OpenID provider."""

from __future__ import annotations

import json
import time

import pytest

from tests.scenario import Scenario, until
from tests.scenario.edge import DOMAIN, Client, reading, resolve, with_two_nodes

scenario = Scenario()
BOTH = ("w1", "w2")
OPS, DASHBOARD = f"https://ops.{DOMAIN}/x?y=1", f"https://traefik.{DOMAIN}/api/overview"


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    resolve(*BOTH)
    scenario.converge("site.yml", **with_two_nodes())


@pytest.fixture
def client() -> Client:
    return Client(BOTH)


def test_anonymous_is_sent_to_the_login(client: Client) -> None:
    answer = client.get(OPS)
    assert answer.status == 302 and answer.headers["location"].startswith(f"https://idp.{DOMAIN}/auth?")


@pytest.mark.parametrize("who", ["ann@example.org", "guest@elsewhere.org"])
def test_who_is_allowed_sees_the_page_that_was_asked_for(client: Client, who: str) -> None:
    answer = client.log_in(OPS, who)
    assert (answer.status, answer.url) == (200, OPS)
    told = json.loads(answer.body)
    assert (told["path"], told["headers"]["x-auth-request-email"]) == ("/x?y=1", who)
    assert client.get(DASHBOARD).status == 200


def test_who_is_not_allowed_is_refused(client: Client) -> None:
    assert client.log_in(OPS, "eve@elsewhere.org").status == 403
    assert client.get(OPS).status == 302
    assert client.get(DASHBOARD).status == 302


def test_what_the_client_claims_to_be_does_not_count(client: Client) -> None:
    assert client.get(OPS, headers={"X-Auth-Request-Email": "ann@example.org"}).status == 302


def test_health_has_a_row_for_the_edge() -> None:
    run = scenario.play("playbooks/health.yml")
    assert "6 of 6 routes answer" in run.text


def hosts() -> tuple[str, str]:
    return f"page.{DOMAIN}", f"labelled.{DOMAIN}"


def test_no_request_is_lost_while_the_edge_is_updated(client: Client) -> None:
    with reading(client, *hosts()) as failures:
        scenario.converge("playbooks/restart.yml", services_names="edge_traefik")
        time.sleep(3)
    assert failures == []


def test_no_request_is_lost_while_one_node_of_the_edge_is_drained(client: Client) -> None:
    with reading(client, *hosts()) as failures:
        scenario.converge("playbooks/drain.yml", nodes_target="w1")
        time.sleep(3)
        scenario.converge("playbooks/activate.yml", nodes_target="w1")
        until(lambda: len(running()) == 2, "the task on w1")
    assert failures == []


def running() -> list[str]:
    service = scenario.look()["services"]["edge_traefik"]
    return [str(task) for task in service["tasks"] if task["state"] == "running"]


def test_no_request_is_lost_while_the_services_restart(client: Client) -> None:
    with reading(client, *hosts()) as failures:
        scenario.converge("playbooks/restart.yml", services_names="site_page,site_labelled")
        time.sleep(3)
    assert failures == []


def test_teardown_leaves_nothing() -> None:
    scenario.converge("playbooks/teardown.yml", confirm="lab", teardown_variant="clean_slate", **with_two_nodes())
    seen = scenario.look()
    assert [name for name in seen["services"] if name.startswith("edge")] == []
    names = [name for kind in ("configs", "secrets", "networks") for name in seen[kind] if name.startswith("edge")]
    assert names == []
    volumes = scenario.sdk("w1", "print([v['Name'] for v in api.volumes()['Volumes'] or []])")
    assert "edge_acme" not in volumes
