#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: job
short_description: Run a command once in the shape of a service of a Docker Swarm
version_added: 0.1.0
description:
  - Runs a command as a job of the swarm, on any node that the constraints allow, waits for its end, returns exit code and
    output, and removes the job. For migrations, first users, benchmarks, and scripts that need what a service has.
  - Taken over from O(service) are the image with its digest, environment, secrets, configs, mounts, networks, user, working
    directory, limits, reservations, constraints and platforms. Not taken over are ports, labels, the health check, and the
    names by which others reach the service, so that the job gets none of its requests.
  - An image without a digest is known to no registry. A job in the shape of a service with such an image runs on a node
    where the service runs, because the image is there.
  - A job that has not ended within O(wait_timeout), in which its image is pulled too, is removed, and the run fails with the output so far.
  - Jobs whose run was killed are removed by the next run of this module, two minutes after that run was last heard of.
  - It needs engines with API 1.41 (20.10) or later.
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.registry
  - flotilla.swarm.shown
  - flotilla.swarm.wait
  - flotilla.swarm.wait.calls
  - flotilla.swarm.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode the job is planned and not run.
  idempotent:
    support: none
    details:
      - Every run runs the command.
options:
  service:
    description:
      - The service whose shape the job has, by full name. Without it the job has O(image) and nothing else.
    type: str
    default: ""
  image:
    description: The image, instead of that of O(service). The digest that the registry has for it is put into the job.
    type: str
    default: ""
  command:
    description:
      - The command, in place of that of the service or the image. A text is split as a shell would do it, without starting a shell.
      - Required with O(service) unless O(entrypoint) is given.
    type: raw
  entrypoint:
    description: What the command is given to, in place of the entry point of the service or the image. A text is split like O(command).
    type: raw
  environment:
    description: Variables to set, and with V(null) to remove. The others stay.
    type: dict
    default: {}
  secret_environment:
    description: As O(environment), for values that must not be shown. A secret of the stack is a better place for them.
    type: dict
    default: {}
  constraints:
    description: Constraints to add, such as V(node.hostname == gpu01).
    type: list
    elements: str
    default: []
  success_codes:
    description: Exit codes that are no failure.
    type: list
    elements: int
    default: [0]
seealso:
  - module: flotilla.swarm.task_exec
  - module: flotilla.swarm.service
"""

EXAMPLES = r"""
- name: Bring the tables up to date
  flotilla.swarm.job:
    service: grading_django
    command: python3 manage.py migrate --no-input

- name: Make the first user
  flotilla.swarm.job:
    service: grading_django
    command: [python3, manage.py, createsuperuser, --no-input, --username, admin, --email, admin@example.org]
    secret_environment:
      DJANGO_SUPERUSER_PASSWORD: "{{ vault_superuser_password }}"

- name: See whether the disk of one node is fast
  flotilla.swarm.job:
    image: registry.example.com/fio:3
    command: fio --name=test --rw=randread --size=1G --output-format=json
    constraints: ["node.hostname == gpu01"]
    wait_timeout: 5m
"""

RETURN = r"""
rc:
  description: The exit code. V(null) if the command did not run to its end.
  returned: when not in check mode
  type: int
stdout:
  description: Standard output; of a long one the last 64 KiB and at most the last 2000 lines, as of both outputs together.
  returned: when not in check mode
  type: str
stderr:
  description: Standard error, as RV(stdout).
  returned: when not in check mode
  type: str
node:
  description: Host name of the node that ran it.
  returned: when not in check mode
  type: str
duration:
  description: Seconds from when the job was given to the swarm to its end, with pulling its image.
  returned: when not in check mode
  type: float
image:
  description: The image with its digest, as far as the registry told it.
  returned: success
  type: str
summary:
  description: The outcome in one line.
  returned: success
  type: str
  sample: "the job exited 0 on w1 after 3.2 s"
"""

import typing as t
import uuid
from dataclasses import dataclass, field
from functools import partial

from ..module_utils._core.schedule.placement import Nodes, hostname
from ..module_utils._core.service.edit import Edit, given_variables
from ..module_utils._core.service.images import Resolved, auth_headers, image_of, read_image, settle_image
from ..module_utils._core.service.naming import Item, item_name
from ..module_utils._core.service.options import CALLS, texts
from ..module_utils._core.service.spec import ServiceSpec
from ..module_utils._core.service.work import CREATE, REMOVE, Work
from ..module_utils._core.stack import job as job_spec
from ..module_utils._core.stack.options import ARGUMENTS as STACK_ARGUMENTS
from ..module_utils._core.stack.policy import Terms, run_of_job
from ..module_utils._core.stack.session import Session
from ..module_utils._core.stack.swarm_objects import SwarmObjects
from ..module_utils._core.stack.verbs import choose
from ..module_utils._core.timestamps import read_time
from ..module_utils._io.deploy.deployment import Deployment
from ..module_utils._io.deploy.give_up import give_up
from ..module_utils._io.deploy.job import JobRun, find_leftovers
from ..module_utils._io.deploy.registry import ask_registries
from ..module_utils._io.engine import EngineError
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "service": {"type": "str", "default": ""},
    "image": {"type": "str", "default": ""},
    "command": {"type": "raw"},
    "entrypoint": {"type": "raw"},
    "environment": {"type": "dict", "default": {}},
    "secret_environment": {"type": "dict", "default": {}, "no_log": True},
    "constraints": {"type": "list", "elements": "str", "default": []},
    "success_codes": {"type": "list", "elements": "int", "default": [0]},
    **{name: STACK_ARGUMENTS[name] for name in ("registry_auth", "show_environment", "wait_timeout")},
    **CALLS,
}


@dataclass(frozen=True)
class Wish:
    """What the options ask for. ``of`` names the job after its service, or its image."""

    of: str
    command: t.Sequence[str] = ()
    entrypoint: t.Sequence[str] = ()
    edit: Edit = field(default_factory=Edit)


@dataclass(frozen=True)
class Observed:
    """What the options ask for, what the swarm has for it, and what runs it.

    ``tasks`` are those of ``service``, whose shape the job gets; ``leftovers`` are jobs whose run was killed, each with the ID of its
    lock. ``goes_on`` is a later call of a run, which has nothing left to plan.
    """

    wish: Wish
    name: str = ""
    service: Item | None = None
    tasks: t.Sequence[Item] = ()
    nodes: Nodes = field(default_factory=Nodes)
    images: t.Mapping[str, Resolved] = field(default_factory=dict)
    leftovers: t.Sequence[tuple[Item, str]] = ()
    goes_on: bool = False
    image: str = ""
    job: JobRun | None = None


def observe(member: Member, params: dict[str, t.Any]) -> Observed:
    wish = _read_wish(params)
    seen, info = member.inspect("")
    engine = member.require_manager(seen)
    if engine.api_version < job_spec.OLDEST_API:
        raise PlanError(f"jobs need engines with API 1.41 (20.10), found {'.'.join(map(str, engine.api_version))}")
    session = Session.from_result(params["session"])
    nodes = Nodes(engine.get("/nodes", "reading the nodes"))
    auth = partial(auth_headers, credentials=params["registry_auth"], stored=engine.stored_login)
    name = next(iter(session.touched), "") or job_spec.job_name(wish.of, uuid.uuid4().hex[:12])
    deployment = Deployment(engine, run_of_job(name), session, Terms.of(params), SwarmObjects(nodes=nodes), auth)
    job = JobRun(engine, session, deployment, nodes, params["success_codes"])
    if session.touched:
        return Observed(wish, name, goes_on=True, image=_read_image(engine, session.touched[name].id), job=job)
    service = _find_service(engine.get("/services", "reading the services"), params["service"].strip())
    return Observed(
        wish,
        name,
        service,
        engine.get("/tasks", "reading the tasks", filters={"service": [service["ID"]]}) if service else [],
        nodes,
        ask_registries(engine, [wish.edit.image], auth),
        find_leftovers(engine, read_time(info["SystemTime"]) if member.check_mode else None),
        job=job,
    )


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if observed.goes_on:
        return Plan(result={"image": observed.image})
    wish, nodes, warnings = observed.wish, observed.nodes, []
    shape = observed.service["Spec"] if observed.service else {}
    spec = wish.edit.apply(job_spec.make_job(wish.of, shape, wish.command, wish.entrypoint))
    if wish.edit.image:
        spec, problem = settle_image(spec, None, observed.images, "always")
        warnings += [problem] if problem else []
    home = ""
    if not wish.edit.image:
        spec, home = job_spec.pin_to_image(spec, observed.tasks, nodes)
    if not nodes.eligible(spec):
        raise PlanError(f"no node that is ready and active can run the job{_constraints(spec)}")
    changes = [
        Change("job", item_name(service), REMOVE, reason="its run was killed", payload=Work({"lock": lock}, service))
        for service, lock in observed.leftovers
    ]
    where = f"only {home} has its image" if home else f"on {_any_of(nodes.eligible(spec))}"
    work = Work({**spec, "Name": observed.name})
    changes.append(Change("job", wish.of, CREATE, _fields(wish, params), reason=f"{image_of(spec)}, {where}", payload=work))
    return Plan(tuple(changes), tuple(warnings), {"image": image_of(spec), "summary": "the job was not run"})


def apply(_member: Member, change: Change, observed: Observed) -> None:
    t.cast(JobRun, observed.job).apply(change)


def watch(_member: Member, _params: dict[str, t.Any], _plan: Plan, observed: Observed) -> dict[str, t.Any]:
    # Without "failed" Ansible takes any code but 0 for a failure.
    return {"failed": False, **t.cast(JobRun, observed.job).watch()}


def _read_image(engine: t.Any, service_id: str) -> str:
    """Of a job that an earlier call began; empty where somebody removed it since, which is for its end to tell."""
    try:
        return image_of(engine.get(f"/services/{service_id}", "reading the job")["Spec"])
    except EngineError:
        return ""


def _find_service(services: t.Sequence[t.Any], name: str) -> t.Any:
    """The service of this full name; None if none is named."""
    if not name:
        return None
    found = choose(services, [name], [], {})
    if item_name(found[0]) != name:
        there = ", ".join(map(item_name, found))
        raise PlanError(f"service: found {name}, expected one by its full name, such as {there}")
    return found[0]


def _read_wish(params: dict[str, t.Any]) -> Wish:
    command, entrypoint = (job_spec.read_command(params[name], name) for name in ("command", "entrypoint"))
    service, image = params["service"].strip(), read_image(params["image"])
    if not service and not image:
        raise PlanError("nothing says what to run", "Give service, the full name of one whose shape the job gets, or image.")
    if service and not command and not entrypoint:
        raise PlanError(f"command: nothing to run in the shape of {service}", "Give it, such as python3 manage.py migrate.")
    constraints = texts(params["constraints"])
    environment = {**params["environment"], **params["secret_environment"]}
    of = service or image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return Wish(of, command, entrypoint, Edit(image=image, environment=environment, constraints=constraints))


def _fields(wish: Wish, params: dict[str, t.Any]) -> tuple[Field, ...]:
    command = (("entrypoint", wish.entrypoint), ("command", wish.command))
    variables = given_variables(params["environment"], params["secret_environment"])
    return (*(Field(path, None, value) for path, value in command if value), *variables)


def _any_of(nodes: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    names = sorted(map(hostname, nodes))
    return names[0] if len(names) == 1 else f"any of {len(names)} nodes"


def _constraints(spec: dict[str, t.Any]) -> str:
    constraints = ServiceSpec(spec).constraints
    return f"; constraints: {', '.join(constraints)}" if constraints else ""


def fail(member: Member, params: dict[str, t.Any], error: FlotillaError) -> FlotillaError:
    name = next(iter(params["session"].get("touched") or ()), "")
    return give_up(member, run_of_job(name), params, error)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, watch, target=member_target, give_up=fail)


if __name__ == "__main__":
    main()
