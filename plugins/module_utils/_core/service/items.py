# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Engine API lists: names of items, their stacks, and tasks by service. Pure."""

from __future__ import annotations

import typing as t

from .naming import NAMESPACE_LABEL

Item = t.Mapping[str, t.Any]


def stack_of(item: Item) -> str:
    """The stack that a service, network, secret or config belongs to, empty for none."""
    labels = item.get("Spec", item).get("Labels") or {}
    return str(labels.get(NAMESPACE_LABEL, ""))


def tasks_by_service(tasks: t.Iterable[Item]) -> dict[str, list[Item]]:
    """Service id -> its tasks."""
    grouped: dict[str, list[Item]] = {}
    for task in tasks:
        grouped.setdefault(task.get("ServiceID", ""), []).append(task)
    return grouped


def item_name(item: Item) -> str:
    return str(item.get("Spec", item)["Name"])


def by_name(items: t.Iterable[Item]) -> dict[str, Item]:
    return {item_name(item): item for item in items}


def own(stack: str, items: t.Iterable[Item]) -> list[Item]:
    """Those of the stack, by name."""
    return sorted((item for item in items if stack_of(item) == stack), key=item_name)
