# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.edge import EDGE_LABEL, ROUTES_LABEL, TRUST, Answer
from ansible_collections.flotilla.swarm.plugins.modules import edge_info
from fake_engine import FakeEngine, config, network, node, service
from module_runner import run_module_main

Fakes = t.Callable[..., FakeEngine]
ROUTES = [{"host": "page.example.org", "service": "site_page", "port": 80, "auth": False}]
LABELS = {EDGE_LABEL: "edge", ROUTES_LABEL: json.dumps(ROUTES)}
ASKED = ("10.1.1.2", "page.example.org", "/")


def swarm(fake_engine: Fakes, *services: dict[str, t.Any]) -> FakeEngine:
    fake = fake_engine(
        nodes=[node("m1", role="manager", leader=True, addr="10.1.1.1"), node("w1", addr="10.1.1.2", labels={"edge": "true"})],
        networks=[network("edge"), network("other")],
        configs=[config("edge_trust_1", b"CERT", {EDGE_LABEL: TRUST}), config("trust", b"NOT OURS")],
        services=[
            service("edge_traefik", mode="global", labels=LABELS, networks=["edge"], constraints=["node.labels.edge == true"]),
            *services,
        ],
    )
    fake.settle()
    return fake


def info(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, answer: Answer | None = None) -> tuple[dict[str, t.Any], list[t.Any]]:
    asked: list[t.Any] = []
    good = Answer(begins=time.time() - 86400, ends=time.time() + 60 * 86400, status=200, is_routed=True)

    def ask_all(questions: t.Any, trusted: str) -> dict[t.Any, Answer]:
        asked.extend([*questions, trusted])
        return dict.fromkeys(questions, answer or good)

    monkeypatch.setattr(edge_info, "ask_all", ask_all)
    fake.forget()
    return run_module_main(edge_info.main, {"docker_host": fake.docker_host}), asked


def test_each_route_is_asked_at_each_node_of_the_edge(fake_engine: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = swarm(fake_engine, service("site_page", networks=["edge"]))
    result, asked = info(fake, monkeypatch)
    assert asked == [ASKED, "CERT"]
    assert result["edges"] == [{"service": "edge_traefik", "networks": ["edge"], "nodes": {"w1": "10.1.1.2"}}]
    (route,) = result["routes"]
    assert (route["host"], route["state"], route["status"], route["certificate_days"]) == ("page.example.org", "ok", 200, 60.0)
    assert result["faults"] == [] and not result["changed"]
    assert len(fake.calls()) == 5 and not fake.writes


@pytest.mark.parametrize(
    ("services", "answer", "words"),
    [
        ([], None, "page.example.org: there is no service site_page. Deploy it, or correct the route."),
        ([service("site_page", networks=["other"])], None, "page.example.org: site_page is on other, and the edge reaches it on edge. Let"),
        ([service("site_page", replicas=0, networks=["edge"])], None, "page.example.org: no task of site_page runs and is healthy."),
        (
            [service("site_page", networks=["edge"])],
            Answer(untrusted="self-signed certificate"),
            "page.example.org: the certificate that is shown for page.example.org is not good: self-signed certificate (on w1). Look",
        ),
    ],
)
def test_what_does_not_answer_is_told_with_its_cause(
    fake_engine: Fakes, monkeypatch: pytest.MonkeyPatch, services: list[t.Any], answer: Answer | None, words: str
) -> None:
    result, _asked = info(swarm(fake_engine, *services), monkeypatch, answer)
    (fault,) = result["faults"]
    assert fault.startswith(words)


def test_a_swarm_without_an_edge_costs_one_request(fake_engine: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], services=[service("web")])
    result, asked = info(fake, monkeypatch)
    assert (result["edges"], result["routes"], result["faults"], asked) == ([], [], [], [])
    assert len(fake.calls()) == 1
