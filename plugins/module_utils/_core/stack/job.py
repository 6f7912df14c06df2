# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job in the shape of a service, and where it may run. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t

from ...errors import PlanError
from ..schedule.placement import Nodes
from ..service.images import image_of
from ..service.naming import NAMESPACE_LABEL, Item
from ..service.spec import Json, ServiceSpec, filled

JOB_LABEL = "io.flotilla.swarm.job"
"""Which service a job has the shape of. By it the jobs of runs that were killed are found."""
OLDEST_API = (1, 41)
_LONGEST = 40
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")

# What answers requests, or waits for a person, is not for a job. What would look at its health asks a server that is not there.
_NOT_TAKEN = ("TTY", "OpenStdin", "Healthcheck", "Labels")


def job_name(of: str, mark: str) -> str:
    """Such as ``job-grading_web-1a2b3c4d5e6f``; ``mark`` makes it the only one."""
    return f"job-{_NOT_IN_NAMES.sub('-', of)[:_LONGEST]}-{mark}"


def read_command(given: t.Any, option: str) -> list[str]:
    """A list of texts as it is, a text as a shell would split it. Raises PlanError for anything else."""
    if isinstance(given, str):
        try:
            return shlex.split(given)
        except ValueError as error:
            raise PlanError(f"{option}: {error} in the text", "Close the quotes, or give a list.") from None
    if given is None:
        return []
    if isinstance(given, list) and not any(isinstance(part, (dict, list)) or part is None for part in given):
        return [str(part) for part in given]
    raise PlanError(f"{option}: found something else, expected a text or a list of texts, such as [python3, manage.py, migrate].")


def make_job(of: str, shape: Json, command: t.Sequence[str], entrypoint: t.Sequence[str]) -> Json:
    """The spec of a job without a name.

    Taken over are image, environment, secrets, configs, mounts, user, directory, limits, reservations, constraints and
    networks, these without the names by which others reach the service; neither its ports nor its labels are.
    """
    given = ServiceSpec(shape)
    container = {key: value for key, value in given.container.items() if key not in _NOT_TAKEN}
    labels = {key: value for key, value in (given.container.get("Labels") or {}).items() if key != NAMESPACE_LABEL}
    container.update(filled(Labels=labels), Healthcheck={"Test": ["NONE"]})
    if entrypoint:
        container["Command"] = list(entrypoint)
        container.pop("Args", None)
    if command:
        container["Args"] = list(command)
    task = {
        **{key: value for key, value in given.task.items() if key in ("Resources", "LogDriver")},
        "Networks": [filled(Target=item["Target"], DriverOpts=item.get("DriverOpts")) for item in given.networks],
        "Placement": {key: value for key, value in given.placement.items() if key != "MaxReplicas"},
        "RestartPolicy": {"Condition": "none"},
    }
    mode = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    return ServiceSpec.of(container, task, Labels={JOB_LABEL: of}, Mode=mode, EndpointSpec={"Mode": "dnsrr"}).body


def pin_to_image(spec: Json, tasks: t.Iterable[Item], nodes: Nodes) -> tuple[Json, str]:
    """The spec, bound to a node that has its image if no other can get it, and the name of that node.

    An image without a digest is one that no registry told of when the service was made: it is on the nodes where the service runs.
    """
    if "@" in image_of(spec):
        return spec, ""
    homes = sorted({task.get("NodeID", "") for task in tasks if task["Status"]["State"] == "running"} & nodes.eligible_ids(spec))
    if not homes:
        return spec, ""
    view = ServiceSpec(spec)
    return view.constrained([*view.constraints, f"node.id == {homes[0]}"]).body, nodes.names[homes[0]]
