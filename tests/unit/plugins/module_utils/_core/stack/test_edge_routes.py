# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of an edge, and the cause why one does not answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.spec import ServiceSpec
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.edge import (
    EDGE_LABEL,
    ROUTES_LABEL,
    Answer,
    Edge,
    Route,
    Swarm,
    find_edges,
    judge_route,
    label_routes,
)

Json = dict[str, Any]
NOW = 1_800_000_000.0
DAY = 86400.0
GOOD = Answer(begins=NOW - 10 * DAY, ends=NOW + 80 * DAY, status=200, is_routed=True)
PORT = {"traefik.http.services.web.loadbalancer.server.port": "80"}


def service(name: str, networks: tuple[str, ...] = ("n-edge",), labels: Json | None = None) -> Json:
    template = {"Networks": [{"Target": each} for each in networks]}
    return {"ID": f"id-{name}", "Spec": {"Name": name, "Labels": labels or {}, "TaskTemplate": template}}


def task(name: str, state: str = "running", desired: str = "running", node: str = "n1", error: str = "") -> Json:
    return {
        "ServiceID": f"id-{name}",
        "DesiredState": desired,
        "NodeID": node,
        "Status": {"State": state, "Err": error, "Timestamp": "2026-01-01"},
    }


ROUTES = [{"host": "page.example.org", "service": "site_page", "port": 80, "auth": False}]
TRAEFIK = service("edge_traefik", ("n-edge", "n-api"), {EDGE_LABEL: "edge", ROUTES_LABEL: json.dumps(ROUTES)})
NETWORKS = {"n-edge": "edge", "n-api": "edge_api", "n-other": "other"}
SWARM = Swarm(
    (TRAEFIK, service("site_page")),
    (task("edge_traefik"), task("site_page", node="n2")),
    {"n1": ("w1", "10.0.0.1"), "n2": ("w2", "10.0.0.2")},
    NETWORKS,
)
EDGE = Edge("edge_traefik", frozenset({"edge", "edge_api"}), {"w1": "10.0.0.1"}, (Route("page.example.org", "/", "site_page", 80),))


def judge(swarm: Swarm = SWARM, answer: Answer = GOOD, edge: Edge = EDGE, **route: Any) -> Json:
    return judge_route(replace(EDGE.routes[0], **route), edge, swarm, {"w1": answer}, NOW)


def test_an_edge_is_found_with_its_nodes_networks_and_routes() -> None:
    assert find_edges(SWARM) == [EDGE]
    assert find_edges(replace(SWARM, services=[service("site_page")])) == []


@pytest.mark.parametrize("told", ["", "no json", "[1]", '[{"host": "a"}]', "{}"])
def test_routes_that_somebody_else_wrote_do_not_matter(told: str) -> None:
    broken = service("edge_traefik", labels={EDGE_LABEL: "edge", ROUTES_LABEL: told})
    (edge,) = find_edges(replace(SWARM, services=[broken]))
    assert edge.routes == ()


@pytest.mark.parametrize(
    ("labels", "routes"),
    [
        ({}, []),
        ({"traefik.http.routers.web.rule": "Host(`a.org`)"}, []),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "Host(`a.org`)"}, [("a.org", "/")]),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "Host(`a.org`, `b.org`)"}, [("a.org", "/"), ("b.org", "/")]),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "Host(`a.org`) || Host(`b.org`)"}, [("a.org", "/"), ("b.org", "/")]),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "Host(`a.org`) && PathPrefix(`/api`)"}, [("a.org", "/api")]),
        ({"traefik.enable": "TRUE", "Traefik.HTTP.Routers.web.Rule": 'Host("a.org") && Path("/x")'}, [("a.org", "/x")]),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "HostRegexp(`.+`)"}, []),
        ({"traefik.enable": "true", "traefik.http.routers.web.rule": "!Host(`a.org`)"}, []),
        ({"traefik.enable": "true", "traefik.http.routers.w.rule": "Host(`a.org`)", "traefik.http.routers.w.entrypoints": "web"}, []),
        (
            {
                "traefik.enable": "true",
                "traefik.http.routers.w.rule": "Host(`a.org`)",
                "traefik.http.routers.w.entrypoints": "web, websecure",
            },
            [("a.org", "/")],
        ),
    ],
)
def test_routes_of_labels(labels: Json, routes: list[tuple[str, str]]) -> None:
    spec = ServiceSpec(service("site_web", labels={**labels, **PORT})["Spec"])
    assert [(route.host, route.path) for route in label_routes(spec, "edge")] == routes
    assert all(route.port == 80 and route.network == "edge" for route in label_routes(spec, "edge"))


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 500])
def test_what_the_service_answers_is_its_own_affair(status: int) -> None:
    assert judge(answer=replace(GOOD, status=status))["state"] == "ok"


WITHOUT = replace(SWARM, services=(TRAEFIK,))
DOWN = replace(
    SWARM, tasks=(task("edge_traefik"), task("site_page", "failed", error="task: non-zero exit (1)"), task("site_page", desired="shutdown"))
)
APART = replace(SWARM, services=(TRAEFIK, service("site_page", ("n-other",))))


@pytest.mark.parametrize(
    ("swarm", "answer", "cause", "words"),
    [
        (WITHOUT, GOOD, "service", "there is no service site_page"),
        (DOWN, GOOD, "task", "no task of site_page runs and is healthy: task: non-zero exit (1)"),
        (APART, GOOD, "network", "site_page is on other, and the edge reaches it on edge, edge_api"),
        (SWARM, Answer(error="Connection refused"), "connection", "port 443 does not answer: Connection refused (on w1)"),
        (
            SWARM,
            Answer(untrusted="self-signed certificate"),
            "certificate",
            "the certificate that is shown for page.example.org is not good",
        ),
        (SWARM, replace(GOOD, status=404, is_routed=False), "router", "there is no router for page.example.org (on w1)"),
        (SWARM, replace(GOOD, status=502), "backend", "site_page at port 80 refuses the connection, or its name is not known (status 502)"),
        (SWARM, replace(GOOD, status=503), "backend", "site_page at port 80 takes no requests (status 503)"),
        (SWARM, replace(GOOD, status=504), "backend", "site_page at port 80 does not answer in time (status 504)"),
    ],
)
def test_causes(swarm: Swarm, answer: Answer, cause: str, words: str) -> None:
    result = judge(swarm, answer)
    assert (result["state"], result["cause"]) == ("failed", cause)
    assert result["text"].startswith(words) and result["cure"]


def test_what_the_swarm_knows_is_told_rather_than_what_came_back() -> None:
    assert judge(DOWN, replace(GOOD, status=502))["cause"] == "task"


def test_an_edge_that_does_not_run_is_the_cause() -> None:
    result = judge(edge=replace(EDGE, nodes={}))
    assert (result["cause"], result["text"]) == ("connection", "no task of edge_traefik runs")


@pytest.mark.parametrize(
    ("status", "cause"), [(302, ""), (401, ""), (403, ""), (200, "auth"), (404, "auth"), (500, "backend"), (502, "backend")]
)
def test_a_route_behind_a_login_has_to_ask_for_it(status: int, cause: str) -> None:
    assert judge(answer=replace(GOOD, status=status), auth=True)["cause"] == cause


def test_labels_need_a_port_and_the_network_that_the_edge_looks_at() -> None:
    assert judge(port=0, by_labels=True, network="edge")["cause"] == "router"
    assert judge(port=80, by_labels=True, network="other")["cause"] == "network"
    assert judge(port=80, by_labels=True, network="edge")["cause"] == ""


def test_the_dashboard_is_no_service() -> None:
    assert judge(service="", port=0, auth=True, answer=replace(GOOD, status=401))["state"] == "ok"


@pytest.mark.parametrize(
    ("life", "left", "state"),
    [(90, 31, "ok"), (90, 17, "warning"), (365, 31, "ok"), (365, 29, "warning"), (0.02, 0.01, "ok"), (0.02, 0.003, "warning")],
)
def test_a_certificate_that_ends_soon_is_a_warning(life: float, left: float, state: str) -> None:
    result = judge(answer=replace(GOOD, begins=NOW + (left - life) * DAY, ends=NOW + left * DAY))
    assert (result["state"], result["certificate_days"]) == (state, round(left, 1))


def test_the_node_that_fails_is_named_and_the_others_are_not() -> None:
    edge = replace(EDGE, nodes={"w1": "10.0.0.1", "w2": "10.0.0.2"})
    result = judge_route(EDGE.routes[0], edge, SWARM, {"w1": GOOD, "w2": Answer(error="timed out")}, NOW)
    assert result["text"].endswith("(on w2)") and result["state"] == "failed"
