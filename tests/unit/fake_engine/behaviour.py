# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tasks of a service behave. The unit of time is the scheduler's tick."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Json


@dataclass(frozen=True)
class Behaviour:
    """A task prepares for ``start`` ticks. It then ends as ``state`` with ``err`` and ``exit_code`` after ``run`` ticks of
    running (0: instead of ever running), unless ``state`` is running. ``times`` is how many tasks of a slot end so before one
    runs well; None is all of them."""

    state: str = "running"
    start: int = 1
    run: int = 1
    exit_code: int = 0
    err: str = ""
    times: int | None = None


def runs(start: int = 1) -> Behaviour:
    """Runs for ever, after ``start`` ticks."""
    return Behaviour(start=start)


def crashes(exit_code: int = 1, run: int = 1, times: int | None = None) -> Behaviour:
    """Exits after ``run`` ticks."""
    return Behaviour("failed", run=run, exit_code=exit_code, err=f"task: non-zero exit ({exit_code})", times=times)


def image_missing(image: str) -> Behaviour:
    return Behaviour("rejected", run=0, err=f"No such image: {image}")


def bind_missing(path: str) -> Behaviour:
    err = f'invalid mount config for type "bind": bind source path does not exist: {path}'
    return Behaviour("rejected", run=0, err=err)


def unhealthy(start: int = 2) -> Behaviour:
    """The health check never passes: killed while starting."""
    return Behaviour("failed", start=start, run=0, exit_code=137, err="task: non-zero exit (137): dockerexec: unhealthy container")


def completes(run: int = 1) -> Behaviour:
    """Exits with 0 after ``run`` ticks: what a job does."""
    return Behaviour("complete", run=run)


def unschedulable(err: str = "no suitable node (insufficient resources on 3 nodes)") -> Behaviour:
    """No node takes it, whatever the constraints say."""
    return Behaviour("pending", err=err)


def choose(behaviours: dict[str, Behaviour], service: Json) -> Behaviour:
    """The behaviour of a service's present spec: by image, image without digest, service name; else jobs complete, others run."""
    image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    for key in (image, image.partition("@")[0], service["Spec"]["Name"]):
        if key in behaviours:
            return behaviours[key]
    return completes() if "JobStatus" in service else runs()
