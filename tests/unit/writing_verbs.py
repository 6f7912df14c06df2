# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verb that writes to a swarm, in a fake one that has what it acts on, and how to see that it is done."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import drain, engine, polling
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import job, network, nodes, service, stack, swarm, swarm_info
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, completes, node
from fake_engine import service as a_service
from module_runner import run_module_main

Json = dict[str, t.Any]
STACK = "services: {web: {image: 'web:%d', deploy: {replicas: 2}, configs: [key]}, db: {image: 'db:1'}}\nconfigs: {key: {content: 'v%d'}}"


def deployed(version: int) -> Json:
    model = load_stack(content=STACK % (version, version), env={}, project_dir="/").model
    return {"name": "app", "model": json.dumps({"model": model}), "resolve_image": "never"}


def running(fake: FakeEngine, name: str) -> list[str]:
    """The images that run."""
    tasks = [task for task in fake.tasks(name) if task["Status"]["State"] == "running" and task["DesiredState"] == "running"]
    return [task["Spec"]["ContainerSpec"]["Image"] for task in tasks]


def names(fake: FakeEngine) -> list[str]:
    return sorted(each["Spec"]["Name"] for each in fake.cluster.services.values())


def on_node(fake: FakeEngine, host: str) -> list[Json]:
    node_id = fake.node(host)["ID"]
    return [task for task in fake.cluster.tasks.values() if task["NodeID"] == node_id and task["DesiredState"] == "running"]


def homes(fake: FakeEngine, name: str) -> set[str]:
    return {task["NodeID"] for task in fake.tasks(name) if task["DesiredState"] == "running"}


def operate(fake: FakeEngine, **options: t.Any) -> None:
    result = run_module_main(service.main, {"docker_host": fake.docker_host, **options})
    assert not result.get("failed"), result


def crowd(fake: FakeEngine, name: str) -> None:
    """Three tasks on one of the nodes."""
    for host in ("w1", "w2"):
        fake.node(host)["Spec"]["Availability"] = "drain"
    operate(fake, scale={"replicas": {name: 3}, "check_capacity": False})
    fake.settle()
    for host in ("w1", "w2"):
        fake.node(host)["Spec"]["Availability"] = "active"


Check = t.Callable[[FakeEngine, Json], t.Any]


@dataclass(frozen=True)
class Verb:
    """``checks`` look at the swarm, and at what the module said."""

    main: t.Callable[[], None]
    options: Json
    checks: t.Sequence[Check]
    before: t.Callable[[FakeEngine], object] = bool
    """What was done before."""

    def is_done(self, fake: FakeEngine, said: Json) -> bool:
        return all(check(fake, said) for check in self.checks)


def runs(name: str, image: str, replicas: int = 1) -> Check:
    return lambda fake, _said: running(fake, name) == [image] * replicas


def is_forced(name: str) -> Check:
    return lambda fake, _said: fake.service(name)["Spec"]["TaskTemplate"].get("ForceUpdate")


VERBS = {
    "deploy": Verb(stack.main, deployed(2), [runs("app_web", "web:2", 2), runs("app_db", "db:1")]),
    "first deploy": Verb(stack.main, {**deployed(1), "name": "new"}, [runs("new_web", "web:1", 2), runs("new_db", "db:1")]),
    "remove": Verb(
        stack.main,
        {"name": "app", "state": "absent"},
        [lambda fake, _said: names(fake) == ["free"], lambda fake, _said: len(fake.cluster.configs) == len(find_locks(fake))],
    ),
    "scale": Verb(
        service.main, {"scale": {"replicas": {"app_web": 3, "free": 2}}}, [runs("app_web", "web:1", 3), runs("free", "img:1", 2)]
    ),
    "restart": Verb(service.main, {"restart": {}, "stack": ["app"]}, [is_forced("app_web"), is_forced("app_db"), runs("app_db", "db:1")]),
    "update": Verb(
        service.main, {"update": {"image": "web:3"}, "name": ["app_web", "free"]}, [runs("app_web", "web:3", 2), runs("free", "web:3")]
    ),
    "rollback": Verb(
        service.main,
        {"rollback": {}, "name": ["app_web", "free"]},
        [runs("app_web", "web:1", 2), runs("free", "img:1")],
        lambda fake: operate(fake, update={"image": "bad:1"}, name=["app_web", "free"]),
    ),
    "rebalance": Verb(
        service.main,
        {"rebalance": {}, "name": ["free"]},
        # What undid a run that failed may have spread them as well, so that nothing is left to be forced.
        [runs("free", "img:1", 3), lambda fake, _said: len(homes(fake, "free")) == 3],
        lambda fake: crowd(fake, "free"),
    ),
    "job": Verb(
        job.main,
        {"image": "tool:1", "command": ["x"]},
        [lambda _fake, said: said["rc"] == 0, lambda fake, _said: names(fake) == ["app_db", "app_web", "free"]],
    ),
    "drain": Verb(
        nodes.main,
        {"availability": {"w1": "drain"}, "surge": "all"},
        [
            lambda fake, _said: fake.node("w1")["Spec"]["Availability"] == "drain",
            lambda fake, _said: not on_node(fake, "w1"),
            runs("app_web", "web:1", 2),
        ],
    ),
    "promote": Verb(
        nodes.main,
        {"roles": {"w2": "manager"}, "labels": {"w1": {"a": "1"}}},
        [
            lambda fake, _said: fake.node("w2")["Spec"]["Role"] == "manager",
            lambda fake, _said: fake.node("w1")["Spec"]["Labels"] == {"a": "1"},
        ],
    ),
    "network": Verb(
        network.main,
        {"networks": [{"name": "one"}, {"name": "two"}]},
        [lambda fake, _said: {"one", "two"} <= {each["Name"] for each in fake.cluster.networks.values()}],
    ),
    "settings": Verb(
        swarm.main,
        {"host": "m1", "role": "manager", "settings": {"task_history_limit": 9}},
        [lambda fake, _said: fake.cluster.swarm["Spec"]["Orchestration"]["TaskHistoryRetentionLimit"] == 9],
    ),
}


class Lab:
    """A swarm with a stack, and a service of no stack."""

    def __init__(self, name: str, patch: pytest.MonkeyPatch) -> None:
        self.verb, self.clock, self.runs = VERBS[name], Clock(), t.cast("list[str]", [])
        for module in (deployment, drain, nodes, polling):
            patch.setattr(module, "time", self.clock)
        patch.setattr(engine, "FIRST_DELAY_SECONDS", 0)
        self.fake = FakeEngine(
            nodes=[node("m1", role="manager", leader=True), node("w1"), node("w2")], services=[a_service("free", image="img:1")]
        )
        self.fake.behave("tool:1", completes(run=2))
        self.clock.swarms.append(self.fake)
        assert not run_module_main(stack.main, {"docker_host": self.fake.docker_host, **deployed(1)}).get("failed")
        self.fake.settle()
        self.verb.before(self.fake)
        self.fake.settle()
        self.fake.forget()

    def run(self, holder: str) -> Json:
        """Call upon call, as the controller does, which knows that the runs before this one have ended."""
        given = {"docker_host": self.fake.docker_host, **self.verb.options}
        if self.verb.main is swarm.main:
            given["managers"] = [{"item": "m1", **run_module_main(swarm_info.main, {"docker_host": self.fake.docker_host})}]
        session: Json = {"holder": holder, "run": f"{holder} {len(self.runs)}", "dead": list(self.runs)}
        self.runs.append(session["run"])
        if self.verb.main is nodes.main:
            given["caller"] = session
        if self.verb.main not in (stack.main, service.main, job.main):
            return run_module_main(self.verb.main, given)
        strandings = 0
        for _call in range(60):
            result = run_module_main(self.verb.main, {**given, "session": session, "call_seconds": 5})
            strandings += bool(result.get("stranded"))
            if not result.get("pending") and not (result.get("stranded") and "session" in result and strandings < 3):
                break
            session = result["session"]
        return result


def find_locks(fake: FakeEngine) -> list[str]:
    return [each["Spec"]["Name"] for each in fake.cluster.configs.values() if "lock" in each["Spec"]["Name"]]
