# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``manage.py set_up_course intro``: has the image of a course built where that is not done yet, and waits for it."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from website.models import Course
from website.tasks import enqueue_image

COURSES = Path(__file__).parents[3] / "courses"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("course", choices=sorted(path.name for path in COURSES.iterdir()))
        parser.add_argument("--timeout", type=int, default=900, help="seconds that the image may take (default: %(default)s)")

    def handle(self, *_arguments: Any, course: str, timeout: int, **_options: Any) -> None:
        dockerfile = (COURSES / course / "Dockerfile").read_text().replace("${BASE}", os.environ.get("SANDBOX_BASE", "python:3.13-slim"))
        recipe = hashlib.sha256(dockerfile.encode()).hexdigest()
        row, _made = Course.objects.get_or_create(name=course)
        if row.image and row.recipe == recipe:
            self.stdout.write(f"course {course} is set up: {row.image}")
            return
        # Until the new image is there, what is handed in runs in the one before.
        Course.objects.filter(name=course).update(problem="")
        enqueue_image(course, dockerfile, recipe)
        deadline = time.monotonic() + timeout
        while row.recipe != recipe:
            row.refresh_from_db()
            if row.problem:
                raise CommandError(f"the image of course {course} was not built: {row.problem}")
            if time.monotonic() > deadline:
                raise CommandError(f"the image of course {course} was not built within {timeout} s: is there an image_builder?")
            time.sleep(0.5)
        self.stdout.write(f"course {course} is set up now: {row.image}")
