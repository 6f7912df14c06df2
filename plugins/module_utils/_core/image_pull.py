# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images a node must have before tasks are stopped for them. Pure."""

from __future__ import annotations

import typing as t

from ..plan import Change, Plan
from .schedule.placement import Nodes
from .service.images import image_of, listed_image, require_image, source_of
from .service.work import REMOVE

Images = dict[str, list[str]]


def find_pulls(changes: t.Iterable[Change], nodes: Nodes) -> Images:
    """The images that the changes to services bring, by the ID of each node that may run them.

    An image without a digest is left out: nobody knows where it comes from, and a node may have been given it by hand.
    """
    found: dict[str, set[str]] = {}
    for change in changes:
        if change.kind != "service" or change.action == REMOVE:
            continue
        image = image_of(change.payload.body)
        for node in nodes.eligible(change.payload.body) if "@" in image else ():
            found.setdefault(str(node["ID"]), set()).add(image)
    return {node: sorted(images) for node, images in sorted(found.items())}


def join_pulls(pulls: t.Iterable[Images]) -> Images:
    """Those of several stacks as one."""
    joined: dict[str, set[str]] = {}
    for each in pulls:
        for node, images in each.items():
            joined.setdefault(node, set()).update(images)
    return {node: sorted(images) for node, images in joined.items()}


def plan_pulls(wanted: t.Iterable[str], listed: t.Iterable[t.Mapping[str, t.Any]]) -> Plan:
    """Pull what a host lacks. ``listed`` is the answer of ``GET /images/json``. Raises PlanError for what is no image."""
    present = {name for image in listed for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ()))}
    present = {listed_image(name) for name in present}
    names = [require_image(text) for text in dict.fromkeys(wanted)]
    return Plan(tuple(Change("image", name, "create", reason="pull") for name in names if source_of(name) not in present))
