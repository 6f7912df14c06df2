# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in the background that needs the database. Runs in ``small_tasks``, never in a grader."""

from __future__ import annotations

import os
from typing import Any

import django
from grader.celery import app, build_image, grade
from grader.exercises import EXERCISES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
django.setup()

SMALL_TASKS = "small_tasks"


@app.task(name="record")
def record(report: dict[str, Any], submission: str) -> None:
    from .models import Submission

    Submission.objects.filter(pk=submission).update(report=report)


@app.task(name="record_image")
def record_image(built: dict[str, str], course: str) -> None:
    from .models import Course

    Course.objects.filter(name=course).update(**built)


def enqueue(submission: str, exercise: str, code: str, image: str, queue: str = "") -> None:
    """Have a stored file graded by the class of graders that its exercise wants, or another one, and the report recorded."""
    graded = grade.s(code, exercise, image).set(queue=queue or EXERCISES[exercise].queue)
    (graded | record.s(submission).set(queue=SMALL_TASKS)).apply_async()


def enqueue_image(course: str, dockerfile: str, recipe: str) -> None:
    """Have the image of a course built, and recorded with what it was built of."""
    (build_image.s(course, dockerfile, recipe).set(queue="image_builder") | record_image.s(course).set(queue=SMALL_TASKS)).apply_async()
