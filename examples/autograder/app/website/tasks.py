# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in the background that needs the database. Runs in ``small_tasks``, never in a grader."""

from __future__ import annotations

import os
from typing import Any

import django
from grader.celery import app, grade
from grader.exercises import EXERCISES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
django.setup()


@app.task(name="record")
def record(report: dict[str, Any], submission: str) -> None:
    from .models import Submission

    Submission.objects.filter(pk=submission).update(report=report)


def enqueue(submission: str, exercise: str, code: str) -> None:
    """Have a submission graded by the class of graders that its exercise wants, and the report recorded."""
    graded = grade.s(code, exercise).set(queue=EXERCISES[exercise].queue)
    (graded | record.s(submission).set(queue="small_tasks")).apply_async()
