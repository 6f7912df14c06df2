# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``manage.py rerun add``: has all that was handed in for an exercise graded again, by the graders for that."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.core.management.base import BaseCommand, CommandError, CommandParser
from grader.exercises import EXERCISES

from website.models import Course, Submission
from website.tasks import enqueue


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("exercise", choices=sorted(EXERCISES))

    def handle(self, *_arguments: Any, exercise: str, **_options: Any) -> None:
        course = Course.objects.filter(name=EXERCISES[exercise].course).exclude(image="").first()
        if course is None:
            raise CommandError(f"course {EXERCISES[exercise].course} is not set up: manage.py set_up_course does that")
        ids = []
        for submission in Submission.objects.filter(exercise=exercise):
            ids.append(str(submission.id))
            Submission.objects.filter(pk=submission.id).update(report=None)
            cache.delete(f"submission-{submission.id}")
            enqueue(ids[-1], exercise, submission.code.name, course.image, queue="rerun_grader")
        self.stdout.write(f"{len(ids)} of {exercise} are graded again")
