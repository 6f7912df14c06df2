# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test alert: what is sent and counted by the script that runs beside Alertmanager, and what the controller makes of it."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.alerts import judge_alert, receiver_kinds

Json = dict[str, Any]
SCRIPT = Path(__file__).parents[4] / "roles/monitoring/files/alert.py"
KINDS = {"ops": {"webhook": 1, "email": 1}, "nobody": {}}
METRICS = """# HELP alertmanager_notification_requests_total The total number of attempted notification requests.
# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{{integration="email"}} {email}
alertmanager_notification_requests_total{{integration="webhook",receiver_name="ops"}} {webhook}
alertmanager_notification_requests_failed_total{{integration="email"}} 0
alertmanager_notification_requests_failed_total{{integration="webhook",receiver_name="ops"}} {refused}
alertmanager_notifications_total{{integration="webhook"}} 99
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("test_alert", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Alertmanager(HTTPServer):
    """Tells its receivers at the second look at an alert, of which the webhook may refuse."""

    def __init__(self, refuses: bool = False, receivers: tuple[str, ...] = ("ops",)) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[Json] = []
        self.refuses, self.receivers, self.looks = refuses, receivers, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def metrics(self) -> str:
        told = 1 if self.looks > 1 else 0
        return METRICS.format(email=5 + told, webhook=7.0 + 3 * told, refused=3 * told if self.refuses else 0)


class Handler(BaseHTTPRequestHandler):
    server: Alertmanager

    def do_POST(self) -> None:
        self.server.posted += json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer("")

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer(self.server.metrics())
            return
        self.server.looks += 1
        name = self.server.posted[0]["labels"]["alertname"]
        assert name in self.path
        receivers = [{"name": receiver} for receiver in self.server.receivers]
        is_active = self.server.posted[-1]["endsAt"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._answer(json.dumps([{"labels": self.server.posted[0]["labels"], "receivers": receivers}] if is_active else []))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def started() -> Iterator[list[Alertmanager]]:
    servers: list[Alertmanager] = []
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def try_out(server: Alertmanager, seconds: float = 20) -> Json:
    told: Json = load().try_out(server.address, seconds, KINDS)
    return told


def test_an_alert_is_sent_waited_for_and_ended(started: list[Alertmanager]) -> None:
    started.append(server := Alertmanager())
    told = try_out(server)
    assert judge_alert(json.dumps(told), KINDS) == (True, f"the test alert {told['alert']} arrived at ops")
    first, last = server.posted
    assert first["labels"] == last["labels"] and first["endsAt"] > last["endsAt"]
    assert told["requests"] == {"email": 1.0, "webhook": 3.0} and told["failed"] == {}


def test_a_receiver_that_refuses_is_named_without_what_it_answered(started: list[Alertmanager]) -> None:
    started.append(server := Alertmanager(refuses=True))
    begun = time.monotonic()
    told = try_out(server, seconds=2)
    ready, text = judge_alert(json.dumps(told), KINDS)
    assert not ready and text.endswith("went to ops, and did not arrive: webhook refused 3 of 3")
    assert time.monotonic() - begun < 10 and len(server.posted) == 2


def test_alertmanager_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["alert.py", "http://127.0.0.1:9", "1", "{}"])
    load().main()
    ready, text = judge_alert(capsys.readouterr().out, {})
    assert not ready and text.startswith("Alertmanager does not answer: ") and "refused" in text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"receivers": []}, "told nobody within the time"),
        ({"receivers": ["nobody"], "missing": []}, "went to nobody, which tells nobody"),
        ({"receivers": ["ops"], "missing": ["email"], "failed": {}, "requests": {}}, "did not arrive: email was sent 0"),
    ],
)
def test_what_reached_nobody_has_not_arrived(told: Json, words: str) -> None:
    ready, text = judge_alert(json.dumps({"alert": "acceptance_test_1", **told}), KINDS)
    assert not ready and words in text


def test_no_answer_is_told() -> None:
    assert judge_alert("", {}) == (False, "the test alert could not be sent: no answer")


def test_of_receivers_only_the_kinds_are_told() -> None:
    hook = {"url": "https://hooks/hunter2"}
    ops: Json = {"name": "ops", "webhook_configs": [hook, hook], "email_configs": [{"to": "x"}], "slack_configs": []}
    receivers: list[Json] = [ops, {"name": "nobody"}]
    assert receiver_kinds(receivers) == {"ops": {"webhook": 2, "email": 1}, "nobody": {}}
