# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the engine, asked of a real one: it takes what passes, and the manager or a node refuses what is refused.

Where a rule says why we are stricter, the engine may take it. FLOTILLA_RULE_SPECS is the number of random specs, 300 unless set.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable
from typing import Any
from unittest import mock

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose import check
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.rule import MANAGER, NODE, Rule

from tests.engine_cases import REFUSED, TAKEN, WARNED, Case
from tests.scenario import Scenario
from tests.scenario.stack import address

Json = dict[str, Any]
SPECS = int(os.environ.get("FLOTILLA_RULE_SPECS", "300"))
ONCE, SECOND_NS = {"Condition": "none"}, 10**9
# On the node: makes everything that a stack needs, then its services, and says what came of them; takes all of it back.
ASK = """
import time

def call(method, path, body=None):
    answer = getattr(api, method)(f"{api.base_url}/v{api.api_version}{path}", **({"json": body} if body is not None else {}))
    if answer.status_code >= 400:
        raise RuntimeError(answer.json()["message"])
    return answer.json() if answer.content else {}

def ask(stack):
    ids = {}
    for kind in ("networks", "secrets", "configs"):
        for body in stack[kind]:
            made = call("post", f"/{kind}/create", body)
            undo.append((kind, made.get("ID") or made.get("Id")))
            ids[body["Name"]] = undo[-1][1]
    for body in stack["services"]:
        container = body["TaskTemplate"]["ContainerSpec"]
        for kind in ("Secret", "Config"):
            for each in container.get(f"{kind}s", []):
                each[f"{kind}ID"] = ids[each[f"{kind}Name"]]
        undo.append(("services", call("post", "/services/create", body)["ID"]))
        return undo[-1][1]

def state(service):
    tasks = call("get", '/tasks?filters={"service":["%s"]}' % service)
    ended = [task["Status"].get("Err", "") for task in tasks if task["Status"]["State"] in ("rejected", "failed")]
    if ended:
        return "node: " + ended[0]
    running = any(task["Status"]["State"] in ("running", "complete") for task in tasks)
    return "running" if running else ""

answers = {}
for batch in batches:
    undo, waiting = [], {}
    for name, stack in batch.items():
        try:
            service = ask(stack)
        except RuntimeError as error:
            answers[name] = f"manager: {error}"
            continue
        answers[name] = "taken"
        if seconds and not stack["stays_out"]:
            waiting[name] = service
    deadline = time.time() + seconds
    while waiting and time.time() < deadline:
        time.sleep(1)
        for name, service in list(waiting.items()):
            found = state(service)
            if found:
                answers[name] = found
                del waiting[name]
    for kind, id in reversed(undo):
        for attempt in range(60):
            try:
                call("delete", f"/{kind}/{id}")
                break
            except RuntimeError:
                time.sleep(1)
print(json.dumps(answers))
"""


def ask(stacks: dict[str, Json], seconds: float, at_once: int = 20) -> dict[str, str]:
    """What the engine makes of each: ``manager: why``, ``node: why``, ``running``, or ``taken`` where nothing was seen in this time."""
    names = list(stacks)
    batches = [{name: stacks[name] for name in names[start : start + at_once]} for start in range(0, len(names), at_once)]
    given = f"batches = json.loads({json.dumps(json.dumps(batches))})\nseconds = {seconds}\n"
    answers: dict[str, str] = json.loads(Scenario().sdk("m1", given + ASK))
    return answers


def loaded(case: Case) -> Json:
    """The model, without a look at the rules."""
    image = f"{address('m1')}:5000/busybox:1"
    command = "" if "command:" in case.service else "\ncommand: sleep 900"
    text = case._replace(service=(case.service + command).strip()).stack(image)
    with mock.patch.object(check, "_check_rules", lambda *_given: []):
        return load_stack(content=text, project_dir="/tmp", env={"SECRET": "x"}).model


def rules_of(model: Json) -> list[Rule]:
    """The rules that a model breaks."""
    return [rule for rule, _value, _path in check.broken_rules(model)]


def bodies(name: str, model: Json) -> Json | None:
    """What a deploy would send, each task tried once; None for what our own conversion refuses."""
    try:
        made = convert(name, json.loads(json.dumps(model)), content_names=False)
    except PlanError:
        return None
    for service in made.services:
        service["TaskTemplate"].setdefault("RestartPolicy", ONCE)
        service["TaskTemplate"]["ContainerSpec"].setdefault("StopGracePeriod", SECOND_NS)
    return {kind: getattr(made, kind) for kind in ("networks", "secrets", "configs", "services")} | {"stays_out": False}


@pytest.fixture(scope="module")
def engine() -> tuple[int, int]:
    """The version of the engine on the manager."""
    major, minor = Scenario().sdk("m1", 'print(api.version()["Version"])').split(".")[:2]
    return int(major), int(minor)


def prepared(cases: Iterable[Case], prefix: str) -> tuple[dict[str, Json], dict[str, tuple[Case, list[Rule]]]]:
    stacks, known = {}, {}
    for index, case in enumerate(cases):
        model = loaded(case)
        made = bodies(f"{prefix}{index}", model)
        if made:
            stacks[f"{prefix}{index}"], known[f"{prefix}{index}"] = made, (case, rules_of(model))
    return stacks, known


def test_what_is_refused_is_refused_by_the_engine_or_a_node(engine: tuple[int, int]) -> None:
    stacks, known = prepared(REFUSED, "bad")
    for name, (_case, rules) in known.items():
        stacks[name]["stays_out"] = not any(rule.by == NODE for rule in rules)
    answers = ask(stacks, 60)
    wrong = []
    for name, (case, rules) in known.items():
        hard = [rule for rule in rules if rule.by and not rule.stricter and rule.since <= engine]
        by = answers[name].partition(":")[0]
        if hard and by not in {rule.by for rule in hard}:
            wrong.append(f"{case}: {answers[name]}")
    assert wrong == []


def test_what_is_warned_about_is_taken() -> None:
    stacks, known = prepared((case for case in WARNED if "dns" not in case.service and "22:80" not in case.service), "odd")
    for stack in stacks.values():
        stack["services"][0]["Mode"] = {"Replicated": {"Replicas": 0}}
    answers = ask(stacks, 0)
    assert [f"{known[name][0]}: {answer}" for name, answer in answers.items() if answer != "taken"] == []


def test_what_passes_is_taken_and_runs() -> None:
    """A constraint that no node meets leaves its task waiting, a kernel may lack what a network needs, the least memory starts little."""
    stacks, known = prepared(TAKEN, "good")
    for name, (case, _rules) in known.items():
        stacks[name]["stays_out"] = any(word in str(case) for word in ("constraints", "networks:", "memory: 6m"))
    answers = ask(stacks, 60)
    assert [f"{known[name][0]}: {answer}" for name, answer in answers.items() if answer not in ("running", "taken")] == []


def random_service(chance: random.Random) -> Json:
    """A service whose values are right as often as not, at every path of which the manager has a rule."""

    def text(alphabet: str, longest: int) -> str:
        return "".join(chance.choice(alphabet) for _ in range(chance.randint(1, longest)))

    def span() -> int:
        return chance.choice((0, 1, 10**6 - 1, 10**6, -1, 5 * 10**9))

    def port() -> Json:
        given: Json = {"target": chance.randint(1, 3), "mode": chance.choice(("ingress", "host"))}
        return {**given, "protocol": chance.choice(("tcp", "udp")), "published": chance.randint(30001, 30009)}

    def constraint() -> str:
        value = text("aZ9:-_ .*()?+[]\\^$|/,'\"@=!ü", 3)
        return f"{chance.choice(('node.labels.x', 'engine.labels.a-b', 'node.id', 'n', 'a b'))}{chance.choice(('==', ' != ', '='))}{value}"

    templates = ("{{.Task.Slot}}", "{{ .Node.Hostname }}", "{{.Task.Nr}}", "{{", "}}", "x", '{{"{{"}}', "{{.Service.Name}}")
    reservations = {"cpus": chance.choice((0, 10**6, 10**5, 10**9)), "memory": chance.choice((0, 4 << 20, 1 << 20, 1 << 30))}
    service: Json = {
        "image": "busybox",
        "environment": {"A": "".join(chance.choice(templates) for _ in range(chance.randint(0, 3)))},
        "healthcheck": {"test": ["CMD", "true"], chance.choice(("interval", "timeout", "start_period")): span()},
        "ports": [port() for _ in range(chance.choice((0, 0, 1, 2)))],
        "deploy": {
            "replicas": 0,
            "endpoint_mode": chance.choice(("vip", "vip", "dnsrr")),
            "placement": {"constraints": [constraint() for _ in range(chance.choice((0, 0, 1)))]},
            "resources": {"reservations": reservations},
            "restart_policy": {chance.choice(("delay", "window")): span()},
            "update_config": {"delay": span(), "monitor": span(), "max_failure_ratio": chance.choice((0, 0.5, 1, 1.5, -0.5))},
        },
    }
    for key in chance.sample(sorted(service.keys() - {"image"}), chance.randint(1, 4)):
        del service[key]
    service.setdefault("deploy", {"replicas": 0})
    for key in chance.sample(sorted(service["deploy"].keys() - {"replicas"}), chance.randint(0, len(service["deploy"]) - 1)):
        del service["deploy"][key]
    return service


def test_the_manager_refuses_random_services_when_we_do(engine: tuple[int, int]) -> None:
    stacks, expected = {}, {}
    for seed in range(SPECS):
        model = {"services": {"a": random_service(random.Random(seed))}}
        made = bodies(f"any{seed}", {**model, "networks": {"default": {"external": True, "name": "bridge"}}})
        assert made
        stacks[f"any{seed}"] = made
        expected[f"any{seed}"] = any(rule.by == MANAGER and rule.since <= engine for rule in rules_of(model))
    assert 0.2 < sum(expected.values()) / SPECS < 0.8, "both kinds are tried"
    answers = ask(stacks, 0, at_once=1)
    wrong = [f"{answers[name]}: {stacks[name]['services']}" for name in stacks if expected[name] != answers[name].startswith("manager: ")]
    assert wrong == []
