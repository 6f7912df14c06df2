# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One submission and, once it is graded, its report."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models


class Submission(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    exercise = models.CharField(max_length=64)
    code = models.FileField(upload_to="submissions/%Y/%m/%d")
    submitted = models.DateTimeField(auto_now_add=True)
    report = models.JSONField(null=True)

    def as_json(self) -> dict[str, Any]:
        """``status`` is ``queued`` or ``graded``; the fields of the report follow when it is ``graded``."""
        return {
            "id": str(self.id),
            "exercise": self.exercise,
            "submitted": self.submitted.isoformat(),
            "status": "graded" if self.report else "queued",
            **(self.report or {}),
        }
