# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images nodes must have before tasks are stopped for them. Pure."""

from __future__ import annotations

import typing as t

from ...plan import Change
from ..schedule.placement import Nodes
from ..service.images import image_of
from ..service.work import REMOVE

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
