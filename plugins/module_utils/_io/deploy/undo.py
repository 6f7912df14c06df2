# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back from a deploy that failed. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.service.images import image_of
from ..._core.service.naming import Item
from ..._core.service.spec import Json
from ..._core.stack.session import CREATED, REMOVED, REPLACED, Session, Touched
from ...errors import FlotillaError
from ..engine import EngineError
from ..polling import Clock
from .writer import POLL_SECONDS, Writer

LEFTOVER_SECONDS = 15.0
"""So long a failed run tries to remove the networks, secrets and configs that it made."""


def undo(
    engine: t.Any,
    writer: Writer,
    session: Session,
    before: t.Mapping[str, Item],
    clock: Clock,
    by_engine: bool = False,
) -> list[str]:
    """Restore what the run changed, in reverse order, remove what it created, and tell it of each service.

    ``before`` are the services as they were, as far as this call has read them; for the others the engine knows it. ``by_engine`` leaves
    updates to the engine's own rollback.
    """
    told = []
    query = {"registryAuthFrom": "previous-spec", **({"rollback": "previous"} if by_engine else {})}
    for name, touched in reversed(list(session.touched.items())):
        try:
            told.append(_restore(engine, writer, name, touched, before.get(name), query))
        except FlotillaError as error:
            told.append(f"{name} could not be restored ({error})")
    until = clock.time() + LEFTOVER_SECONDS
    for kind, name, item_id in reversed(session.made):
        while not _is_gone(writer, kind, name, item_id) and clock.time() < until:
            clock.sleep(POLL_SECONDS)
    return told


def _restore(engine: t.Any, writer: Writer, name: str, touched: Touched, before: Item | None, query: Json) -> str:
    if touched.act in (CREATED, REPLACED, REMOVED):
        if touched.id:
            writer.delete("service", name, touched.id)
        if touched.act == CREATED or not before:
            return f"{name} was removed"
        writer.create_service(before["Spec"])
        return f"created {name} as it was"
    service = engine.get(f"/services/{touched.id}", f"reading service {name}")
    if writer.fingerprint(service["Spec"]) == touched.was:
        return f"the engine rolled back {name}"
    spec = before["Spec"] if before else service.get("PreviousSpec") or {}
    if writer.fingerprint(spec) != touched.was:
        return f"{name} was left as it is, because something else changed it"
    writer.update_service(service, spec, **query)
    return f"rolled back {name} to {image_of(spec)}"


def _is_gone(writer: Writer, kind: str, name: str, item_id: str) -> bool:
    try:
        if kind == "network":
            return writer.remove_network(name, item_id)
        writer.delete(kind, name, item_id)
    except EngineError:
        # Tasks that are still stopping hold it. If it stays it does no harm: the next run uses it.
        return False
    return True
