#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: autoscale
short_description: Give services of a Docker Swarm as many replicas as a metric calls for
version_added: 0.1.0
description:
  - Makes one pass over O(rules). For each it reads the metric, decides, and scales the service as M(flotilla.swarm.service) does.
    Run it again and again, by cron, a systemd timer, or a schedule of AWX.
  - It keeps no state. A cool-down is counted from the last change of the service, whoever made it.
  - A metric that can't be read changes nothing; a warning says why.
  - Set C(keep_replicas) for the service in its stack, so that the next deploy keeps the number.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.wait
  - flotilla.swarm.wait.changes
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - Metrics are read in check mode too, with GET requests and the commands that are given.
  idempotent:
    support: full
    details:
      - With the same metrics a second pass changes nothing, unless O(rules[].max_scale_up) or O(rules[].max_scale_down)
        left something to do.
options:
  rules:
    description: One for each service.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Full name of a replicated service.
        type: str
        required: true
      metric:
        description: Where the number comes from. Give one of O(rules[].metric.url), O(rules[].metric.command) and O(rules[].metric.value).
        type: dict
        required: true
        suboptions:
          url:
            description:
              - Answers a GET request with JSON, in which O(rules[].metric.path) leads to the number. It has to answer on the host where
                the module runs.
              - With O(rules[].metric.query) the address of a Prometheus server, such as C(http://m1:9090).
            type: str
            default: ""
          path:
            description:
              - Way to the number in the JSON, such as V(depth) or V(topics[topic_name=ocr].depth). V([*]) means all items of a list,
                V([0]) the first, V([key=value]) those in which the key has the value. Several numbers are added up.
              - Empty if the whole answer is the number.
            type: str
            default: ""
          query:
            description: A query of Prometheus that gives one number.
            type: str
            default: ""
          command:
            description: A program with its arguments that prints the number and changes nothing. There is no shell.
            type: list
            elements: str
            default: []
          value:
            description: The number itself, as an earlier task has found it.
            type: float
          username:
            description: For HTTP basic authentication.
            type: str
            default: ""
          password:
            description: Password of O(rules[].metric.username).
            type: str
            default: ""
          headers:
            description: Headers of the request. They are not shown.
            type: dict
            default: {}
          timeout:
            description: Longest time for the answer, in seconds.
            type: float
            default: 10
          validate_certs:
            description: Check the certificate of an C(https) address.
            type: bool
            default: true
      min:
        description: Least number of replicas.
        type: int
        default: 1
      max:
        description: Greatest number of replicas. The room on the nodes is a limit too.
        type: int
        required: true
      per_replica:
        description: How much of the metric one replica takes. Give this or O(rules[].steps).
        type: float
      steps:
        description: From which metric on how many replicas are wanted. Below the first step it is O(rules[].min).
        type: list
        elements: dict
        default: []
        suboptions:
          at:
            description: Metric from which on the step is taken.
            type: float
            required: true
          replicas:
            description: Number of replicas of the step.
            type: int
            required: true
          down_at:
            description: Metric below which the step is left. Without it O(rules[].steps[].at) less the share O(rules[].hysteresis).
            type: float
      hysteresis:
        description: Share by which the metric has to fall below what called for a replica before the replica is given up.
        type: float
        default: 0.1
      max_scale_up:
        description: The most replicas that one pass adds; 0 is no limit.
        type: int
        default: 0
      max_scale_down:
        description: The most replicas that one pass takes away; 0 is no limit.
        type: int
        default: 0
      cool_down_up:
        description: Time since the last change of the service before replicas are added, in seconds or as a duration.
        type: str
        default: 0s
      cool_down_down:
        description: Time since the last change of the service before replicas are taken away, in seconds or as a duration.
        type: str
        default: 5m
      scale_down_at_most:
        description: Take replicas away only when the metric is at most this, such as V(0) for workers that must not be stopped at work.
        type: float
  only:
    description: Make the pass for these services only. Empty means all O(rules).
    type: list
    elements: str
    default: []
  record:
    description:
      - A file to which each decision is added as a line of JSON, on the host where the module runs. Empty keeps no record.
    type: str
    default: ""
seealso:
  - module: flotilla.swarm.service
  - module: flotilla.swarm.stack
"""

EXAMPLES = r"""
- name: Follow a queue of NSQ, a hundred files a worker
  flotilla.swarm.autoscale:
    rules:
      - service: ocr_worker
        metric: {url: "http://m1:4171/api/topics/ocr", path: depth}
        per_replica: 100
        max: 10
        scale_down_at_most: 0

- name: Ten workers from a depth of 1000 on, three again below 100
  flotilla.swarm.autoscale:
    rules:
      - service: ocr_worker
        metric: {url: "http://m1:4171/api/topics/ocr", path: depth}
        steps: [{at: 1000, replicas: 10, down_at: 100}]
        min: 3
        max: 10

- name: Follow the load of GPUs, as Prometheus knows it
  flotilla.swarm.autoscale:
    rules:
      - service: llm_tts
        metric: {url: "http://m1:9090", query: "sum(DCGM_FI_DEV_GPU_UTIL)"}
        per_replica: 70
        max: 8
        cool_down_up: 2m
"""

RETURN = r"""
decisions:
  description: What was decided for each rule, and why.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: Full name.
      type: str
    metric:
      description: The metric, V(null) if it can't be read.
      type: float
    before:
      description: Replicas that the service had.
      type: int
    wanted:
      description: Replicas that the metric calls for, within the bounds.
      type: int
    replicas:
      description: Replicas that were decided on.
      type: int
    reason:
      description: Why.
      type: str
      sample: metric 1240 calls for 10, the nodes have room for 8
summary:
  description: The outcome in one line.
  returned: success
  type: str
services:
  description: How each service fares, as M(flotilla.swarm.service) returns it.
  returned: when something was scaled
  type: list
  elements: dict
"""

import json
import re
import typing as t
from dataclasses import dataclass, replace
from functools import partial

from ..module_utils._core.autoscale import Decision, Rule, decide, read_rule
from ..module_utils._core.schedule.capacity import find_room
from ..module_utils._core.schedule.placement import Nodes
from ..module_utils._core.service.images import auth_headers
from ..module_utils._core.service.naming import by_name
from ..module_utils._core.service.options import WAIT, texts
from ..module_utils._core.service.spec import Service
from ..module_utils._core.stack import verbs as service_plan
from ..module_utils._core.stack.policy import Terms, operation_on
from ..module_utils._core.stack.session import Session
from ..module_utils._core.stack.swarm_objects import SwarmObjects
from ..module_utils._core.timestamps import parse_seconds, read_time
from ..module_utils._io.deploy.deployment import Deployment
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils._io.metric_sources import read_metric
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

METRIC: dict[str, t.Any] = {
    "url": {"type": "str", "default": ""},
    "path": {"type": "str", "default": ""},
    "query": {"type": "str", "default": ""},
    "command": {"type": "list", "elements": "str", "default": []},
    "value": {"type": "float"},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "headers": {"type": "dict", "default": {}, "no_log": True},
    "timeout": {"type": "float", "default": 10},
    "validate_certs": {"type": "bool", "default": True},
}
STEP: dict[str, t.Any] = {
    "at": {"type": "float", "required": True},
    "replicas": {"type": "int", "required": True},
    "down_at": {"type": "float"},
}
RULE: dict[str, t.Any] = {
    "service": {"type": "str", "required": True},
    "metric": {"type": "dict", "required": True, "options": METRIC},
    "min": {"type": "int", "default": 1},
    "max": {"type": "int", "required": True},
    "per_replica": {"type": "float"},
    "steps": {"type": "list", "elements": "dict", "default": [], "options": STEP},
    "hysteresis": {"type": "float", "default": 0.1},
    "max_scale_up": {"type": "int", "default": 0},
    "max_scale_down": {"type": "int", "default": 0},
    "cool_down_up": {"type": "str", "default": "0s"},
    "cool_down_down": {"type": "str", "default": "5m"},
    "scale_down_at_most": {"type": "float"},
}
ARGUMENTS: dict[str, t.Any] = {
    "rules": {"type": "list", "elements": "dict", "required": True, "options": RULE},
    "only": {"type": "list", "elements": "str", "default": []},
    "record": {"type": "str", "default": ""},
    **WAIT,
}


@dataclass(frozen=True)
class Observed:
    """``metrics`` are numbers, or the reason why there is none; ``time`` is the engine's, as it writes it.

    ``deployment`` makes the changes and is nothing to ``plan``.
    """

    services: service_plan.Observed
    rules: t.Sequence[Rule]
    metrics: t.Mapping[str, float | str]
    time: str
    deployment: Deployment


def observe(target: MemberHost, params: dict[str, t.Any]) -> Observed:
    given = _chosen(params["rules"], texts(params["only"]))
    rules = [read_rule(each, parse_seconds) for each in given]
    seen, info = target.member.inspect("")
    engine = target.member.require_manager(seen)
    doing = "reading the swarm's services"
    chosen = service_plan.choose(engine.get("/services", doing), [rule.service for rule in rules], (), {})
    services = service_plan.Observed(chosen, Nodes(engine.get("/nodes", doing)), engine.get("/tasks", doing))
    auth = partial(auth_headers, credentials=[], stored=engine.stored_login)
    swarm = SwarmObjects(chosen, nodes=services.nodes, time=read_time(info["SystemTime"]))
    deployment = Deployment(engine, operation_on("scale", chosen), Session(holder="autoscale"), Terms.of(params), swarm, auth)
    metrics = {each["service"]: _read(each["metric"], target.host.run) for each in given}
    return Observed(services, rules, metrics, info["SystemTime"], deployment)


def plan(observed: Observed, _params: dict[str, t.Any]) -> Plan:
    services = by_name(observed.services.chosen)
    warnings, rows, replicas = [], [], {}
    for rule in observed.rules:
        service, metric = services[rule.service], observed.metrics[rule.service]
        spec = Service(service).spec
        if spec.mode != "replicated":
            raise PlanError(f"service {rule.service} is {spec.mode} and can't be scaled.")
        count = spec.desired
        if isinstance(metric, str):
            decision = Decision(count, count, f"the metric can't be read: {metric}")
            warnings.append(f"service {rule.service} keeps its {count} replicas: {decision.reason}")
        else:
            room = partial(find_room, service, nodes=observed.services.nodes.all, tasks=observed.services.tasks)
            decision = decide(rule, metric, count, read_time(observed.time) - read_time(service["UpdatedAt"]), room)
        replicas[rule.service] = decision.replicas
        rows.append(_row(rule.service, metric, count, decision))
    planned = service_plan.plan_scale(observed.services, replicas, check_capacity=False)
    reasons = {row["service"]: row["reason"] for row in rows}
    changes = tuple(replace(change, reason=f"{reasons[change.name]}: {change.reason}") for change in planned.changes)
    return Plan(changes, tuple(warnings), {"decisions": rows, "summary": "autoscale: nothing to change", "services": []})


def apply(_target: MemberHost, change: Change, observed: Observed) -> None:
    observed.deployment.apply(change)


def watch(target: MemberHost, params: dict[str, t.Any], planned: Plan, observed: Observed) -> dict[str, t.Any]:
    if params["record"]:
        rows = planned.result["decisions"]
        target.host.append(params["record"], "".join(f"{json.dumps({'time': observed.time, **row})}\n" for row in rows))
    return observed.deployment.watch([change.payload.body for change in planned.changes]) if planned.changes else {}


def _chosen(rules: list[dict[str, t.Any]], only: list[str]) -> list[dict[str, t.Any]]:
    names = [rule["service"] for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"rules: there are several for {', '.join(twice)}, expected one for each service.")
    unknown = [name for name in only if name not in names]
    if unknown:
        raise PlanError(f"only: there is no rule for {', '.join(unknown)}; there is {', '.join(names)}.")
    for rule in rules:
        metric = rule["metric"]
        given = [name for name in ("url", "command", "value") if metric[name] not in ("", [], None)]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise PlanError(f"rule of service {rule['service']}: metric has {found}, expected one of url, command and value.")
        if re.search(r"//[^/]*@", metric["url"]):
            raise PlanError(f"rule of service {rule['service']}: url has a login, which would be shown", "Use username and password.")
    return [rule for rule in rules if not only or rule["service"] in only]


def _read(metric: dict[str, t.Any], run: t.Callable[[list[str]], tuple[int, str, str]]) -> float | str:
    try:
        return read_metric(metric, run)
    except FlotillaError as error:
        return str(error)


def _row(name: str, metric: float | str, count: int, decision: Decision) -> dict[str, t.Any]:
    return {
        "service": name,
        "metric": None if isinstance(metric, str) else metric,
        "before": count,
        "wanted": decision.wanted,
        "replicas": decision.replicas,
        "reason": decision.reason,
    }


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, watch, target=member_host_target)


if __name__ == "__main__":
    main()
