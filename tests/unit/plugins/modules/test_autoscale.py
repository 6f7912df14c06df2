# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import http.server
import json
import socketserver
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import autoscale as module
from fake_clock import Clock
from fake_engine import FakeEngine, node, service
from module_runner import run_module_main

Json = dict[str, t.Any]
STACK = {"com.docker.stack.namespace": "ocr"}
PASSWORD = "quiet-otter-7"


class Source:
    """A real HTTP server whose answers the test sets, by path."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str]] = []
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append((self.path, self.headers.get("Authorization", "")))
                code, text = source.answers.get(self.path, (404, ""))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: t.Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def depth(self, depth: t.Any) -> Json:
        self.answers["/api/topics/ocr"] = (200, json.dumps({"depth": depth}))
        return {"url": f"{self.url}/api/topics/ocr", "path": "depth"}


@pytest.fixture
def source() -> t.Iterator[Source]:
    made = Source()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    reserved = {"Resources": {"Reservations": {"NanoCPUs": 10**9}}}
    return fake_engine(
        nodes=[node("m1", role="manager", leader=True), node("w1")],
        services=[
            service("ocr_worker", replicas=2, labels=STACK),
            service("ocr_heavy", replicas=2, labels=STACK, template=reserved),
            service("ocr_agent", mode="global", labels=STACK),
        ],
    )


def run(fake: FakeEngine, *rules: Json, check: bool = False, **options: t.Any) -> Json:
    given = [{"max": 10, "per_replica": 100, "cool_down_down": "0s", **rule} for rule in rules]
    return run_module_main(module.main, {"docker_host": fake.docker_host, "rules": given, **options}, check=check, diff=True)


def replicas(fake: FakeEngine, name: str) -> int:
    return int(fake.service(name)["Spec"]["Mode"]["Replicated"]["Replicas"])


def test_a_service_follows_its_metric_up_and_down(fake: FakeEngine, source: Source) -> None:
    rule = {"service": "ocr_worker", "metric": source.depth(560)}
    fake.forget()
    planned = run(fake, rule, check=True)
    assert not fake.writes and len(fake.calls()) == 4 and replicas(fake, "ocr_worker") == 2
    assert "metric 560 calls for 6" in planned["diff"]["prepared"]
    done = run(fake, rule)
    assert done["plan"] == planned["plan"] and replicas(fake, "ocr_worker") == 6
    assert done["decisions"] == [
        {"service": "ocr_worker", "metric": 560, "before": 2, "wanted": 6, "replicas": 6, "reason": "metric 560 calls for 6"}
    ]
    fake.forget()
    assert not run(fake, rule)["changed"] and not fake.writes
    source.depth(0)
    assert run(fake, rule)["changed"] and replicas(fake, "ocr_worker") == 1


def test_a_metric_around_a_threshold_makes_nothing_flap_over_twenty_passes(fake: FakeEngine, source: Source) -> None:
    rule = {"service": "ocr_worker", "per_replica": 10, "hysteresis": 0.2}
    counts = []
    for turn in range(20):
        run(fake, {**rule, "metric": source.depth(41 if turn % 2 else 39)})
        counts.append(replicas(fake, "ocr_worker"))
    assert counts == [4, *[5] * 19]


def test_the_cap_is_what_the_nodes_hold(fake: FakeEngine, source: Source) -> None:
    """Two nodes of four processors, two of which are taken."""
    done = run(fake, {"service": "ocr_heavy", "metric": source.depth(1000)})
    assert replicas(fake, "ocr_heavy") == 8 and "the nodes have room for 8" in done["decisions"][0]["reason"]
    assert not run(fake, {"service": "ocr_heavy", "metric": source.depth(1000)})["changed"]


def test_a_change_starts_the_cool_down(fake: FakeEngine, source: Source) -> None:
    rule = {"service": "ocr_worker", "cool_down_down": "5m"}
    run(fake, {**rule, "metric": source.depth(560)})
    held = run(fake, {**rule, "metric": source.depth(0)})
    assert not held["changed"] and "s more after the last change" in held["decisions"][0]["reason"]


def test_metrics_from_prometheus_a_command_and_an_earlier_task(fake: FakeEngine, source: Source, tmp_path: Path) -> None:
    vector = {"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "300"]}]}}
    source.answers["/api/v1/query?query=sum%28load%7Ba%3D%22b%22%7D%29"] = (200, json.dumps(vector))
    asked = {"url": f"{source.url}/", "query": 'sum(load{a="b"})'}
    assert run(fake, {"service": "ocr_worker", "metric": asked})["decisions"][0]["wanted"] == 3
    length = tmp_path / "length"
    length.write_text("401\n")
    assert run(fake, {"service": "ocr_worker", "metric": {"command": ["cat", str(length)]}})["decisions"][0]["wanted"] == 5
    assert run(fake, {"service": "ocr_worker", "metric": {"value": 0}})["decisions"][0]["wanted"] == 1


def test_credentials_are_sent_and_never_shown(fake: FakeEngine, source: Source) -> None:
    metric = {**source.depth(1), "username": "guest", "password": PASSWORD, "headers": {"X-Key": f"{PASSWORD}-2"}}
    done = run(fake, {"service": "ocr_worker", "metric": metric})
    assert source.asked[-1][1] == f"Basic {base64.b64encode(f'guest:{PASSWORD}'.encode()).decode()}"
    assert PASSWORD not in json.dumps(done)


@pytest.mark.parametrize("tail", ["?token={}", "?token={}#x", "#{}", "/?a=b&token={} x"])
@pytest.mark.parametrize("answer", [(500, ""), (200, "<html>"), (200, "{}")])
def test_a_query_is_sent_and_never_shown(fake: FakeEngine, source: Source, tmp_path: Path, tail: str, answer: tuple[int, str]) -> None:
    """Where the metric can't be read, the warning, the decision and the record of decisions name the address."""
    metric = source.depth(1)
    source.answers = {f"/api/topics/ocr?token={PASSWORD}": answer}
    rule = {"service": "ocr_worker", "metric": {**metric, "url": metric["url"] + tail.format(PASSWORD)}}
    done = run(fake, rule, record=str(tmp_path / "record"))
    assert "keeps its 2 replicas" in done["warnings"][0] and f"{source.url}/api/topics/ocr" in done["warnings"][0]
    assert PASSWORD not in json.dumps(done) and PASSWORD not in (tmp_path / "record").read_text()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, ""), "answered 500"),
        ((200, "<html>"), "the answer is not JSON"),
        ((200, '{"count": 3}'), "there is nothing at depth"),
        ((200, '{"depth": "many"}'), "'many', which is not a number"),
    ],
)
def test_a_metric_that_cannot_be_read_changes_nothing_and_says_so(
    fake: FakeEngine, source: Source, answer: tuple[int, str], words: str
) -> None:
    metric = source.depth(0)
    source.answers["/api/topics/ocr"] = answer
    fake.forget()
    done = run(fake, {"service": "ocr_worker", "metric": metric}, {"service": "ocr_heavy", "metric": {"value": 300}})
    (warning,) = done["warnings"]
    assert f"service ocr_worker keeps its 2 replicas: the metric can't be read: {source.url}/api/topics/ocr: " in warning
    assert words in warning and done["decisions"][0]["metric"] is None
    assert [change["name"] for change in done["plan"]] == ["ocr_heavy"]


def test_a_port_that_does_not_speak_http_is_a_source_that_fails(fake: FakeEngine) -> None:
    """As that of a broker is, next to its HTTP one."""

    class Broker(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(b"AMQP\x00\x00\x09\x01")

    with socketserver.TCPServer(("127.0.0.1", 0), Broker) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        metric = {"url": f"http://127.0.0.1:{server.server_address[1]}/x"}
        done = run(fake, {"service": "ocr_worker", "metric": metric}, {"service": "ocr_heavy", "metric": {"value": 300}})
    (warning,) = done["warnings"]
    assert "can't be read: the answer is not HTTP" in warning
    assert [change["name"] for change in done["plan"]] == ["ocr_heavy"]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ({"url": "http://127.0.0.1:1/x"}, "http://127.0.0.1:1/x: can't be read: "),
        ({"url": "http://127.0.0.1:1/a queue"}, "http://127.0.0.1:1/a queue: can't be read: this is not a valid address"),
        ({"command": ["false"]}, "false: exited 1: no output"),
        ({"command": ["no-such-program"]}, "no-such-program: exited 127"),
        ({"command": ["echo", "many"]}, "echo: at its top is 'many', which is not a number"),
    ],
)
def test_a_source_that_fails_is_named(fake: FakeEngine, metric: Json, words: str) -> None:
    done = run(fake, {"service": "ocr_worker", "metric": metric})
    assert words in done["warnings"][0] and not done["changed"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"service": "ocr_worker", "metric": {}}, "metric has none of them, expected one of url, command and value"),
        ({"service": "ocr_worker", "metric": {"url": "http://x", "value": 1}}, "metric has url and value"),
        ({"service": "ocr_worker", "metric": {"url": "http://a:b@x/y"}}, "url has a login, which would be shown"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "steps": [{"at": 1, "replicas": 2}]}, "and not both"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "per_replica": None}, "per_replica is None, expected a number above 0"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "per_replica": -1}, "per_replica is -1.0"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "min": 11}, "max is 10, expected a whole number from 11 on"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "min": -1}, "min is -1"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "hysteresis": 10}, "hysteresis is 10.0, expected a fraction from 0 to 1"),
        ({"service": "ocr_worker", "metric": {"value": 1}, "cool_down_down": "soon"}, "found 'soon'"),
        (
            {"service": "ocr_worker", "metric": {"value": 1}, "per_replica": None, "steps": [{"at": 1, "replicas": 2, "down_at": 3}]},
            "steps[0].down_at is 3.0, expected a number up to at, 1",
        ),
        ({"service": "ocr_worke", "metric": {"value": 1}}, "no service ocr_worke; there is ocr_worker"),
        ({"service": "ocr_agent", "metric": {"value": 1}}, "ocr_agent is global and can't be scaled"),
    ],
)
def test_a_wrong_rule_is_refused_before_anything_changes(fake: FakeEngine, rule: Json, words: str) -> None:
    fake.forget()
    refused = run(fake, {"service": "ocr_heavy", "metric": {"value": 900}}, rule)
    assert refused["failed"] and words in refused["msg"] and not fake.writes


def test_two_rules_for_one_service_and_unknown_names_are_refused(fake: FakeEngine) -> None:
    rule = {"service": "ocr_worker", "metric": {"value": 1}}
    assert "there are several for ocr_worker" in run(fake, rule, rule)["msg"]
    assert "there is no rule for ocr_heavy; there is ocr_worker" in run(fake, rule, only=["ocr_heavy"])["msg"]


def test_only_chooses_among_the_rules(fake: FakeEngine) -> None:
    rules = [{"service": name, "metric": {"value": 600}} for name in ("ocr_worker", "ocr_heavy")]
    run(fake, *rules, only=["ocr_heavy"])
    assert (replicas(fake, "ocr_worker"), replicas(fake, "ocr_heavy")) == (2, 6)


def test_each_decision_is_recorded_but_not_in_check_mode(fake: FakeEngine, tmp_path: Path) -> None:
    record = tmp_path / "log" / "autoscale.jsonl"
    rule = {"service": "ocr_worker", "metric": {"value": 600}}
    run(fake, rule, check=True, record=str(record))
    assert not record.exists()
    for _pass in range(2):
        run(fake, rule, record=str(record))
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert [(line["before"], line["replicas"]) for line in lines] == [(2, 6), (6, 6)] and lines[0]["time"]
    assert record.stat().st_mode & 0o777 == 0o600
