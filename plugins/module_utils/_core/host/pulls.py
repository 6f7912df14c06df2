# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine tells its journal alone: why it could not pull the image of a task. Pure."""

from __future__ import annotations

import re

from ...redact import redact_text

LIST_MESSAGES = ["journalctl", "--unit=docker.service", "--since=-1h", "--output=cat", "--grep=pulling image failed", "--no-pager"]
KEPT = 20
_FIELD = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S+)')


def read_pulls(messages: str) -> list[dict[str, str]]:
    """``task`` and ``cause`` of each pull that failed, the last of a task alone; the latest are kept."""
    found: dict[str, str] = {}
    for line in messages.splitlines():
        fields = {name: value[1:-1].replace('\\"', '"') if value[0] == '"' else value for name, value in _FIELD.findall(line)}
        if fields.get("msg") == "pulling image failed" and fields.get("task.id") and fields.get("error"):
            found.pop(fields["task.id"], None)
            found[fields["task.id"]] = redact_text(fields["error"])
    return [{"task": task, "cause": cause} for task, cause in list(found.items())[-KEPT:]]
