# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a survey, which are texts, as the values that they stand for. Pure."""

from __future__ import annotations

import json
import typing as t

from ..module_utils.errors import PlanError


def read_answers(variables: t.Mapping[str, t.Any], prefix: str, parts: t.Iterable[str]) -> dict[str, t.Any]:
    """What was answered of the parts, each under its name with the prefix; a question without an answer is left out.

    Raises PlanError for a text that begins as JSON and is none, without the text, which may hold a secret.
    """
    answers = {part: _read(variables.get(f"{prefix}{part}"), f"{prefix}{part}") for part in parts}
    return {part: value for part, value in answers.items() if value not in (None, "", [], {})}


def _read(answer: t.Any, name: str) -> t.Any:
    if not isinstance(answer, str):
        return answer
    text = answer.strip()
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise PlanError(f"{name} is not JSON", f"{error}.") from None
