# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of an edge before any host is asked."""

from __future__ import annotations

import typing as t
from functools import partial

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.fault import FAULT, WARNING
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import STAND_IN
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_check import find_faults
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_model import Inventory, said
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import fill_in
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_check import see_stack, stacks_of

from tests.scenario.certificates import Signed, sign

Json = dict[str, t.Any]
GROUPS = {"all": ["m1", "w1", "w2"], "swarm_managers": ["m1"], "swarm_workers": ["w1", "w2"]}
SITE: Json = {
    "name": "site",
    "content": {
        "services": {
            "page": {"image": "a:1", "networks": {"edge": {}}},
            "hidden": {"image": "a:1"},
        },
        "networks": {"edge": {"external": True, "name": "edge"}},
    },
}
ACME = {"email": "ops@example.org"}
OIDC = {
    "kind": "oidc",
    "issuer": "https://i",
    "client_id": "c",
    "client_secret": "s",
    "cookie_secret": "k" * 32,
    "emails": ["*@example.org"],
}
RIGHT: Json = {
    "edge_stack": "edge",
    "edge_domain": "example.org",
    "edge_acme": ACME,
    "nodes_labels": {"w1": {"edge": True}},
    "stacks_present": [SITE],
    "edge_auth": {"kind": "basic", "users": ["ann:$2y$05$abc"]},
    "edge_routes": [{"host": "page", "service": "site_page", "port": 80, "auth": True}],
}


def route(**more: t.Any) -> Json:
    return {"edge_routes": [{"host": "page", "service": "site_page", "port": 80, **more}]}


def find(level: str, **variables: t.Any) -> list[str]:
    given = {**RIGHT, **variables}
    found = Inventory(GROUPS, fill_in(dict.fromkeys(GROUPS["all"], given), lambda _host, value: value))
    models = {stack["name"]: stack.get("content") for stack in given["stacks_present"]}

    def load(model: Json, _env: t.Any, _absent: t.Any) -> LoadedStack:
        return LoadedStack(model)

    stacks = [see_stack(each, partial(load, models[each.options["name"]])) for each in stacks_of(found.all_of("stacks_present"))]
    return [said(each) for each in find_faults(found.with_stacks(stacks)) if each.level == level]


def test_what_is_right_is_silent() -> None:
    assert find(FAULT) == []
    assert find(WARNING) == []
    assert find(FAULT, edge_auth=OIDC, edge_dashboard="traefik", edge_networks=["site_default"]) == []


def test_without_a_stack_nothing_is_looked_at() -> None:
    assert find(FAULT, edge_stack="", edge_domain="", **route(service="gone")) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"edge_domain": ""}, "edge_domain is empty, and edge_stack is set. Write the domain that the routes are in, such as example.org."),
        ({"edge_domain": "no domain"}, "edge_domain is 'no domain', which is no domain."),
        ({"edge_stack": "site"}, "edge_stack is site, as a stack of stacks_present."),
        (
            {"edge_constraint": "edge"},
            "edge_stack names a stack that can't be deployed: services.traefik.deploy.placement.constraints: found 'edge'; expected a text",
        ),
        ({"edge_image": "Not An Image"}, "edge_stack names a stack that can't be deployed: services.traefik.image: found 'Not An Image';"),
        ({"edge_volume": "a b"}, "edge_stack names a stack that can't be deployed: volumes.acme.name: found 'a b';"),
        ({"edge_acme": {}}, "edge_acme and edge_certificates are empty, so the edge has no certificate that a client would trust."),
        ({"edge_acme": {"challenge": "tls"}}, "edge_acme.email is missing. Write the address that the authority is to write to."),
        ({"edge_acme": {**ACME, "challenge": "dns"}}, "edge_acme.dns_provider is missing, and challenge is dns."),
        ({"edge_acme": {**ACME, "challenge": "htp"}}, "edge_acme.challenge is 'htp'. Write http; expected http, tls or dns."),
        (
            {"nodes_labels": {"w1": {"edge": True}, "w2": {"edge": True}}},
            "edge_acme keeps its certificates in a volume of one node, and edge_constraint allows w1 and w2. Let it allow one, or give",
        ),
        (
            {"edge_constraint": "node.role == worker"},
            "edge_acme keeps its certificates in a volume of one node, and edge_constraint allows w1 and w2. Let it allow one, or give",
        ),
        ({"edge_auth": {"kind": "saml"}}, "edge_auth.kind is a text, which is not shown. Expected none, basic, forward or oidc."),
        ({"edge_auth": {"kind": "basic"}}, "edge_auth.users is missing, and kind is basic."),
        ({"edge_auth": {"kind": "forward"}}, "edge_auth.address is missing, and kind is forward."),
        ({"edge_auth": {**OIDC, "issuer": ""}}, "edge_auth.issuer is missing, and kind is oidc."),
        ({"edge_auth": {**OIDC, "users": ["a:b"]}}, "edge_auth.users is set, and kind is oidc. Set kind: basic, or remove it."),
        ({"edge_auth": {"kind": "basic", "users": ["ann"]}}, "edge_auth.users[0] is no line of htpasswd."),
        ({"edge_auth": {**OIDC, "emails": ["example.org"]}}, "edge_auth.emails[0] is 'example.org', which is neither"),
        ({"edge_auth": {**OIDC, "cookie_secret": "short"}}, "edge_auth.cookie_secret is not 16, 24 or 32 bytes long."),
        ({"edge_auth": {}}, "edge_routes[0].auth wants a login, and edge_auth has none."),
        ({"edge_auth": {}, "edge_dashboard": "traefik"}, "edge_dashboard is set without a login before it."),
        (route(service="site_pages"), "edge_routes[0].service is site_pages, which no stack of the inventory has. Write site_page."),
        (route(service="other_x"), "edge_routes[0].service is other_x, which no stack of the inventory has. Its services are"),
        (
            route(service="site_hidden"),
            "edge_routes[0].service is site_hidden, which is on site_default, where the edge is not. Let the service join edge, or add",
        ),
        (route(host="a b"), "edge_routes[0].host is 'a b', which is no host."),
        ({"edge_routes": [*RIGHT["edge_routes"], *RIGHT["edge_routes"]]}, "edge_routes[1].host is page.example.org, as item 0 is."),
        ({**route(host="auth"), "edge_auth": OIDC}, "edge_auth.host is at auth.example.org, as item 0 of edge_routes. Give one"),
        ({**route(host="t"), "edge_dashboard": "t"}, "edge_dashboard is at t.example.org, as item 0 of edge_routes. Give one"),
        ({"edge_routes": [{"host": "page", "service": "site_page"}]}, "edge_routes[0].port is missing. Add it: the port"),
        ({"edge_certificates": [{"certificate": "x", "key": "y"}]}, "edge_certificates[0].certificate is no certificate"),
    ],
)
def test_faults(variables: Json, words: str) -> None:
    found = find(FAULT, **variables)
    assert [text for text in found if text.startswith(words)], found


def test_a_route_to_a_stack_of_a_role_or_one_that_can_not_be_read_is_let_be() -> None:
    assert find(FAULT, registry_stack="registry", registry_address="10.0.0.1:5000", **route(service="registry_registry")) == []
    unread = {"name": "late", "files": ["{{ not known }}"]}
    assert find(FAULT, stacks_present=[SITE, unread], **route(service="late_web")) == []


@pytest.fixture(scope="module")
def signed() -> Signed:
    return sign("x", ["*.example.org"])


def test_certificates_of_ones_own(signed: Signed) -> None:
    own: Json = {"edge_acme": {}, "edge_certificates": [vars(signed)]}
    both = {"w1": {"edge": True}, "w2": {"edge": True}}
    assert find(FAULT, **own, nodes_labels=both) == []
    other = sign("y", ["*.example.org"])
    (text,) = find(FAULT, edge_acme={}, edge_certificates=[{"certificate": signed.certificate, "key": other.key}])
    assert text.startswith("edge_certificates[0].key is not the key of its certificate.")
    (text,) = find(FAULT, **own, **route(host="page.elsewhere.org"))
    assert text.startswith("edge_routes[0].host is page.elsewhere.org, which no certificate of edge_certificates is for: they are")
    (text,) = find(FAULT, edge_acme={}, edge_certificates=[{"certificate": signed.certificate, "key": "planted"}])
    assert text.startswith("edge_certificates[0].key is no key in PEM") and "planted" not in text


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"labels": {"traefik.enable": "true"}}, "stack site has traefik.enable of service page among the labels of its containers,"),
        ({"deploy": {"labels": {"traefik.enable": "true"}}}, "stack site lets the edge route to service page, but no label"),
    ],
)
def test_labels_that_the_edge_can_not_use_are_told(service: Json, words: str) -> None:
    page = {**SITE["content"]["services"]["page"], **service}
    stack = {**SITE, "content": {**SITE["content"], "services": {"page": page}}}
    assert [text for text in find(WARNING, stacks_present=[stack]) if text.startswith(words)]


def test_a_constraint_that_no_label_meets_is_told() -> None:
    (text,) = find(WARNING, nodes_labels={})
    assert text.startswith("edge_constraint is node.labels.edge == true, and nodes_labels gives that label to no node.")


@pytest.mark.parametrize(
    "more",
    [
        {"edge_auth": {"kind": "basic", "users": [STAND_IN]}},
        {"edge_auth": {**OIDC, "cookie_secret": STAND_IN}},
        {"edge_acme": {}, "edge_certificates": [{"certificate": f"{STAND_IN}\n{STAND_IN}", "key": STAND_IN}]},
    ],
)
def test_what_the_run_makes_first_is_not_judged_before(more: Json) -> None:
    assert find(FAULT, **more) == []
