# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge of one node, whose certificates come from an ACME server in the swarm."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest

from tests.scenario import Scenario, until
from tests.scenario.edge import DOMAIN, PAGE, Client, make_contexts, resolve, with_acme

scenario = Scenario()
RENEWED_WITHIN = 300.0
"""A certificate of 22 minutes is renewed 20 minutes before its end, and looked at each minute."""


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    """Ends when every route answers with a certificate of the authority: the role proves it."""
    make_contexts()
    resolve("w1")
    run = scenario.converge("site.yml", **with_acme())
    assert "Ask every route" in run.out


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(["w1"])


@pytest.fixture(scope="module")
def first(client: Client) -> datetime:
    return client.get(f"https://page.{DOMAIN}/").expires


def test_each_route_answers_with_a_certificate_of_its_own(client: Client, first: datetime) -> None:
    for host in ("page", "labelled"):
        answer = client.get(f"https://{host}.{DOMAIN}/")
        assert (answer.status, answer.expires > datetime.now(answer.expires.tzinfo)) == (200, True)


def test_plain_http_leads_to_https() -> None:
    told = scenario.on(
        "m1",
        f'python3 -c \'import http.client as h; c = h.HTTPConnection("{scenario.address("w1")}"); '
        f'c.request("GET", "/a", headers={{"Host": "page.{DOMAIN}"}}); a = c.getresponse(); print(a.status, a.headers["Location"])\'',
    )
    assert told.split() == ["301", f"https://page.{DOMAIN}/a"]


def test_the_service_sees_the_address_of_the_client(client: Client) -> None:
    told = client.get(f"https://page.{DOMAIN}/").body
    assert '"x-forwarded-for": "' in told and '"x-forwarded-proto": "https"' in told


@pytest.mark.parametrize(("password", "status"), [("right", 200), ("wrong", 401)])
def test_basic_auth(client: Client, password: str, status: int) -> None:
    pair = base64.b64encode(f"ann:{password}".encode()).decode()
    assert client.get(f"https://ops.{DOMAIN}/", headers={"Authorization": f"Basic {pair}"}).status == status
    assert client.get(f"https://ops.{DOMAIN}/").status == 401


def test_a_second_run_is_silent_and_check_mode_changes_nothing() -> None:
    assert set(scenario.converge("site.yml", **with_acme()).changed.values()) == {0}
    given = with_acme()
    before = scenario.look()["services"]["edge_traefik"]
    planned = scenario.converge(
        "site.yml", "--check", "--diff", **{**given, "edge_routes": [*given["edge_routes"], {**PAGE, "host": "more"}]}
    )
    assert "edge_traefik" in planned.out
    assert scenario.look()["services"]["edge_traefik"]["spec"] == before["spec"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"edge_routes": [{**PAGE, "service": "site_pag"}]}, "is site_pag, which no stack of the inventory has. Write site_page."),
        ({"nodes_labels": {"w1": {"edge": True}, "w2": {"edge": True}}}, "keeps its certificates in a volume of one node"),
        ({"edge_auth": {"kind": "saml"}}, "Expected none, basic, forward or oidc."),
    ],
)
def test_wrong_input_is_refused_before_anything(more: dict[str, Any], words: str) -> None:
    run = scenario.play("playbooks/check.yml", **{**with_acme(), **more})
    assert run.rc != 0 and words in run.text


def test_a_route_whose_service_is_down_is_named_with_the_cause() -> None:
    scenario.converge("playbooks/scale.yml", services_replicas={"site_page": 0})
    run = scenario.play("playbooks/health.yml", health_format="json")
    assert run.rc != 0 and "no task of site_page runs and is healthy" in run.text
    scenario.converge("playbooks/scale.yml", services_replicas={"site_page": 2})


def test_certificates_are_renewed_before_their_end(client: Client, first: datetime) -> None:
    until(lambda: client.get(f"https://page.{DOMAIN}/").expires > first, "another certificate", RENEWED_WITHIN)
