# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages and the JSON interface."""

from __future__ import annotations

import json
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from grader.exercises import EXERCISES
from kombu.exceptions import OperationalError

from .models import Submission
from .tasks import enqueue


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "index.html", {"exercises": EXERCISES})


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    return HttpResponse("ok\n", content_type="text/plain")


@require_POST
def submit(request: HttpRequest) -> JsonResponse:
    """Takes ``{"exercise": NAME, "code": TEXT}``, answers 202 with where the grade will be."""
    try:
        wanted: dict[str, Any] = json.loads(request.body)
        exercise, code = wanted["exercise"], wanted["code"]
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"error": 'expected a JSON object with "exercise" and "code"'}, status=400)
    if not isinstance(exercise, str) or exercise not in EXERCISES or not isinstance(code, str):
        known = ", ".join(EXERCISES)
        return JsonResponse({"error": f'expected "exercise" to be one of {known}, and "code" to be text'}, status=400)
    submission = Submission(exercise=exercise)
    submission.code.save(f"{submission.id}.py", ContentFile(code.encode()))
    try:
        enqueue(str(submission.id), exercise, code)
    except OperationalError:
        submission.delete()
        return JsonResponse({"error": "the task queue can't be reached; hand it in again later"}, status=503)
    url = reverse("submission", args=[submission.id])
    return JsonResponse({**submission.as_json(), "url": url}, status=202, headers={"Location": url})


@require_GET
def show(request: HttpRequest, submission: str) -> JsonResponse:
    return JsonResponse(get_object_or_404(Submission, pk=submission).as_json())
