# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of a service, network, secret or config carries for apply. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .items import Item
from .spec import Json

CREATE, UPDATE, REPLACE, REMOVE = "create", "update", "replace", "remove"


@dataclass(frozen=True)
class Work:
    """The payload of a change: the object as it is, the body to send, the services whose good verdict comes first, and which of
    them have to have ended. ``early`` is a removal that does not come last."""

    body: Json = field(default_factory=dict)
    observed: Item | None = None
    waits_for: tuple[str, ...] = ()
    completes: tuple[str, ...] = ()
    early: bool = False
