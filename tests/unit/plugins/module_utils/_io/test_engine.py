# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: typed errors, what is sent again, what is said."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import docker
import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import engine as engine_module
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import (
    RETRIES,
    Conflict,
    Engine,
    EngineError,
    Locked,
    NotFound,
    NotManager,
    OutOfSequence,
    SdkMissing,
    Unreachable,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from fake_engine import FakeEngine, Fault, node, secret, service

MakeFake = Callable[..., FakeEngine]
NO_LEADER = "rpc error: code = Unknown desc = The swarm does not have a leader."
NODES = [node("m1", role="manager"), node("w1")]


class Slow(Engine):
    """An engine that notes how long it would have slept."""

    def __init__(self, fake: FakeEngine, timeout: int = 5) -> None:
        self.slept: list[float] = []
        client = docker.APIClient(base_url=fake.docker_host, version="auto", timeout=timeout)
        super().__init__(client, sleep=self.slept.append)


@pytest.fixture
def fake(fake_engine: MakeFake) -> FakeEngine:
    return fake_engine(nodes=NODES, services=[service("web")])


def test_answers_are_decoded(fake: FakeEngine) -> None:
    engine = Engine.connect(fake.docker_host)
    fake.log("web", "line\n")
    assert [item["Spec"]["Name"] for item in engine.get("/services")] == ["web"]
    assert engine.get("/_ping") == "OK"
    assert engine.get_raw("/services/web/logs", stdout=True).endswith(b"line\n")
    made = engine.post("/secrets/create", body=secret("s"))
    assert set(made) == {"ID"}
    assert engine.delete(f"/secrets/{made['ID']}") == ""
    assert engine.api_version == (1, 45)


def test_what_is_read_first_brings_the_version(fake: FakeEngine) -> None:
    engine = Engine.connect(fake.docker_host, first="/info")
    assert engine.get("/info")["Name"] == "m1" and engine.api_version == (1, 45)
    assert [request.call for request in fake.requests] == ["GET /info"]
    engine.get("/info")
    assert len(fake.requests) == 2, "it is read again where it is wanted again"
    late = Engine.connect(fake.docker_host, first="/info")
    fake.forget()
    late.get("/nodes")
    late.get("/info")
    assert fake.calls() == ["GET /nodes", "GET /info"], "what was read before something else is old"


@pytest.mark.parametrize("fault", [Fault("GET", "/info", status=403), Fault("GET", "/info", drop="before")])
def test_where_the_first_answer_does_not_come_the_version_is_asked_for(fake: FakeEngine, fault: Fault) -> None:
    fake.faults.add(fault)
    engine = Engine.connect(fake.docker_host, first="/info")
    assert engine.get("/info")["Name"] == "m1"
    assert [request.call for request in fake.requests] == ["GET /info", "GET /version", "GET /info"]


def test_queries_are_encoded(fake: FakeEngine) -> None:
    engine = Engine.connect(fake.docker_host)
    fake.forget()
    engine.get("/services", filters={"label": ["a=b"]}, status=True, insertDefaults=False, nothing=None)
    assert fake.requests[-1].query == {"filters": {"label": ["a=b"]}, "status": "1", "insertDefaults": "0"}


def test_a_write_carries_its_headers(fake: FakeEngine) -> None:
    Engine.connect(fake.docker_host).post("/services/create", body=service("x"), headers={"X-Registry-Auth": "abc"})
    assert fake.writes[-1].headers["X-Registry-Auth"] == "abc"


ERRORS = [
    (404, "service x not found", NotFound),
    (500, "network 0bc9 not found", NotFound),
    (409, "name conflicts with an existing object", Conflict),
    (500, "rpc error: code = Unknown desc = update out of sequence", OutOfSequence),
    (503, "This node is not a swarm manager. Use docker swarm init", NotManager),
    (503, "This node is not part of a swarm", NotManager),
    (503, "Swarm is encrypted and needs to be unlocked before it can be used.", Locked),
    (500, "something else", EngineError),
    (400, "only updates to Labels are allowed", EngineError),
]


@pytest.mark.parametrize(("status", "message", "kind"), ERRORS)
def test_errors_are_typed(fake: FakeEngine, status: int, message: str, kind: type[EngineError]) -> None:
    fake.fail("POST", "/services/create", status, message)
    with pytest.raises(EngineError) as caught:
        Slow(fake).post("/services/create", body={}, doing="creating service x")
    assert type(caught.value) is kind
    assert isinstance(caught.value, FlotillaError) and caught.value.status == status
    assert str(caught.value).startswith(f"creating service x: {message.rstrip('.')}.")


def test_an_error_without_words_names_its_status(fake: FakeEngine) -> None:
    fake.fail("GET", "/nodes", 418, "")
    with pytest.raises(EngineError, match=r"^GET /nodes: HTTP status 418 without a message\.$"):
        Slow(fake).get("/nodes")


PASSING = [
    ("GET", 500, NO_LEADER, True),
    ("POST", 500, NO_LEADER, True),
    ("DELETE", 500, "raft: no elected cluster leader", True),
    ("GET", 500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded", True),
    ("POST", 500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded", False),
    ("GET", 503, "rpc error: code = Unavailable desc = connection error", True),
    ("POST", 503, "rpc error: code = Unavailable desc = connection error", False),
    ("POST", 500, "rpc error: code = Unknown desc = update out of sequence", False),
    ("GET", 500, "boom", False),
    ("GET", 404, "context deadline exceeded", False),
]


@pytest.mark.parametrize(("method", "status", "message", "again"), PASSING)
def test_only_passing_errors_are_tried_again(fake: FakeEngine, method: str, status: int, message: str, again: bool) -> None:
    fake.fail(method, "/services/web", status, message)
    fake.fail(method, "/services/create", status, message)
    engine = Slow(fake)
    calls: dict[str, Callable[[], t.Any]] = {
        "GET": lambda: engine.get("/services/web"),
        "POST": lambda: engine.post("/services/create", body=service("new")),
        "DELETE": lambda: engine.delete("/services/web"),
    }
    if again:
        calls[method]()
    else:
        with pytest.raises(EngineError):
            calls[method]()
    assert len(fake.calls(f"{method} .*")) == (2 if again else 1)
    assert len(engine.slept) == int(again)


@pytest.mark.parametrize("method", ["get", "post"])
def test_tries_are_limited(fake: FakeEngine, method: str) -> None:
    fake.lose_leader()
    engine = Slow(fake)
    fake.forget()
    with pytest.raises(EngineError, match="does not have a leader"):
        getattr(engine, method)("/services/create" if method == "post" else "/services")
    assert len(fake.calls()) == RETRIES + 1
    assert len(engine.slept) == RETRIES and engine.slept == sorted(engine.slept) and sum(engine.slept) < 15


def test_a_read_survives_a_lost_connection(fake: FakeEngine) -> None:
    fake.drop("GET", "/nodes", times=2)
    engine = Slow(fake)
    assert len(engine.get("/nodes")) == 2
    assert len(engine.slept) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_is_never_sent_twice_after_a_lost_connection(fake: FakeEngine, when: str) -> None:
    fake.drop("POST", "/secrets/create", when=when)
    engine = Slow(fake)
    with pytest.raises(Unreachable, match=r"^creating secret s: Remote end closed connection"):
        engine.post("/secrets/create", body=secret("s"), doing="creating secret s")
    assert fake.calls("POST .*") == ["POST /secrets/create"]
    assert engine.slept == []


def test_a_slow_answer_is_not_waited_for_again(fake: FakeEngine) -> None:
    fake.delay("GET", "/nodes", 1.5)
    with pytest.raises(Unreachable, match=r"^listing the nodes: timed out"):
        Slow(fake, timeout=1).get("/nodes", doing="listing the nodes")
    assert fake.calls() == ["GET /nodes"]


UNREACHABLE = [
    ({"docker_host": "unix:///nowhere/docker.sock"}, "No such file or directory"),
    ({"docker_host": "tcp://127.0.0.1:1"}, "Connection refused"),
    ({"docker_host": "foo://x"}, "Invalid bind address protocol"),
    ({"docker_host": "tcp://127.0.0.1:1", "validate_certs": True, "ca_path": "/nowhere"}, "CA certificate"),
]


@pytest.mark.parametrize(("params", "problem"), UNREACHABLE)
def test_no_engine(params: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Engine.connect(**params)
    text = str(caught.value)
    assert text.startswith(f"connecting to the engine at {params['docker_host']}: ") and problem in text
    assert "Check that the engine runs" in text
    assert "Max retries" not in text and "HTTPConnection" not in text
    assert caught.value.status is None


def test_an_engine_that_refuses_to_say_its_version(fake: FakeEngine) -> None:
    fake.fail("GET", "/version", 500, "no graph driver")
    with pytest.raises(Unreachable, match=": no graph driver. Check"):
        Engine.connect(fake.docker_host)


def test_the_cause_is_told_and_not_what_was_tried_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3 1 tries an argument that Python 3 lacks, hides the TypeError, and goes on to the true error."""

    def refuse(**params: t.Any) -> t.NoReturn:
        try:
            raise TypeError("unexpected keyword argument 'buffering'")
        except TypeError:
            raise ConnectionError("Remote end closed connection") from None

    monkeypatch.setattr(docker, "APIClient", refuse)
    with pytest.raises(Unreachable, match=": Remote end closed connection. Check"):
        Engine.connect("unix:///x")


def test_the_sdk_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "SDK_PROBLEM", "No module named 'docker'")
    with pytest.raises(SdkMissing, match=r"No module named 'docker'.*Install python3-docker"):
        Engine.connect("unix:///x")


def test_the_sdk_is_too_old_for_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "SDK_PROBLEM", "No module named 'distutils'")
    with pytest.raises(SdkMissing, match=rf"docker {docker.__version__} is installed, .*Upgrade docker to 7.1.0 or newer"):
        Engine.connect("unix:///x")


def test_the_sdk_does_not_fit_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = t.cast(t.Any, docker.errors.DockerException)

    def refuse(**params: t.Any) -> t.NoReturn:
        raise problem("Error while fetching server API version: Not supported URL scheme http+docker")

    monkeypatch.setattr(docker, "APIClient", refuse)
    with pytest.raises(SdkMissing, match=r"docker .* does not work with requests .* Upgrade docker to 7.1.0 or newer"):
        Engine.connect("unix:///x")


def test_a_request_body_is_never_in_an_error(fake: FakeEngine) -> None:
    engine = Slow(fake)
    for fault in (
        Fault("POST", "/secrets/create", status=500, message="boom"),
        Fault("POST", "/secrets/create", drop="before"),
        Fault("POST", "/secrets/create", status=400, message="data must be smaller"),
    ):
        fake.faults.clear()
        fake.faults.add(fault)
        with pytest.raises(EngineError) as caught:
            engine.post("/secrets/create", body=secret("s", b"hunter2"), headers={"X-Registry-Auth": "hunter3"})
        shown = f"{caught.value!r} {caught.value.__dict__}"
        assert "aHVudGVyMg" not in shown and "hunter" not in shown
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("name", ["a?force=1", "x#y", "ü", "a b", "a%2fb", "a;b", "app:1", "reg/app@sha256:1", "a+b", "a\nb"])
def test_a_name_in_a_path_is_a_name_and_nothing_else(fake_engine: MakeFake, name: str) -> None:
    fake = fake_engine(nodes=NODES)
    with pytest.raises(EngineError):
        Slow(fake).delete(f"/volumes/{name}", doing="removing")
    (request,) = fake.writes
    assert (request.path, request.query) == (f"/volumes/{name}", {})


@pytest.mark.parametrize("name", ["../containers/x", "..", ".", "", "a/../../secrets/b", "a//b"])
def test_no_name_leads_to_another_path(fake_engine: MakeFake, name: str) -> None:
    fake = fake_engine(nodes=NODES)
    with pytest.raises(EngineError, match="is not a path of the Engine API"):
        Slow(fake).delete(f"/volumes/{name}", doing="removing")
    assert not fake.writes
