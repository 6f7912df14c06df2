# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first table."""

from __future__ import annotations

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Submission",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("exercise", models.CharField(max_length=64)),
                ("code", models.FileField(upload_to="submissions/%Y/%m/%d")),
                ("submitted", models.DateTimeField(auto_now_add=True)),
                ("report", models.JSONField(null=True)),
            ],
        ),
    )
