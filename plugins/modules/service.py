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
  - Does one of five things to one or many existing services, whoever deployed them, with the plan and the verdict of
    M(flotilla.swarm.stack).
  - What is done is the one of O(scale), O(restart), O(update), O(rollback) and O(rebalance) that is given. Its services are chosen by
    O(name), O(stack) or O(label), those of O(scale) by O(scale.replicas). What means no service is refused.
  - A service that does not come up fails the run with the cause, also when the engine itself paused the update or rolled it back.
  - What is changed here in a service of a stack is drift for the next deploy of its files.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.registry
  - flotilla.swarm.shown
  - flotilla.swarm.selection
  - flotilla.swarm.selection.on_manager
  - flotilla.swarm.wait
  - flotilla.swarm.wait.changes
  - flotilla.swarm.wait.calls
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host without an engine, or outside a swarm, counts as one without services.
  idempotent:
    support: partial
    details:
      - With O(restart) every run restarts.
options:
  scale:
    description:
      - Set the numbers of replicas, of all services at once.
      - Its services are those in O(scale.replicas), so that O(name), O(stack) and O(label) don't go with it.
    type: dict
    suboptions:
      replicas:
        description: The number of replicas by the full name of the service.
        type: dict
        required: true
      check_capacity:
        description:
          - Refuse to scale up where the nodes have no room, by constraints, reservations, ports of the host and most replicas a node.
        type: bool
        default: true
  restart:
    description:
      - Restart the tasks of the services, one service at a time, each by its own update policy. Jobs run again only if O(name)
        names them.
      - It has no suboptions; write V({}).
    type: dict
    suboptions: {}
  update:
    description:
      - Change what is given here in one update for each service, one service after the other. Everything else stays.
      - With nothing in it nothing is chosen; see O(allow_empty).
    type: dict
    suboptions:
      image:
        description:
          - The new image. The digest that the registry has for it is put into the service.
        type: str
      environment:
        description:
          - Variables to set, and with V(null) to remove. The others stay.
        type: dict
      secret_environment:
        description:
          - As O(update.environment), for values that must not be shown, now or by any later plan. The label
            C(io.flotilla.swarm.hidden_environment) of the service remembers the names. A secret of the stack is a better place for them.
        type: dict
      labels:
        description: Labels of the service to set, and with V(null) to remove. The others stay.
        type: dict
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
      constraints_absent:
        description: Constraints to remove.
        type: list
        elements: str
      mounts:
        description: Mounts to add. One that is at the same path is replaced.
        type: list
        elements: dict
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
      ports:
        description: Ports to publish. One for the same port of the container is replaced.
        type: list
        elements: dict
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
        description: Ports to stop publishing, by the port of the container, such as V(80) or V(53/udp).
        type: list
        elements: str
      networks:
        description: Networks to attach, by name.
        type: list
        elements: str
      networks_absent:
        description: Networks to leave, by name.
        type: list
        elements: str
      secrets:
        description:
          - Secrets to put into the containers. One that is at the same path is replaced.
          - They have to exist. Nothing that a secret holds is read or shown.
        type: list
        elements: dict
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
      configs:
        description:
          - Configs to put into the containers. One that is at the same path is replaced.
          - They have to exist. Nothing that a config holds is read or shown.
        type: list
        elements: dict
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
  rollback:
    description:
      - Return the services to what they were before their last update, one after the other. It is refused for a service that has no such
        past, and does nothing for one that was just rolled back. One that fails is left as it is, whatever O(on_failure) says.
      - It has no suboptions; write V({}).
    type: dict
    suboptions: {}
  rebalance:
    description:
      - Restart, one at a time, services with at least two more tasks on one node than on another that has room.
      - It has no suboptions; write V({}).
    type: dict
    suboptions: {}
seealso:
  - module: flotilla.swarm.stack
  - module: flotilla.swarm.stack_info
"""

EXAMPLES = r"""
- name: Scale two services at once
  flotilla.swarm.service:
    scale:
      replicas: {grading_worker: 6, grading_web: 3}

- name: Restart everything of a stack, one service after the other
  flotilla.swarm.service:
    stack: [grading]
    restart: {}

- name: Update several fields in one go
  flotilla.swarm.service:
    name: [grading_worker]
    update:
      image: registry.example.com/worker:43
      environment: {LEVEL: debug, OLD: null}
      limits: {memory: 2G}
      constraints: ["node.labels.gpu == true"]

- name: Go back
  flotilla.swarm.service:
    name: [grading_worker]
    rollback: {}
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
from dataclasses import dataclass, field, fields, replace
from functools import partial

from ..module_utils._core.schedule.placement import Nodes
from ..module_utils._core.service.edit import Edit, Parts
from ..module_utils._core.service.images import auth_headers, read_image
from ..module_utils._core.service.naming import item_name
from ..module_utils._core.service.options import CALLS, SELECTION, WAIT, texts
from ..module_utils._core.stack import verbs
from ..module_utils._core.stack.options import ARGUMENTS as STACK_ARGUMENTS
from ..module_utils._core.stack.policy import Terms, operation_on
from ..module_utils._core.stack.service_options import UPDATE, VERBS
from ..module_utils._core.stack.session import Session
from ..module_utils._core.stack.swarm_objects import SwarmObjects
from ..module_utils._core.stack.update import plan_update
from ..module_utils._core.timestamps import read_time
from ..module_utils._io.deploy.deployment import Deployment
from ..module_utils._io.deploy.give_up import give_up
from ..module_utils._io.deploy.registry import ask_registries
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "scale": {
        "type": "dict",
        "options": {"replicas": {"type": "dict", "required": True}, "check_capacity": {"type": "bool", "default": True}},
    },
    "restart": {"type": "dict", "options": {}},
    "update": {"type": "dict", "options": UPDATE},
    "rollback": {"type": "dict", "options": {}},
    "rebalance": {"type": "dict", "options": {}},
    "registry_auth": STACK_ARGUMENTS["registry_auth"],
    "show_environment": STACK_ARGUMENTS["show_environment"],
    **SELECTION,
    **WAIT,
    **CALLS,
}
CONSTRAINTS: dict[str, t.Any] = {
    "required_one_of": [VERBS],
    "mutually_exclusive": [VERBS, *(("scale", name) for name in ("name", "stack", "label"))],
}


@dataclass(frozen=True)
class Observed:
    """``done`` are the services that an earlier call of the same run changed; ``deployment`` acts on all that were chosen."""

    swarm: verbs.Observed = field(default_factory=verbs.Observed)
    done: t.Collection[str] = ()
    deployment: Deployment | None = None


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    verb, lack = read_verb(params), find_lack(params)
    if lack and params["allow_empty"]:
        return Observed()
    if lack:
        raise lack
    given = params[verb]
    image = read_image(given.get("image"))
    seen, info = member.inspect("")
    if member.is_to_become_manager(seen):
        return Observed()
    engine = member.require_manager(seen)
    doing = "reading the swarm's services"
    names = list(given["replicas"]) if verb == "scale" else texts(params["name"])
    chosen = verbs.choose(engine.get("/services", doing), names, texts(params["stack"]), params["label"])
    nodes = Nodes(engine.get("/nodes", doing))
    tasks = engine.get("/tasks", doing) if verb in ("scale", "rebalance") else ()
    auth = partial(auth_headers, credentials=params["registry_auth"], stored=engine.stored_login)
    images = ask_registries(engine, [image], auth)
    found = _read_named(engine, given)
    session = Session.from_result(params["session"])
    session.holder = session.holder or f"the operation {verb}"
    swarm = replace(found, services=chosen, nodes=nodes, time=read_time(info["SystemTime"]))
    deployment = Deployment(engine, operation_on(verb, chosen), session, Terms.of(params), swarm, auth)
    return Observed(verbs.Observed(chosen, nodes, tasks, images, found.names()), frozenset(session.touched), deployment)


def _read_named(engine: t.Any, update: t.Mapping[str, t.Any]) -> SwarmObjects:
    """What an update puts in by name, which has to be there, and the networks that it takes out."""
    lists: dict[str, list[t.Any]] = {}
    for kind in ("networks", "secrets", "configs"):
        given = texts(item if isinstance(item, str) else item["source"] for item in update.get(kind) or ())
        filters = {"name": given}
        if kind == "networks":
            filters = {"name": [*given, *texts(update.get("networks_absent") or ())], "scope": ["swarm"]}
        lists[kind] = engine.get(f"/{kind}", f"looking for {kind}", filters=filters) if filters["name"] else []
        missing = sorted(set(given) - {item_name(item) for item in lists[kind]})
        if missing:
            raise PlanError(f"{kind}: there is no {', '.join(missing)}", "Create it first.")
    return SwarmObjects(networks=lists["networks"], secrets=lists["secrets"], configs=lists["configs"])


def read_verb(params: dict[str, t.Any]) -> str:
    """Which one is given. AnsibleModule takes one without a value, such as ``restart:``, for given, too."""
    for verb in VERBS:
        if params[verb] is not None:
            return verb
    raise PlanError("no action is given", "Give one with a value, such as restart: {}.")


def find_lack(params: dict[str, t.Any]) -> PlanError | None:
    """What keeps a run from having anything to do: a selection or an update that is empty."""
    if params["scale"] and not params["scale"]["replicas"]:
        return PlanError("scale: no service is named", "Give replicas, the number of each service by its full name.")
    if not params["scale"] and not (texts(params["name"]) or texts(params["stack"]) or params["label"]):
        return PlanError(f"{read_verb(params)}: no service is named", "Give name, stack or label.")
    if params["update"] is not None and not given_parts(params["update"]):
        return PlanError("update: nothing is to be changed", "Give a change, such as image or environment.")
    return None


def given_parts(update: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The parts of an update that have a value; an answer that a survey did not get is an empty text."""
    parts: dict[str, t.Any] = {}
    for name, value in update.items():
        if UPDATE[name].get("elements") == "str":
            parts[name] = texts(value or ())
        elif "options" in UPDATE[name] and isinstance(value, dict):
            parts[name] = {key: item for key, item in value.items() if item is not None}
        else:
            parts[name] = value.strip() if isinstance(value, str) else value
    return {name: value for name, value in parts.items() if value}


def read_edit(update: t.Mapping[str, t.Any], networks: t.Mapping[str, str]) -> Edit:
    """``networks`` are names by ID."""
    given = given_parts(update)
    ids = {name: key for key, name in networks.items()}
    parts = {part.name: given.pop(part.name) for part in fields(Parts) if part.name in given}
    parts.update({part: {name: ids[name] for name in parts.get(part, ()) if name in ids} for part in ("networks", "networks_absent")})
    secret = given.pop("secret_environment", {})
    environment = {**given.pop("environment", {}), **secret}
    image = read_image(given.pop("image", ""))
    return Edit(image=image, environment=environment, secret_variables=tuple(secret), parts=Parts(**parts), **given)


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    verb, chosen = read_verb(params), observed.swarm.chosen
    if not chosen:
        lack = find_lack(params)
        return Plan(result={"summary": lack.problem if lack else f"{verb}: this host has no services yet", "services": []})
    swarm = replace(observed.swarm, chosen=[service for service in chosen if item_name(service) not in observed.done])
    if verb == "scale":
        return verbs.plan_scale(swarm, **params["scale"])
    if verb == "restart":
        return verbs.plan_restart(swarm, texts(params["name"]))
    if verb == "update":
        return plan_update(swarm, read_edit(params["update"], swarm.names.networks))
    return verbs.plan_rollback(swarm) if verb == "rollback" else verbs.plan_rebalance(swarm)


def apply(_member: Member, change: Change, observed: Observed) -> None:
    if observed.deployment:
        observed.deployment.apply(change)


def watch(_member: Member, _params: dict[str, t.Any], _plan: Plan, observed: Observed) -> dict[str, t.Any]:
    return observed.deployment.watch([service["Spec"] for service in observed.swarm.chosen]) if observed.deployment else {}


def fail(member: Member, params: dict[str, t.Any], error: FlotillaError) -> FlotillaError:
    verb = next((name for name in VERBS if params[name] is not None), "")
    return give_up(member, operation_on(verb, []), params, error)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, watch, target=member_target, give_up=fail, **CONSTRAINTS)


if __name__ == "__main__":
    main()
