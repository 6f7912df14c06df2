# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task queue, and the one task that graders run."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, worker_ready

from .exercises import EXERCISES
from .grading import grade as grade_code

# A health check looks at the age of this file: asking a worker through the broker would take seconds of processor time.
ALIVE = Path("/tmp/alive")

app = Celery("grader", broker=os.environ.get("BROKER_URL", "redis://cache:6379/0"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 600, "socket_timeout": 10, "max_retries": 3},
)


@app.task(name="grade")
def grade(code: str, exercise: str) -> dict[str, Any]:
    """Grade a submission; the report says on which node it was done."""
    return {**asdict(grade_code(code, EXERCISES[exercise])), "worker": os.environ.get("NODE_NAME", os.uname().nodename)}


@worker_ready.connect
@heartbeat_sent.connect
def show_life(**_: Any) -> None:
    ALIVE.touch()
