# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images a host pulls: those that it must have and lacks. Pure."""

from __future__ import annotations

import typing as t

from ..plan import Change, Plan
from .service.images import listed_image, require_image, source_of


def plan_pulls(wanted: t.Iterable[str], listed: t.Iterable[t.Mapping[str, t.Any]]) -> Plan:
    """Pull what a host lacks. ``listed`` is the answer of ``GET /images/json``. Raises PlanError for what is no image."""
    present = {name for image in listed for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ()))}
    present = {listed_image(name) for name in present}
    names = [require_image(text) for text in dict.fromkeys(wanted)]
    return Plan(tuple(Change("image", name, "create", reason="pull") for name in names if source_of(name) not in present))
