# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame: one path for check mode and for real, one shape of result, no traceback ever."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flotilla.swarm.plugins.module_utils._io.host import Host, host_target
from ansible_collections.flotilla.swarm.plugins.module_utils._io.target import CONNECTION
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, Field, Plan
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import run_module
from fake_engine import FakeEngine, node, secret
from module_runner import run_module_main

MakeFake = Callable[..., FakeEngine]
ARGUMENTS = {"names": {"type": "list", "elements": "str", "required": True}, "password": {"type": "str", "no_log": True}}


@pytest.fixture
def fake(fake_engine: MakeFake) -> FakeEngine:
    return fake_engine(nodes=[node("m1", role="manager")], secrets=[secret("old")])


class SecretsModule:
    """A module in full shape: it makes the secrets that are not there, and notes the order of what it was asked."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def observe(self, engine: t.Any, params: dict[str, t.Any]) -> t.Any:
        self.steps.append("observe")
        return {item["Spec"]["Name"] for item in engine.get("/secrets")}

    def plan(self, observed: t.Any, params: dict[str, t.Any]) -> Plan:
        self.steps.append("plan")
        if "forbidden" in params["names"]:
            raise PlanError("secret forbidden: names that begin so are refused. Choose another name.")
        new = [name for name in params["names"] if name not in observed]
        changes = [Change("secret", name, "create", (Field("data", None, "sha256:ab"),), payload=secret(name)) for name in new]
        return Plan(tuple(changes), warnings=("mind this",) if "odd" in new else (), result={"wanted": len(params["names"])})

    def apply(self, engine: t.Any, change: Change, observed: t.Any) -> dict[str, t.Any]:
        self.steps.append(f"apply {change.name}")
        if change.name == "buggy":
            raise KeyError("missing")
        engine.post("/secrets/create", body=change.payload, doing=f"creating secret {change.name}")
        return {f"made_{change.name}": True}

    def watch(self, engine: t.Any, params: dict[str, t.Any], plan: Plan, observed: t.Any) -> dict[str, t.Any]:
        self.steps.append("watch")
        if "sick" in params["names"]:
            error = FlotillaError("sick never became well.")
            error.result = {"verdict": "failed", "changed": True, "plan": "replaced"}
            raise error
        return {"verdict": "well"}

    def main(self) -> None:
        run_module(ARGUMENTS, self.observe, self.plan, self.apply, self.watch)


def run(fake: FakeEngine, names: list[str], module: SecretsModule | None = None, **more: t.Any) -> dict[str, t.Any]:
    return run_module_main((module or SecretsModule()).main, {"docker_host": fake.docker_host, "names": names}, **more)


def test_a_run(fake: FakeEngine) -> None:
    module = SecretsModule()
    result = run(fake, ["old", "one", "two"], module)
    assert module.steps == ["observe", "plan", "apply one", "apply two", "watch"]
    assert (result["exit_code"], result["changed"], result["verdict"], result["wanted"]) == (0, True, "well", 3)
    assert result["made_one"] and result["made_two"]
    fields = [{"path": "data", "before": None, "after": "sha256:ab"}]
    common = {"kind": "secret", "action": "create", "fields": fields, "cost": "nothing", "reason": ""}
    assert result["plan"] == [{**common, "name": "one"}, {**common, "name": "two"}]
    assert fake.calls("POST .*") == ["POST /secrets/create"] * 2
    assert "eA==" not in str(result), "the payload is not returned"


def test_a_second_run_changes_nothing(fake: FakeEngine) -> None:
    run(fake, ["one"])
    fake.forget()
    result = run(fake, ["one"])
    assert (result["changed"], result["plan"], result["diff"]["prepared"]) == (False, [], "")
    assert result["verdict"] == "well" and not fake.writes


def test_check_mode_plans_the_same_and_writes_nothing(fake: FakeEngine) -> None:
    module = SecretsModule()
    checked = run(fake, ["one", "two"], module, check=True)
    assert module.steps == ["observe", "plan"]
    assert not fake.writes
    real = run(fake, ["one", "two"])
    assert (checked["changed"], checked["plan"], checked["diff"]) == (real["changed"], real["plan"], real["diff"])
    assert checked["wanted"] == 2 and "verdict" not in checked


def test_the_diff_is_the_plan_as_text(fake: FakeEngine) -> None:
    result = run(fake, ["one"], check=True, diff=True)
    assert result["diff"] == {"prepared": '+ secret   one  data: (none) -> "sha256:ab"\n'}


def test_warnings_reach_the_user(fake: FakeEngine) -> None:
    assert run(fake, ["odd"], check=True)["warnings"] == ["mind this"]
    assert run(fake, ["even"], check=True)["warnings"] == []


def test_a_refused_plan_changes_nothing(fake: FakeEngine) -> None:
    result = run(fake, ["one", "forbidden"])
    assert (result["exit_code"], result["failed"], result["changed"]) == (1, True, False)
    assert result["msg"] == "secret forbidden: names that begin so are refused. Choose another name. Nothing was changed."
    assert (result["plan"], result["applied"]) == ([], [])
    assert not fake.writes


def test_a_failure_half_way_says_what_was_done(fake: FakeEngine) -> None:
    fake.fail("POST", "/secrets/create", 500, "disk full", nth=2)
    result = run(fake, ["one", "two", "three"])
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"] == "creating secret two: disk full. Before that, these were changed: secret one."
    assert [change["name"] for change in result["applied"]] == ["one"]
    assert [change["name"] for change in result["plan"]] == ["one", "two", "three"]
    assert len(fake.writes) == 2, "it stops at the first failure"


def test_the_same_command_can_be_run_again_after_a_failure(fake: FakeEngine) -> None:
    fake.drop("POST", "/secrets/create", when="after", nth=2)
    assert run(fake, ["one", "two", "three"])["failed"]
    result = run(fake, ["one", "two", "three"])
    assert [change["name"] for change in result["plan"]] == ["three"]


def test_a_bad_verdict_fails_with_its_result(fake: FakeEngine) -> None:
    result = run(fake, ["one", "sick"])
    said = "sick never became well. Before that, these were changed: secret one, secret sick."
    assert (result["failed"], result["msg"], result["verdict"]) == (True, said, "failed")
    assert [change["name"] for change in result["applied"]] == ["one", "sick"]
    assert result["plan"] == "replaced", "what the error carries goes before what the frame knows"


def test_a_defect_is_one_line_without_a_traceback(fake: FakeEngine) -> None:
    result = run(fake, ["one", "buggy"])
    assert result["failed"] and result["changed"]
    assert result["msg"].startswith("A defect in flotilla.swarm at ") and "KeyError" in result["msg"]
    assert "\n" not in result["msg"] and "missing" not in result["msg"]
    assert "exception" not in result or "Traceback" not in str(result["exception"])
    assert [change["name"] for change in result["applied"]] == ["one"]


def test_an_engine_that_is_not_there() -> None:
    result = run_module_main(SecretsModule().main, {"docker_host": "unix:///nowhere/s", "names": []})
    assert result["failed"] and result["changed"] is False
    assert result["msg"].startswith("connecting to the engine at unix:///nowhere/s: No such file or directory.")


def test_secrets_of_the_task_are_in_no_result(fake: FakeEngine) -> None:
    fake.fail("POST", "/secrets/create", 500, "what is hunter2?")
    args = {"docker_host": fake.docker_host, "names": ["one"], "password": "hunter2"}
    for _ in range(2):
        assert "hunter2" not in str(run_module_main(SecretsModule().main, args))


def test_missing_and_unknown_options_are_refused(fake: FakeEngine) -> None:
    assert "names" in run_module_main(SecretsModule().main, {"docker_host": fake.docker_host})["msg"]
    assert "colour" in run_module_main(SecretsModule().main, {"names": [], "colour": "red"})["msg"]
    assert not fake.requests


def test_without_apply_and_watch_it_reports(fake: FakeEngine) -> None:
    module = SecretsModule()
    result = run_module_main(
        lambda: run_module(ARGUMENTS, module.observe, lambda seen, params: Plan(result={"seen": sorted(seen)})),
        {"docker_host": fake.docker_host, "names": []},
    )
    assert (result["changed"], result["seen"]) == (False, ["old"])


def test_constraints_go_to_ansible(fake: FakeEngine) -> None:
    module = SecretsModule()
    arguments = {**ARGUMENTS, "user": {"type": "str"}}
    args = {"docker_host": fake.docker_host, "names": [], "user": "me"}
    result = run_module_main(lambda: run_module(arguments, module.observe, module.plan, required_together=[("user", "password")]), args)
    assert result["failed"] and "user, password" in result["msg"]


def test_the_host_world_takes_no_connection(tmp_path: t.Any) -> None:
    seen: list[t.Any] = []

    def observe(host: t.Any, params: dict[str, t.Any]) -> str | None:
        seen.append(host)
        return t.cast("str | None", host.read(params["path"]))

    def plan(text: str | None, params: dict[str, t.Any]) -> Plan:
        return Plan() if text == "new" else Plan((Change("file", params["path"], "create", payload="new"),))

    def apply(host: t.Any, change: Change, observed: t.Any) -> None:
        host.write(change.name, change.payload)

    def main() -> None:
        run_module({"path": {"type": "path", "required": True}}, observe, plan, apply, target=host_target)

    target = tmp_path / "file"
    checked = run_module_main(main, {"path": str(target)}, check=True)
    assert checked["changed"] and not target.exists()
    assert run_module_main(main, {"path": str(target)})["changed"] and target.read_text() == "new"
    assert not run_module_main(main, {"path": str(target)})["changed"]
    assert isinstance(seen[0], Host)
    assert "docker_host" in run_module_main(main, {"path": "/x", "docker_host": "unix:///x"})["msg"]


@pytest.mark.parametrize(
    ("variable", "value", "option", "expected"),
    [
        ("DOCKER_TIMEOUT", "7", "timeout", 7),
        ("DOCKER_TLS", "1", "tls", True),
        ("DOCKER_TLS_VERIFY", "1", "validate_certs", True),
        ("DOCKER_CERT_PATH", "/certs", "ca_path", "/certs/ca.pem"),
        ("DOCKER_CERT_PATH", "/certs", "client_key", "/certs/key.pem"),
    ],
)
def test_the_environment_fills_in(
    monkeypatch: pytest.MonkeyPatch, fake: FakeEngine, variable: str, value: str, option: str, expected: t.Any
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    result = run(fake, ["old"], check=True)
    assert result["invocation"]["module_args"][option] == expected


def test_docker_host_from_the_environment(monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> None:
    monkeypatch.setenv("DOCKER_HOST", fake.docker_host)
    assert run_module_main(SecretsModule().main, {"names": ["old"]})["changed"] is False
    assert CONNECTION["docker_host"]["default"] == "unix:///var/run/docker.sock"


def test_the_log_of_the_host_says_what_was_changed_and_how_it_ended(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda self, text, log_args=None: said.append(text))

    def entries(names: list[str], **more: t.Any) -> list[str]:
        said.clear()
        run(fake, names, **more)
        return [text for text in said if not text.startswith("Invoked with")]

    assert entries(["one", "two"]) == ["a playbook: + secret one, + secret two: done"]
    assert entries(["three", "sick"]) == ["a playbook: + secret three, + secret sick: failed after 2 of these"]
    assert entries(["one"]) == entries(["forbidden"]) == entries(["four"], check=True) == []
    (long,) = entries([f"s{number}" for number in range(30)])
    assert long.endswith("+ secret s19, 10 more: done")


class Quiet:
    """A module whose options hold secrets, and what the log of its host got."""

    def __init__(self, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake = fake
        self.logged: list[str] = []
        monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda _module, text: self.logged.append(text))

    def __call__(self, plan: Callable[..., Plan], **options: t.Any) -> dict[str, t.Any]:
        def main() -> None:
            spec = {"password": {"type": "str", "no_log": True}, "environment": {"type": "dict"}, "text": {"type": "str"}}
            run_module(spec, lambda engine, params: None, plan)

        return run_module_main(main, {"docker_host": self.fake.docker_host, **options})


@pytest.fixture
def quiet(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Quiet:
    return Quiet(fake, monkeypatch)


@pytest.mark.parametrize(
    "options",
    [
        {"environment": {"INNOCENT": "otter"}, "text": "otter"},
        {"environment": "A=otter,B"},
        {"environment": ["A=otter"]},
        {"unknown": "otter"},
        {"timeout": "otter"},
    ],
)
def test_no_option_is_repeated(quiet: Quiet, options: dict[str, t.Any]) -> None:
    """Right or wrong, it is neither in the result nor in the log of the host."""
    result = quiet(lambda observed, params: Plan(), **options)
    if "timeout" not in options:  # Ansible's own words for what is no number
        assert "otter" not in str(result)
    assert "otter" not in str(result["invocation"]) and "otter" not in str(quiet.logged)
    assert set(options) <= set(result["invocation"]["module_args"])


def test_a_secret_is_masked_in_all_that_is_told(quiet: Quiet) -> None:
    def plan(_observed: t.Any, params: dict[str, t.Any]) -> Plan:
        change = Change("secret", f"a {params['password']}", "create", (Field("x", None, params["password"]),))
        return Plan((change,), (f"mind {params['password']}",), {"odd": [{"deep": params["password"]}]})

    result = quiet(plan, password="quiet-otter")
    assert result["plan"][0]["name"] == "a ********" and result["warnings"] == ["mind ********"]
    assert "otter" not in str(result) and "otter" not in str(quiet.logged)
    assert len([entry for entry in quiet.logged if not entry.startswith("[WARNING]")]) == 2, "older versions of Ansible log warnings too"

    def refuse(_observed: t.Any, params: dict[str, t.Any]) -> Plan:
        raise PlanError(f"{params['password']} is wrong.")

    assert quiet(refuse, password="quiet-otter")["msg"] == "******** is wrong."


@pytest.mark.parametrize("password", ["1", "17", "true"])
def test_a_short_secret_spoils_no_result(quiet: Quiet, password: str) -> None:
    session = {"began": 1764512345.17, "holder": "true@m1", "made": [["network", "true_17", "1a"]]}
    result = quiet(lambda observed, params: Plan(result={"number": 17, "summary": "1 of 17", "session": session}), password=password)
    assert (result["number"], result["summary"], result["session"]) == (17, "1 of 17", session)
    assert result["invocation"]["module_args"]["password"] == "********"
