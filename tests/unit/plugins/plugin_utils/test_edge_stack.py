# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of the edge, out of the variables of its role."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.edge import EDGE_LABEL, ROUTES_LABEL, TRUST
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack, load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.edge_stack import (
    dynamic_config,
    edge_stack,
    full_host,
    oauth2_proxy_config,
    routes_of,
    static_config,
)
from hypothesis import given
from hypothesis import strategies as st

Json = dict[str, Any]
ROUTE = {"host": "page", "service": "site_page", "port": 80}
OIDC = {
    "kind": "oidc",
    "issuer": "https://i",
    "client_id": "c",
    "client_secret": "hidden$1",
    "cookie_secret": "k" * 32,
    "emails": ["*@a.org", "x@b.org"],
}


def options(**more: Any) -> Json:
    return {
        "stack": "edge",
        "domain": "example.org",
        "image": "traefik:v3.7",
        "api_image": "haproxy:3.2",
        "auth_image": "oauth2-proxy:7",
        "constraint": "node.labels.edge == true",
        "port_mode": "host",
        "network": "edge",
        "networks": [],
        "routes": [ROUTE],
        "acme": {},
        "volume": "edge_acme",
        "certificates": [],
        "auth": {},
        "dashboard": "",
        "metrics": True,
        "access_log": True,
        "log_rotation": {"max-size": "50m", "max-file": 5},
        **more,
    }


def loaded(**more: Any) -> LoadedStack:
    made = edge_stack(options(**more))
    return load_stack([], content=json.dumps(made.content), env=made.env, read=lambda _path: b"")


EVERY = [
    {},
    {"acme": {"email": "o@example.org", "ca_certificate": "PEM", "environment": {"TOKEN": "a$b"}, "challenge": "dns", "dns_provider": "x"}},
    {"certificates": [{"certificate": "C", "key": "K"}], "networks": ["site_default"]},
    {"auth": {"kind": "basic", "users": ["ann:$2y$05$x"]}, "dashboard": "traefik"},
    {"auth": {"kind": "forward", "address": "http://who/"}},
    {"auth": {**OIDC, "ca_certificate": "PEM", "groups": ["ops"]}, "port_mode": "ingress"},
]


@pytest.mark.parametrize("more", EVERY)
def test_the_stack_loads_without_a_warning(more: Json) -> None:
    found = loaded(**more)
    assert found.warnings == ()
    assert set(found.model["services"]) == {"traefik", "api"} | ({"auth"} if more.get("auth", {}).get("kind") == "oidc" else set())


@pytest.mark.parametrize(
    ("host", "full"),
    [("grafana", "grafana.example.org"), ("@", "example.org"), ("", "example.org"), ("a.b.net", "a.b.net")],
)
def test_hosts_are_in_the_domain_unless_they_are_in_full(host: str, full: str) -> None:
    assert full_host(host, "example.org") == full


def test_with_acme_there_is_one_task_with_the_volume_and_else_one_on_each_node() -> None:
    acme = loaded(acme={"email": "o@example.org"}).model
    assert (acme["services"]["traefik"]["deploy"]["mode"], acme["services"]["traefik"]["deploy"]["replicas"]) == ("replicated", 1)
    assert acme["services"]["traefik"]["volumes"] == [{"type": "volume", "source": "acme", "target": "/acme"}]
    assert acme["volumes"] == {"acme": {"name": "edge_acme"}}
    own = loaded(certificates=[{"certificate": "C", "key": "K"}]).model
    assert own["services"]["traefik"]["deploy"]["mode"] == "global"
    assert "volumes" not in own


def test_two_never_have_the_ports_or_the_volume_at_once() -> None:
    deploy = loaded(acme={"email": "o@example.org"}).model["services"]["traefik"]["deploy"]
    assert deploy["update_config"]["order"] == "stop-first"
    assert deploy["rollback_config"]["order"] == "stop-first"


def test_the_socket_is_held_by_the_api_alone() -> None:
    services = loaded().model["services"]
    assert "volumes" not in services["traefik"]
    (socket,) = services["api"]["volumes"]
    assert socket["source"] == "/var/run/docker.sock" and socket["read_only"]
    assert "ports" not in services["api"]
    assert list(services["api"]["networks"]) == ["edge_api"]
    assert loaded().model["networks"]["edge_api"] == {"name": "edge_api", "internal": True}


@pytest.mark.parametrize(
    ("path", "is_let_through"),
    [
        *((path, True) for path in ("/_ping", "/v1.41/version", "/v1.51/services", "/tasks", "/v1.41/nodes/abc", "/v1.41/networks")),
        *((path, False) for path in ("/v1.41/secrets", "/configs", "/swarm", "/containers/json", "/events", "/v1.41/services/../secrets")),
        *((path, False) for path in ("//secrets", "/v1.41/services%2f..%2fsecrets", "/v1.41/services/a/logs", "/v1.41/images/json")),
    ],
)
def test_the_api_lets_through_what_is_needed_and_nothing_else(path: str, is_let_through: bool) -> None:
    text = base64.b64decode(loaded().model["configs"]["api"]["content"]).decode()
    rules = [line.strip() for line in text.splitlines() if "http-request" in line]
    assert rules[0] == "http-request deny unless { method GET HEAD }"
    (found,) = re.findall(r"deny unless { path_reg (\S+) }", rules[1])
    assert bool(re.search(found, path)) is is_let_through


@pytest.mark.parametrize(
    ("acme", "resolver"),
    [
        ({}, {"httpChallenge": {"entryPoint": "web"}, "caServer": "https://acme-v02.api.letsencrypt.org/directory"}),
        ({"challenge": "tls"}, {"tlsChallenge": {}}),
        ({"challenge": "dns", "dns_provider": "cloudflare"}, {"dnsChallenge": {"provider": "cloudflare"}}),
        ({"ca_server": "https://ca/directory"}, {"caServer": "https://ca/directory"}),
        ({"ca_certificate": "PEM"}, {"caCertificates": ["/etc/traefik/acme_ca.pem"]}),
        ({"lifetime_hours": 24}, {"certificatesDuration": 24}),
    ],
)
def test_acme(acme: Json, resolver: Json) -> None:
    config = static_config(options(acme={"email": "o@example.org", **acme}))
    found = config["certificatesResolvers"]["acme"]["acme"]
    assert resolver.items() <= found.items()
    assert found["storage"] == "/acme/acme.json"
    assert config["entryPoints"]["websecure"]["http"]["tls"] == {"certResolver": "acme"}


def test_plain_http_leads_to_https() -> None:
    web = static_config(options())["entryPoints"]["web"]
    assert web["address"] == ":80"
    assert web["http"]["redirections"]["entryPoint"] == {"to": "websecure", "scheme": "https"}


@pytest.mark.parametrize(("name", "key"), [("metrics", "metrics"), ("access_log", "accessLog")])
def test_what_can_be_left_out(name: str, key: str) -> None:
    assert key in static_config(options())
    assert key not in static_config(options(**{name: False}))


def test_the_log_has_no_queries() -> None:
    assert static_config(options())["accessLog"] == {"format": "json", "fields": {"queryParameters": {"defaultMode": "drop"}}}


def test_metrics_are_announced_to_prometheus() -> None:
    assert loaded().model["services"]["traefik"]["deploy"]["labels"]["prometheus-port"] == "8082"
    assert "prometheus-port" not in loaded(metrics=False).model["services"]["traefik"]["deploy"]["labels"]


def test_a_route_finds_the_tasks_of_its_service() -> None:
    http = dynamic_config(options())["http"]
    assert http["routers"] == {
        "page-example-org": {"rule": "Host(`page.example.org`)", "entryPoints": ["websecure"], "service": "page-example-org"}
    }
    assert http["services"]["page-example-org"]["loadBalancer"]["servers"] == [{"url": "http://tasks.site_page:80"}]


@pytest.mark.parametrize(
    ("auth", "gate"),
    [
        ({"kind": "basic", "users": ["a:b"]}, {"basicAuth": {"usersFile": "/run/secrets/users", "removeHeader": True}}),
        (
            {"kind": "forward", "address": "http://who/", "response_headers": ["X-User"]},
            {"forwardAuth": {"address": "http://who/", "authResponseHeaders": ["X-User"]}},
        ),
    ],
)
def test_a_route_with_auth_has_the_gate(auth: Json, gate: Json) -> None:
    http = dynamic_config(options(auth=auth, routes=[{**ROUTE, "auth": True}]))["http"]
    assert http["middlewares"]["auth"] == gate
    assert http["routers"]["page-example-org"]["middlewares"] == ["auth"]


def test_the_host_of_the_login_is_not_behind_the_login() -> None:
    http = dynamic_config(options(auth=OIDC, routes=[{**ROUTE, "auth": True}]))["http"]
    assert "middlewares" not in http["routers"]["auth-example-org"]
    assert http["middlewares"]["auth"]["forwardAuth"]["address"] == "http://edge_auth:4180/"


def test_the_dashboard_is_behind_the_login() -> None:
    config = options(dashboard="traefik", auth={"kind": "basic", "users": ["a:b"]})
    router = dynamic_config(config)["http"]["routers"]["traefik-example-org"]
    assert (router["service"], router["middlewares"]) == ("api@internal", ["auth"])
    assert static_config(config)["api"] == {"dashboard": True}


def test_the_service_tells_its_routes_to_whoever_asks_them() -> None:
    labels = loaded(auth=OIDC, dashboard="traefik").model["services"]["traefik"]["deploy"]["labels"]
    assert labels[EDGE_LABEL] == "edge"
    assert json.loads(labels[ROUTES_LABEL]) == routes_of(options(auth=OIDC, dashboard="traefik"))


def test_what_clients_must_trust_is_a_config_that_says_so() -> None:
    content = edge_stack(options(certificates=[{"certificate": "CERT", "key": "KEY"}])).content
    assert content["configs"]["trust"] == {"content": "CERT", "labels": {EDGE_LABEL: TRUST}}


def test_oauth2_proxy_is_told_who_may_pass() -> None:
    config = tomllib.loads(oauth2_proxy_config(options(auth={**OIDC, "groups": ["ops"]})))
    assert config["email_domains"] == ["a.org"]
    assert config["authenticated_emails_file"] == "/run/secrets/emails"
    assert config["allowed_groups"] == ["ops"]
    assert config["redirect_url"] == "https://auth.example.org/oauth2/callback"
    assert config["client_secret"] == "hidden$1"
    assert edge_stack(options(auth=OIDC)).env["EMAILS"] == "x@b.org\n"


SECRETS = {"certificates": [{"certificate": "CERT", "key": "planted-a"}], "acme": {"email": "e", "environment": {"T": "planted-b"}}}
GATES = [{"kind": "basic", "users": ["ann:planted-c"]}, {**OIDC, "client_secret": "planted-d", "cookie_secret": "planted-e"}]


@pytest.mark.parametrize("gate", GATES)
def test_no_secret_is_in_the_content(gate: Json) -> None:
    made = edge_stack(options(**SECRETS, auth=gate))
    assert "planted" not in json.dumps(made.content)
    assert "planted" not in repr(made)
    assert {"planted-a", "planted-b"} <= set(made.env.values())


NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
ROUTES = st.lists(
    st.fixed_dictionaries({"host": NAME, "service": NAME, "port": st.integers(1, 65535), "auth": st.booleans()}),
    unique_by=lambda route: route["host"],
    max_size=6,
)


@given(
    ROUTES, st.sampled_from([{}, {"kind": "basic", "users": ["a:b"]}, OIDC]), st.text(alphabet="ab$*{}.`'\"\n ", max_size=12).filter(bool)
)
def test_whatever_is_routed_the_stack_is_whole(routes: list[Json], auth: Json, text: str) -> None:
    """Each route has its router, and a service that is defined; and what is a secret arrives as it was given."""
    given_ = options(routes=routes, auth=auth, certificates=[{"certificate": text, "key": text}])
    http = dynamic_config(given_)["http"]
    rules = [router["rule"] for router in http.get("routers", {}).values()]
    assert rules == [f"Host(`{route['host']}`)" for route in routes_of(given_)]
    used = {router["service"] for router in http.get("routers", {}).values()} - {"api@internal"}
    assert used == set(http.get("services", {}))
    made = edge_stack(given_)
    model = load_stack([], content=json.dumps(made.content), env=made.env, read=lambda _path: b"").model
    assert base64.b64decode(model["secrets"]["key_0"]["content"]).decode() == text
    assert base64.b64decode(model["configs"]["trust"]["content"]).decode() == text
    assert json.loads(base64.b64decode(model["configs"]["routes"]["content"])) == dynamic_config(given_)
