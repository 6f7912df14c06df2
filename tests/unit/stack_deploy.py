# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys of small stacks on a fake engine, with a clock that does not wait."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.naming import KEY_LABEL
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import planning
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import StackObjects
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.policy import Terms, deploy_of
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._core.timestamps import read_time
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.deployment import Deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.observe import observe_own, observe_stack
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Plan
from fake_clock import Clock
from fake_engine import FakeEngine

Json = dict[str, t.Any]
LABELS = {"com.docker.stack.namespace": "app"}


def body(key: str, image: str = "img:1", mode: Json | None = None, **spec: t.Any) -> Json:
    """A service as the stack converter writes it."""
    container = {"Image": image, "Labels": LABELS, **spec.pop("container", {})}
    template = {
        "ContainerSpec": container,
        "ForceUpdate": 0,
        "Networks": [{"Target": "app_default", "Aliases": [key]}],
        "Placement": {},
        "Resources": {},
        **spec.pop("template", {}),
    }
    labels = {**LABELS, "com.docker.stack.image": image}
    return {
        "Name": f"app_{key}",
        "Labels": labels,
        "TaskTemplate": template,
        "Mode": mode or {"Replicated": {}},
        "EndpointSpec": {},
        **spec,
    }


NETWORK = {
    "Name": "app_default",
    "Driver": "overlay",
    "Labels": LABELS,
    "Attachable": False,
    "Internal": False,
    "IPAM": None,
    "Options": None,
}
JOB = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
ROLLING = {"Parallelism": 1, "FailureAction": "rollback", "Order": "stop-first"}


def secret(name: str) -> Json:
    return {"Name": name, "Labels": {**LABELS, KEY_LABEL: "key"}, "Data": "eA=="}


def uses_secret(name: str) -> Json:
    return {"Secrets": [{"SecretName": name, "File": {"Name": "key", "UID": "0", "GID": "0", "Mode": 0o444}}]}


def wanted(*services: Json, **more: t.Any) -> StackObjects:
    return StackObjects(networks=[NETWORK], services=list(services), **more)


class Deploy:
    """What the module does in one call, on a fake engine and a fake clock."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake, self.clock = fake, Clock()
        self.clock.swarms.append(fake)
        self.engine = Engine.connect(docker_host=fake.docker_host)
        self.engine._sleep = self.clock.sleep

    def plan(self, stack: StackObjects, **options: t.Any) -> Plan:
        observed = observe_stack(self.engine, "app", stack, observe_own(self.engine, "app"))
        return planning.plan_present("app", stack, observed, planning.Options(**options))

    def __call__(
        self,
        stack: StackObjects,
        session: Session | None = None,
        seconds: float = 0,
        undo: bool = True,
        resolve_image: str = "never",
        **options: t.Any,
    ) -> Json:
        observed = observe_stack(self.engine, "app", stack, observe_own(self.engine, "app"), resolve_image)
        observed = replace(observed, time=read_time(self.fake.cluster.stamp()))
        plan = planning.plan_present("app", stack, observed, planning.Options(**options))
        session = session or Session(holder="me")
        deployment = Deployment(self.engine, deploy_of("app"), session, Terms(300, seconds, True, undo), observed, clock=self.clock)
        for change in plan.changes:
            deployment.apply(change)
        return {"plan": [(c.action, c.kind, c.name) for c in plan.changes], **deployment.watch(stack.services)}
