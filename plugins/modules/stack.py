#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Plan, deploy, prove and roll back a stack on a Docker Swarm
version_added: 0.1.0
description:
  - Deploys stack files as C(docker stack deploy) does, and leaves alone what is as it should be.
  - The files are read on the controller, as raw text. The module then runs on a manager of the swarm.
  - They, and all that they name (C(env_file), C(include), C(extends), the C(file) of secrets and configs), must be regular files of at most
    8 MiB. Those that C(ansible-vault) encrypted are decrypted with the passwords of the run.
  - Networks, secrets and configs come first, then services in the order of C(depends_on). A job that a service depends on has
    to complete before that service is touched. What is superseded is removed at the end, after everything runs.
  - A run ends well when every service of the stack runs as declared, whether or not this run changed it. So a run after one that was
    killed waits for an update that goes on, and fails where one is paused, tasks fail again and again, or find no node.
  - A run in which a service fails that it changed restores the services that it changed, in reverse order, and removes those that it
    created, unless O(on_failure=stop). A job that is restored runs once more as it was. Where only others fail, what it changed stays.
  - A service that something else changes or removes meanwhile is left alone, and fails the run.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.guard
  - flotilla.swarm.registry
  - flotilla.swarm.shown
  - flotilla.swarm.wait
  - flotilla.swarm.wait.changes
  - flotilla.swarm.wait.calls
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode a host without an engine, or outside a swarm, counts as a manager of an empty swarm, and an external
        network, secret or config that is missing is a warning, because another task may be meant to create it.
options:
  name:
    description: Name of the stack. Every object of it is called C(NAME_KEY).
    type: str
    required: true
  state:
    description:
      - V(present) deploys the stack.
      - V(absent) removes its services, secrets, configs and networks, and waits until they are gone. Volumes stay and are listed;
        O(flotilla.swarm.volume#module:remove_stack_volumes) removes them, on one node at a time.
      - O(confirm), O(swarm_name) and O(cluster_id) count with V(absent) alone, and O(confirm) only where O(swarm_name) is given.
    type: str
    choices: [present, absent]
    default: present
  files:
    description:
      - Stack files on the controller, relative to the playbook or to the directory in which Ansible was started.
      - Later ones are merged over earlier ones; paths inside them are relative to the first one.
    type: list
    elements: str
  content:
    description: The stack as YAML text or as a mapping, instead of O(files).
    type: raw
  env:
    description: Values for the variables in the files. The environment of the controller is never used.
    type: dict
    default: {}
  env_files:
    description:
      - Files on the controller with further values, in lines C(NAME=value) as in the C(.env) of docker compose. O(env) overrides them.
      - Values may stand in quotes. A C($NAME) in them is filled in, but for those in single quotes; a plain C($) is written C($$).
    type: list
    elements: str
    default: []
  files_below:
    description:
      - A directory on the controller, found as O(files) are. With it a stack that names a file elsewhere, also by a link, is refused. It is
        for stacks whose authors are not trusted with everything that the user who runs Ansible can read.
      - Without it every file that this user can read will do, since stacks often share files that lie above them.
    type: str
    default: ""
  project_dir:
    description:
      - The directory on the nodes where the relative sources of bind mounts start, such as the checkout of the stack's repository there. An
        absolute path. O(files) and what they name are read on the controller all the same.
      - Without it they start at the directory of the first of O(files), under the path that it has on the controller.
    type: str
    default: ""
  undefined:
    description:
      - What becomes of a variable without a value and without a default in the file. V(blank) lets each count as empty, as the client does.
      - O(optional_variables) lets single ones be empty.
    type: str
    choices: [error, blank]
    default: error
  optional_variables:
    description:
      - Names of variables that need no value. They count as empty if they have none, without a warning.
      - One that the file itself requires, as C(${NAME:?message}), needs a value all the same.
    type: list
    elements: str
    default: []
  unsupported:
    description: What becomes of keys that a swarm ignores. O(silence) lets single ones pass.
    type: str
    choices: [warn, error]
    default: warn
  template:
    description: Whether the files are Jinja templates. Templates of the engine, such as C({{.Node.Hostname}}), then need quoting.
    type: bool
    default: false
  render:
    description:
      - Show the stack as one file, merged and filled in, before anything else is done. What could be a credential is hidden.
    type: bool
    default: false
  profiles:
    description: Profiles that are active. Services that have profiles are deployed only if one of theirs is.
    type: list
    elements: str
    default: []
  device_kinds:
    description: Which generic resource of the nodes stands for the devices of a driver, such as V(gpu) for V(nvidia).
    type: dict
    default: {}
  prune:
    description:
      - Remove services, networks, secrets and configs of the stack that its files no longer name.
      - They go at the end, but for a service with a published port that another one gets.
    type: bool
    default: false
  resolve_image:
    description:
      - When to ask the registry which digest an image has now.
      - V(changed) asks when the image is written otherwise than it was deployed, V(always) in every run.
    type: str
    choices: [always, changed, never]
    default: changed
  unresolved:
    description: What becomes of an image about which the registry can't be asked, for example because only the nodes have it.
    type: str
    choices: [warn, error]
    default: warn
  content_names:
    description:
      - Add a hash of their content to the names of secrets and configs, so that changed content is a new object.
      - The hash is keyed with a salt that the label C(io.flotilla.swarm.salt) keeps, so that nobody can guess the content from the
        name.
      - Paths in the containers stay the same.
    type: bool
    default: true
  keep_versions:
    description: How many superseded versions of each secret and config to keep, for a rollback.
    type: int
    default: 1
  keep_replicas:
    description:
      - Services of the stack, by their key in the file, whose number of replicas stays as it is; V(true) for all of them.
    type: raw
    default: false
  refresh_registry_auth:
    description: Send the credentials for all services, also for those that don't change, without restarting any task. Jobs are left alone.
    type: bool
    default: false
  run_id:
    description: Jobs run again when this text differs from that of the run before.
    type: str
    default: ""
  silence:
    description:
      - Warnings that are not wanted. Those about likely mistakes are named by the word in parentheses at their end, those about
        keys that Swarm ignores by the key, such as V(container_name).
      - A word with a colon and a pattern, such as V(capacity:ray_*), silences those about names that match the pattern alone. Warnings
        about keys know services by their key in the file, the others by their full name.
    type: list
    elements: str
    default: []
  plan_id:
    description:
      - The RV(plan_id) of a plan that was approved. When the plan is another one by now, nothing is changed and the module fails.
    type: str
    default: ""
  differing_volumes:
    description:
      - RV(flotilla.swarm.volume#module:differing) by host name or ID of the node. A stack is refused before anything is changed if a
        service of it mounts such a volume and may run there, since an engine mounts a volume that exists as it is.
      - Volumes on the node where the module runs are compared by itself.
    type: dict
    default: {}
  missing_paths:
    description:
      - Paths that are not there, by host name or ID of the node. A bind mount whose source no node has on which the service may run is
        refused before anything is changed.
    type: dict
    default: {}
  routes:
    description:
      - What hosts reach by themselves, by host name, as M(flotilla.swarm.swarm) returns it in C(flotilla_routes). A subnet of the stack
        that overlaps is a warning. Without it, those of the host on which the module runs count.
    type: dict
    default: {}
  model:
    description: The loaded stack. Set by the controller's half of this module; not for playbooks.
    type: str
seealso:
  - module: flotilla.swarm.stack_info
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Deploy a stack
  flotilla.swarm.stack:
    name: grading
    files: [examples/autograder/stack.yml]
    env:
      TAG: "42"

- name: Say what would change
  flotilla.swarm.stack:
    name: grading
    files: [stack.yml, stack.prod.yml]
  check_mode: true
  diff: true

- name: Remove a stack
  flotilla.swarm.stack:
    name: grading
    state: absent
"""

RETURN = r"""
pulls:
  description:
    - The images with their digests that the plan brings, by the ID of each node that may run them, for
      O(flotilla.swarm.image_pull#module:node_images).
  returned: in check mode, O(state=present)
  type: dict
  sample:
    v5pqnyfjvyh3hyzhyuqkv0x2l: ["registry.example.com/app:42@sha256:5f2b..."]
summary:
  description: The outcome in one line.
  returned: success
  type: str
  sample: "grading: 1 service updated, 1 created, 12 untouched, in 48 s"
plan_id:
  description:
    - The id of the plan. It differs if the plan differs, or if something that it changes has changed meanwhile.
    - Empty in check mode if there is no swarm yet. Such a plan can't be approved.
  returned: success
  type: str
  sample: 3f1c9a0e5b7d2468
rendered:
  description:
    - The stack as one Compose Spec file, also after a failure of the deploy. Contents of secrets and configs, and what else a plan
      hides, are V((hidden\)).
  returned: O(render=true)
  type: str
services:
  description: How each service of the stack fares.
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
  description: What was restored or removed after a failure.
  returned: failure
  type: list
  elements: str
volumes:
  description:
    - Named volumes of the services that were removed, and those of the stack on this node. They are still there, on every node that
      had a task with them.
  returned: O(state=absent)
  type: list
  elements: str
"""

import json
import secrets
import typing as t
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from ..module_utils._core.cluster import guard
from ..module_utils._core.host.volumes import existing_volume, tell_differing, volumes_of_mounts
from ..module_utils._core.service.images import Resolved, auth_headers
from ..module_utils._core.service.naming import by_name
from ..module_utils._core.service.spec import ServiceSpec
from ..module_utils._core.service.work import plan_id, require_plan
from ..module_utils._core.stack import planning
from ..module_utils._core.stack.convert import StackObjects, convert
from ..module_utils._core.stack.options import ARGUMENTS, kept_services
from ..module_utils._core.stack.policy import Terms, deploy_of
from ..module_utils._core.stack.pulls import find_pulls
from ..module_utils._core.stack.session import Session
from ..module_utils._core.stack.swarm_objects import SwarmObjects
from ..module_utils._core.timestamps import read_time
from ..module_utils._io.deploy.deployment import Deployment
from ..module_utils._io.deploy.give_up import give_up
from ..module_utils._io.deploy.observe import Own, observe_own, observe_stack, read_volumes
from ..module_utils._io.member import Member, inspected_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module


@dataclass(frozen=True)
class Observed:
    """What the engine lists, what the files want of it, and the deployment that carries the plan out.

    Without ``has_swarm`` the host is still to become a manager: everything would be created. ``goes_on`` is a later call of a run,
    which plans what is left.
    """

    swarm: SwarmObjects = field(default_factory=SwarmObjects)
    wanted: StackObjects = field(default_factory=StackObjects)
    salt: str = field(default="", repr=False)
    has_swarm: bool = True
    check_mode: bool = False
    goes_on: bool = False
    differing: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    deployment: Deployment | None = None


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    present = params["state"] == "present"
    if present and not params["model"]:
        raise PlanError("The stack was not loaded", "Call this module as flotilla.swarm.stack, from a task on a controller.")
    given = json.loads(params["model"] or "{}")
    stack = params["name"]
    if not present:
        guard.refuse_if_named(params)
    seen, info = member.inspect("")
    if not present:
        guard.refuse_stranger(seen, params["cluster_id"])
    has_swarm = not member.is_to_become_manager(seen)
    engine = member.require_manager(seen) if has_swarm else None
    own = observe_own(engine, stack) if engine else Own(salt=secrets.token_hex())
    wanted = StackObjects()
    if present:
        wanted = convert(stack, given["model"], content_names=params["content_names"], salt=own.salt)
    if not engine:
        return Observed(wanted=wanted, salt=own.salt, has_swarm=False, check_mode=True)
    auth = partial(auth_headers, credentials=given.get("registry_auth") or [], stored=engine.stored_login)
    session = Session.from_result(params["session"])
    goes_on = bool(session.began)
    known = {image: Resolved(**{**item, "platforms": tuple(item["platforms"])}) for image, item in session.images.items()}
    routes = {host: found for host, found in params["routes"].items() if found} or {info["Name"]: member.routes()}
    swarm = observe_stack(engine, stack, wanted, own, params["resolve_image"], auth, known, info["Swarm"]["NodeID"], routes)
    if not present:
        swarm = replace(swarm, volumes=read_volumes(engine, stack))
    swarm = replace(swarm, time=read_time(info["SystemTime"]))
    session.images = {image: asdict(found) for image, found in swarm.images.items()}
    terms = Terms.of(params)
    terms = terms if present else replace(terms, undo_failure=False)
    deployment = Deployment(engine, deploy_of(stack), session, terms, swarm, auth)
    differing = _compare_volumes(engine, wanted, seen.node_id)
    return Observed(swarm, wanted, own.salt, True, member.check_mode, goes_on, differing, deployment)


def _compare_volumes(engine: t.Any, wanted: StackObjects, node_id: str) -> dict[str, dict[str, str]]:
    """Those on this node; no engine knows the volumes of another."""
    declared = volumes_of_mounts(mount for spec in wanted.services for mount in ServiceSpec(spec).mounts)
    if not declared:
        return {}
    listed = engine.get("/volumes", "comparing volumes")["Volumes"] or []
    return {node_id: tell_differing(declared, {item["Name"]: existing_volume(item) for item in listed if item.get("Driver")})}


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    absent = params["state"] == "absent"
    decided = planning.plan_absent(params["name"], observed.swarm) if absent else _plan_present(observed, params)
    found = plan_id(decided.changes, observed.salt) if observed.has_swarm else ""
    if not observed.goes_on:
        require_plan(params["plan_id"], found, params["name"])
    # A later call sees what this very run is doing, which its verdict tells better than a warning.
    warnings = () if observed.goes_on else decided.warnings
    return replace(decided, warnings=warnings, result={**decided.result, "plan_id": found})


def _plan_present(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if params["keep_versions"] < 0:
        raise PlanError(f"keep_versions is {params['keep_versions']}, expected 0 or more.")
    swarm, wanted = observed.swarm, observed.wanted
    options = planning.Options(
        prune=params["prune"],
        keep_versions=params["keep_versions"] if params["wait"] else len(swarm.secrets) + len(swarm.configs),
        keep_replicas=kept_services(params["keep_replicas"], params["name"], by_name(wanted.services)),
        run_id=params["run_id"],
        resolve_image=params["resolve_image"],
        unresolved_is_error=params["unresolved"] == "error",
        refresh_registry_auth=params["refresh_registry_auth"],
        silence=params["silence"],
        missing_paths=params["missing_paths"],
        differing_volumes={**params["differing_volumes"], **observed.differing},
    )
    decided = planning.plan_present(params["name"], wanted, swarm, options)
    missing = planning.missing_objects(wanted, swarm)
    if missing and not observed.check_mode:
        raise PlanError(f"stack {params['name']} was not deployed: {'; '.join(missing)}.")
    pulls = {"pulls": find_pulls(decided.changes, swarm.nodes)} if observed.check_mode else {}
    return Plan(decided.changes, (*decided.warnings, *missing), {**decided.result, **pulls})


def apply(_member: Member, change: Change, observed: Observed) -> None:
    t.cast(Deployment, observed.deployment).apply(change)


def watch(_member: Member, params: dict[str, t.Any], _plan: Plan, observed: Observed) -> dict[str, t.Any]:
    deployment = t.cast(Deployment, observed.deployment)
    return deployment.watch_gone() if params["state"] == "absent" else deployment.watch(observed.wanted.services)


def fail(member: Member, params: dict[str, t.Any], error: FlotillaError) -> FlotillaError:
    return give_up(member, deploy_of(params["name"]), params, error)


def main() -> None:
    run_module({**ARGUMENTS, **guard.ARGUMENTS}, observe, plan, apply, watch, target=inspected_target, give_up=fail)


if __name__ == "__main__":
    main()
