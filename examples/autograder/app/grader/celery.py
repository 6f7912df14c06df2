# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task queue, and the tasks of graders and of the image builder."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.signals import heartbeat_sent, worker_ready

from .exercises import EXERCISES
from .grading import grade as grade_code
from .images import BuildFailed, build
from .runners import Limits, RunnerFailed, container
from .secret import secret

# A health check looks at the age of this file: asking a worker through the broker would take seconds of processor time.
ALIVE = Path("/tmp/alive")
# Hand-ins, as the site has stored them: every grader sees the same directory.
MEDIA = Path(os.environ.get("MEDIA_ROOT", "/var/lib/autograder/media"))
# A container may take a while to start on a node that is busy.
LIMITS = Limits(start_seconds=30)

app = Celery("grader", broker=f"amqp://autograder:{secret('BROKER_PASSWORD')}@{os.environ.get('BROKER_HOST', 'rabbitmq')}:5672//")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    # The broker says that it has a task before the student is told so.
    broker_transport_options={"confirm_publish": True},
    task_publish_retry_policy={"max_retries": 3},
)
# What is not the student's fault is tried again, on any grader of the class.
again = partial(app.task, bind=True, autoretry_for=(OSError, RunnerFailed), retry_backoff=2, retry_jitter=False, max_retries=6)


@again(name="grade")
def grade(self: Task, code: str, exercise: str, image: str) -> dict[str, Any]:
    """Grade the file of a hand-in in a container of this image; the report says which class did it, and on which node."""
    report = grade_code((MEDIA / code).read_text(), EXERCISES[exercise], container(image), LIMITS)
    node = os.environ.get("NODE_NAME", os.uname().nodename)
    return {**asdict(report), "grader": str(self.request.hostname).partition("@")[0], "worker": node}


@app.task(name="build_image")
def build_image(course: str, dockerfile: str, recipe: str) -> dict[str, str]:
    """The image as graders pull it and the recipe that it was built by, or why there is none."""
    try:
        return {"image": build(course, dockerfile), "recipe": recipe}
    except BuildFailed as error:
        return {"problem": str(error)}


@worker_ready.connect
@heartbeat_sent.connect
def show_life(**_: Any) -> None:
    ALIVE.touch()
