# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``filters`` query parameter: ``{"label": ["a=b"]}`` or the older ``{"label": {"a=b": true}}``."""

from __future__ import annotations

import json
import typing as t

from .errors import ApiError

Filters = t.Mapping[str, t.Sequence[str]]


def decode_filters(text: str | None, accepted: t.Collection[str]) -> dict[str, list[str]]:
    if not text:
        return {}
    try:
        raw = json.loads(text)
        found = {key: [str(v) for v in (values if isinstance(values, list) else values.keys())] for key, values in raw.items()}
    except (ValueError, AttributeError):
        raise ApiError(400, f"invalid filter: {text}") from None
    for key in found:
        if key not in accepted:
            raise ApiError(400, f"invalid filter '{key}'")
    return found


def matches_labels(labels: t.Mapping[str, str] | None, wanted: t.Sequence[str]) -> bool:
    """Every wanted ``key`` is there, every wanted ``key=value`` is equal."""
    labels = labels or {}
    for text in wanted:
        key, equals, value = text.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def matches_prefix(value: str, wanted: t.Sequence[str]) -> bool:
    return not wanted or any(value.startswith(prefix) for prefix in wanted)


def matches_any(value: str, wanted: t.Sequence[str]) -> bool:
    return not wanted or value in wanted


def find_one(objects: t.Mapping[str, t.Any], word: str, name: t.Callable[[t.Any], str], missing: ApiError) -> t.Any:
    """By full ID, then by name, then by a unique prefix of the ID."""
    if word in objects:
        return objects[word]
    found = [item for item in objects.values() if name(item) == word]
    found = found or [item for key, item in objects.items() if word and key.startswith(word)]
    if not found:
        raise missing
    if len(found) > 1:
        kind = missing.message.split()[0]
        raise ApiError(500, f"{kind} {word} is ambiguous ({len(found)} matches found)")
    return found[0]
