#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: service
short_description: Scale, restart, update, roll back and rebalance services of a Docker Swarm
version_added: 0.1.0
description:
  - Does one thing to one or many services that are there, whoever deployed them, with the plan and the verdict of
    M(flotilla.swarm.stack).
  - Services are chosen by O(name), O(stack) or O(label). Where nothing is given, none is chosen and nothing happens.
  - A service that does not come up fails the run with the cause, also when the engine itself paused the update or rolled it back.
  - What is changed here in a service of a stack is drift for the next deploy of its files.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.registry
  - flotilla.swarm.shown
  - flotilla.swarm.selection
  - flotilla.swarm.selection.label
  - flotilla.swarm.wait
  - flotilla.swarm.wait.changes
  - flotilla.swarm.wait.calls
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host without an engine, or outside a swarm, counts as one without services.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(action=restart) every run restarts.
options:
  action:
    description:
      - V(scale) sets the numbers in O(replicas), for all services at once.
      - V(restart) starts the tasks anew, one service after the other, each by its own update policy.
      - V(update) changes what is given of O(image), O(environment), O(labels), O(limits), O(reservations), O(constraints), O(mounts),
        O(ports), O(networks), O(secrets), O(configs), O(update_config) and O(rollback_config), in one update for each service, one
        service after the other.
      - V(rollback) goes back to what a service was before its last update, one service after the other. It is refused for
        a service that has no such past, and does nothing for one that was just rolled back.
      - V(rebalance) restarts services of which a node runs at least two tasks more than another one that has room, one
        service after the other.
    type: str
    required: true
    choices: [scale, restart, update, rollback, rebalance]
  replicas:
    description: For O(action=scale), the number of replicas by the name of the service.
    type: dict
    default: {}
  check_capacity:
    description: Refuse to scale up where the nodes have no room, by constraints, reservations, ports of the host and most replicas a node.
    type: bool
    default: true
  image:
    description:
      - The new image. The digest that the registry has for it is put into the service.
    type: str
    default: ""
  environment:
    description:
      - Variables to set, and with V(null) to remove. The others stay.
    type: dict
    default: {}
  secret_environment:
    description:
      - As O(environment), for values that must not be shown, now or by any later plan. The label
        C(io.flotilla.swarm.hidden_environment) of the service remembers the names. A secret of the stack is a better place for them.
    type: dict
    default: {}
  labels:
    description: Labels of the service to set, and with V(null) to remove. The others stay.
    type: dict
    default: {}
  limits:
    description: What a task may use at most; 0 is no limit.
    type: dict
    suboptions:
      cpus:
        description: Processors, such as V(0.5).
        type: float
      memory:
        description: Memory, such as V(512M).
        type: bytes
      pids:
        description: Processes.
        type: int
  reservations:
    description: What a node has to have free for a task; 0 is nothing.
    type: dict
    suboptions:
      cpus:
        description: Processors, such as V(0.5).
        type: float
      memory:
        description: Memory, such as V(512M).
        type: bytes
  constraints:
    description: Constraints to add, such as V(node.labels.gpu == true).
    type: list
    elements: str
    default: []
  constraints_absent:
    description: Constraints to remove.
    type: list
    elements: str
    default: []
  mounts:
    description: Mounts to add. One that is at the same path is replaced.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description: What is mounted.
        type: str
        choices: [volume, bind, tmpfs]
        default: volume
      source:
        description: Name of the volume, or path on the nodes.
        type: str
        default: ""
      target:
        description: The path in the container.
        type: str
        required: true
      read_only:
        description: Whether the container may only read it.
        type: bool
        default: false
  mounts_absent:
    description: Mounts to remove, by the path in the container.
    type: list
    elements: str
    default: []
  ports:
    description: Ports to publish. One for the same port of the container is replaced.
    type: list
    elements: dict
    default: []
    suboptions:
      target:
        description: The port in the container.
        type: int
        required: true
      published:
        description: The port to be reached at; 0 lets the engine choose.
        type: int
        default: 0
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      mode:
        description: V(ingress) answers on every node, V(host) on the nodes that run a task.
        type: str
        choices: [ingress, host]
        default: ingress
  ports_absent:
    description: Ports not to publish any more, by the port of the container, such as V(80) or V(53/udp).
    type: list
    elements: str
    default: []
  networks:
    description: Networks to attach, by name.
    type: list
    elements: str
    default: []
  networks_absent:
    description: Networks to leave, by name.
    type: list
    elements: str
    default: []
  secrets:
    description:
      - Secrets to put into the containers. One that is at the same path is replaced.
      - They have to exist. Nothing that a secret holds is read or shown.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Name of the secret.
        type: str
        required: true
      target:
        description: The file under C(/run/secrets), or an absolute path. Empty is the name.
        type: str
        default: ""
      uid:
        description: Owner of the file.
        type: str
        default: "0"
      gid:
        description: Group of the file.
        type: str
        default: "0"
      mode:
        description: Mode of the file in octal digits, in quotes, such as V("0440"). Empty is V("0444").
        type: str
        default: ""
  secrets_absent:
    description: Secrets to take out, by name or by path.
    type: list
    elements: str
    default: []
  configs:
    description:
      - Configs to put into the containers. One that is at the same path is replaced.
      - They have to exist. Nothing that a config holds is read or shown.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: Name of the config.
        type: str
        required: true
      target:
        description: The path in the container. Empty is the name.
        type: str
        default: ""
      uid:
        description: Owner of the file.
        type: str
        default: "0"
      gid:
        description: Group of the file.
        type: str
        default: "0"
      mode:
        description: Mode of the file in octal digits, in quotes, such as V("0440"). Empty is V("0444").
        type: str
        default: ""
  configs_absent:
    description: Configs to take out, by name or by path.
    type: list
    elements: str
    default: []
  update_config:
    description: How updates are made. What is not given stays.
    type: dict
    suboptions:
      parallelism:
        description: Tasks at a time; 0 is all.
        type: int
      delay:
        description: Time between them, in seconds or as a duration.
        type: str
      failure_action:
        description: What the engine does when tasks fail.
        type: str
        choices: [pause, continue, rollback]
      monitor:
        description: Time for which a new task is watched.
        type: str
      max_failure_ratio:
        description: Share of tasks that may fail.
        type: float
      order:
        description: Whether the old or the new task comes first.
        type: str
        choices: [stop-first, start-first]
  rollback_config:
    description: How rollbacks are made. What is not given stays.
    type: dict
    suboptions:
      parallelism:
        description: Tasks at a time; 0 is all.
        type: int
      delay:
        description: Time between them, in seconds or as a duration.
        type: str
      failure_action:
        description: What the engine does when tasks fail.
        type: str
        choices: [pause, continue]
      monitor:
        description: Time for which a new task is watched.
        type: str
      max_failure_ratio:
        description: Share of tasks that may fail.
        type: float
      order:
        description: Whether the old or the new task comes first.
        type: str
        choices: [stop-first, start-first]
seealso:
  - module: flotilla.swarm.stack
  - module: flotilla.swarm.stack_info
"""

EXAMPLES = r"""
- name: Scale two services at once
  flotilla.swarm.service:
    action: scale
    replicas: {grading_worker: 6, grading_web: 3}

- name: Restart everything of a stack, one service after the other
  flotilla.swarm.service:
    action: restart
    stack: [grading]

- name: Update several fields in one go
  flotilla.swarm.service:
    action: update
    name: [grading_worker]
    image: registry.example.com/worker:43
    environment: {LEVEL: debug, OLD: null}
    limits: {memory: 2G}
    constraints: ["node.labels.gpu == true"]

- name: Go back
  flotilla.swarm.service:
    action: rollback
    name: [grading_worker]
"""

RETURN = r"""
summary:
  description: The outcome in one line.
  returned: success
  type: str
  sample: "scale: 2 services updated, in 7 s"
services:
  description: How each chosen service fares.
  returned: when not in check mode
  type: list
  elements: dict
  contains:
    name:
      description: Full name.
      type: str
    mode:
      description: replicated, global, replicated-job or global-job.
      type: str
    running:
      description: Tasks that run, or that completed for a job.
      type: int
    desired:
      description: Tasks that should.
      type: int
    image:
      description: The image with its digest.
      type: str
    state:
      description: running, waiting or failed.
      type: str
    cause:
      description: Why it is not running.
      type: str
undone:
  description: What was restored after a failure.
  returned: failure
  type: list
  elements: str
"""

import typing as t
from dataclasses import replace
from functools import partial

from ..module_utils._core.schedule.placement import Nodes
from ..module_utils._core.service.edit import Edit, Parts
from ..module_utils._core.service.images import auth_headers, familiar_image
from ..module_utils._core.service.items import item_name
from ..module_utils._core.stack import planning
from ..module_utils._core.stack import verbs as service_plan
from ..module_utils._core.stack.options import ARGUMENTS as STACK_ARGUMENTS
from ..module_utils._core.stack.options import texts
from ..module_utils._core.stack.policy import Terms, operation_on
from ..module_utils._core.stack.session import Session
from ..module_utils._io.deploy.deployment import Deployment
from ..module_utils._io.deploy.observe import ask_registry
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

PARTS = ["image", "environment", "secret_environment", "labels", "limits", "reservations"]
PARTS += ["constraints", "constraints_absent", "update_config", "rollback_config"]
NAMED = ["mounts", "ports", "networks", "secrets", "configs"]
BY_NAME = [*NAMED, *(f"{name}_absent" for name in NAMED)]
CALLS = ["session", "call_seconds"]
RESOURCES: dict[str, t.Any] = {"cpus": {"type": "float"}, "memory": {"type": "bytes"}}


LIST: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}


def _dicts(**options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"type": "list", "elements": "dict", "default": [], "options": options}


def _references() -> dict[str, t.Any]:
    return _dicts(
        source={"type": "str", "required": True},
        target={"type": "str", "default": ""},
        uid={"type": "str", "default": "0"},
        gid={"type": "str", "default": "0"},
        mode={"type": "str", "default": ""},
    )


def _update_config(actions: list[str]) -> dict[str, t.Any]:
    return {
        "type": "dict",
        "options": {
            "parallelism": {"type": "int"},
            "delay": {"type": "str"},
            "failure_action": {"type": "str", "choices": actions},
            "monitor": {"type": "str"},
            "max_failure_ratio": {"type": "float"},
            "order": {"type": "str", "choices": ["stop-first", "start-first"]},
        },
    }


ARGUMENTS: dict[str, t.Any] = {
    "action": {"type": "str", "required": True, "choices": ["scale", "restart", "update", "rollback", "rebalance"]},
    "name": {"type": "list", "elements": "str", "default": []},
    "stack": {"type": "list", "elements": "str", "default": []},
    "label": {"type": "dict", "default": {}},
    "replicas": {"type": "dict", "default": {}},
    "check_capacity": {"type": "bool", "default": True},
    "image": {"type": "str", "default": ""},
    "environment": {"type": "dict", "default": {}},
    "secret_environment": {"type": "dict", "default": {}, "no_log": True},
    "labels": {"type": "dict", "default": {}},
    "limits": {"type": "dict", "options": {**RESOURCES, "pids": {"type": "int"}}},
    "reservations": {"type": "dict", "options": RESOURCES},
    "constraints": {"type": "list", "elements": "str", "default": []},
    "constraints_absent": {"type": "list", "elements": "str", "default": []},
    "mounts": _dicts(
        type={"type": "str", "choices": ["volume", "bind", "tmpfs"], "default": "volume"},
        source={"type": "str", "default": ""},
        target={"type": "str", "required": True},
        read_only={"type": "bool", "default": False},
    ),
    "ports": _dicts(
        target={"type": "int", "required": True},
        published={"type": "int", "default": 0},
        protocol={"type": "str", "choices": ["tcp", "udp", "sctp"], "default": "tcp"},
        mode={"type": "str", "choices": ["ingress", "host"], "default": "ingress"},
    ),
    "networks": LIST,
    "secrets": {**_references(), "no_log": False},
    "configs": _references(),
    **{f"{name}_absent": {**LIST, "no_log": False} for name in NAMED},
    "update_config": _update_config(["pause", "continue", "rollback"]),
    "rollback_config": _update_config(["pause", "continue"]),
    **{name: STACK_ARGUMENTS[name] for name in ("registry_auth", "show_environment", "wait", "wait_timeout", "on_failure", *CALLS)},
}


class Run:
    """What the steps of one call share."""

    def __init__(self) -> None:
        self.chosen: list[t.Any] = []

    def observe(self, member: Member, params: dict[str, t.Any]) -> service_plan.Observed:
        self.names, stacks = texts(params["name"]), texts(params["stack"])
        self.edit = _read_edit(params)
        if params["action"] == "scale":
            if self.names or stacks or params["label"]:
                raise PlanError("scale goes by the names in replicas alone", "Leave out name, stack and label.")
            self.names = list(params["replicas"])
        seen, _info = member.inspect("")
        if member.is_to_become_manager(seen):
            return service_plan.Observed()
        engine = member.require_manager(seen)
        doing = "reading the swarm's services"
        services = engine.get("/services", doing)
        chosen = service_plan.choose(services, self.names, stacks, params["label"])
        if not chosen:
            return service_plan.Observed()
        auth = partial(auth_headers, credentials=params["registry_auth"], stored=engine.stored_login)
        image = self.edit.image
        observed = service_plan.Observed(
            chosen,
            Nodes(engine.get("/nodes", doing)),
            engine.get("/tasks", doing) if params["action"] in ("scale", "rebalance") else (),
            {image: ask_registry(engine, image, auth)} if image and "@" not in image else {},
        )
        found = self._find_named(engine, params)
        observed = replace(observed, names=found.names())
        session = Session.from_result(params["session"])
        session.holder = session.holder or f"the operation {params['action']}"
        self.chosen = chosen
        swarm = replace(found, services=chosen, nodes=observed.nodes)
        self.operation = Deployment(engine, operation_on(params["action"], chosen), session, Terms.of(params), swarm, auth)
        # What an earlier call of the same run has done is not planned again.
        return replace(observed, chosen=[service for service in chosen if item_name(service) not in session.touched])

    def _find_named(self, engine: t.Any, params: dict[str, t.Any]) -> planning.Observed:
        """What the options put in by name, which has to be there; completes the edit with the IDs of networks."""
        lists: dict[str, list[t.Any]] = {}
        for kind in ("networks", "secrets", "configs"):
            given = [item if isinstance(item, str) else item["source"] for item in params[kind]]
            gone = params["networks_absent"] if kind == "networks" else []
            names = texts([*given, *gone])
            lists[kind] = engine.get(f"/{kind}", f"looking for {kind}", filters={"name": names}) if names else []
            missing = sorted(set(texts(given)) - {item_name(item) for item in lists[kind]})
            if missing:
                raise PlanError(f"{kind}: there is no {', '.join(missing)}", "Create it first.")
        ids = {item["Name"]: item["Id"] for item in lists["networks"] if item.get("Scope") == "swarm"}
        parts = {part: params[part] for part in BY_NAME if not part.startswith("networks")}
        attached, left = ({name: ids[name] for name in texts(params[part]) if name in ids} for part in ("networks", "networks_absent"))
        self.edit = replace(self.edit, parts=Parts(networks=attached, networks_absent=left, **parts))
        return planning.Observed(networks=lists["networks"], secrets=lists["secrets"], configs=lists["configs"])

    def plan(self, observed: service_plan.Observed, params: dict[str, t.Any]) -> Plan:
        if not self.chosen:
            return Plan(result={"summary": f"{params['action']}: no service was chosen", "services": []})
        if params["action"] == "scale":
            return service_plan.plan_scale(observed, params["replicas"], params["check_capacity"])
        if params["action"] == "restart":
            return service_plan.plan_restart(observed, self.names)
        if params["action"] == "update":
            return service_plan.plan_update(observed, self.edit)
        if params["action"] == "rollback":
            return service_plan.plan_rollback(observed)
        return service_plan.plan_rebalance(observed)

    def apply(self, _member: Member, change: Change, _observed: t.Any) -> None:
        self.operation.apply(change)

    def watch(self, _member: Member, _params: dict[str, t.Any], _plan: Plan, _observed: t.Any) -> dict[str, t.Any]:
        return self.operation.watch([service["Spec"] for service in self.chosen]) if self.chosen else {}


def _read_edit(params: dict[str, t.Any]) -> Edit:
    given = {part: params[part] for part in PARTS}
    for part in ("constraints", "constraints_absent"):  # a survey without an answer brings an empty text
        given[part] = texts(params[part])
    for part in ("limits", "reservations", "update_config", "rollback_config"):
        given[part] = {name: item for name, item in (params[part] or {}).items() if item is not None}
    named = [part for part in PARTS if given[part]] + [part for part in BY_NAME if params[part]]
    if named and params["action"] != "update":
        raise PlanError(f"{', '.join(named)}: only for action update, found action {params['action']}.")
    image = params["image"].strip()
    try:
        image = familiar_image(image) if image else ""
    except ValueError as error:
        raise PlanError(f"image: found {image!r}, expected {error}.") from None
    return Edit(
        image=image,
        environment={**params["environment"], **params["secret_environment"]},
        secret_variables=tuple(params["secret_environment"]),
        **{part: given[part] for part in PARTS if part not in ("image", "environment", "secret_environment")},
    )


def main() -> None:
    run = Run()
    run_module(ARGUMENTS, run.observe, run.plan, run.apply, run.watch, target=member_target)


if __name__ == "__main__":
    main()
