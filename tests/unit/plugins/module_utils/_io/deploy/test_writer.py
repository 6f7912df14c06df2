# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update whose answer was lost, in a swarm that shows late that it was done."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.writer import Writer
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import EngineError, OutOfSequence
from ansible_collections.flotilla.swarm.plugins.module_utils._io.polling import SEQUENCE_ATTEMPTS
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from fake_clock import Clock
from fake_engine import service

Json = dict[str, t.Any]
OLD, NEW, OTHER = (service("web", image) for image in ("img:1", "img:2", "img:3"))


class Late:
    """An engine that answers the update with ``errors``, one after the other, and is read as ``shown``."""

    def __init__(self, errors: list[EngineError], shown: list[Json]) -> None:
        self._errors, self._shown, self.posts = errors, shown, 0

    def post(self, *_args: t.Any, **_query: t.Any) -> None:
        self.posts += 1
        if self._errors:
            raise self._errors.pop(0)

    def get(self, path: str, *_args: t.Any, **_query: t.Any) -> t.Any:
        return self._shown.pop(0) if path == "/services/id" else []


def shown(spec: Json, index: int, previous: Json | None = None) -> Json:
    return {"ID": "id", "Spec": spec, "Version": {"Index": index}, **({"PreviousSpec": previous} if previous else {})}


def update(engine: Late) -> None:
    Writer(engine, lambda _image: None, Clock()).update_service(shown(OLD, 1), NEW)


def lost() -> EngineError:
    return EngineError("updating", "context deadline exceeded", status=500)


def stale() -> EngineError:
    return OutOfSequence("updating", "update out of sequence", status=500)


def test_what_shows_one_attempt_later_was_done() -> None:
    engine = Late([lost(), stale()], [shown(OLD, 1), shown(NEW, 2, OLD)])
    update(engine)
    assert engine.posts == 2


@pytest.mark.parametrize("errors", [[stale()], [lost(), stale()]], ids=["stale", "lost"])
def test_what_something_else_changed_is_left(errors: list[EngineError]) -> None:
    engine = Late(errors, [*([shown(OLD, 1)] if len(errors) > 1 else []), shown(OTHER, 2, NEW)])
    with pytest.raises(FlotillaError, match="was changed by something else"):
        update(engine)


@pytest.mark.parametrize(("last", "words"), [(lost, "context deadline exceeded"), (stale, "keeps changing while it is updated")])
def test_what_never_works_is_told_by_its_cause(last: t.Callable[[], EngineError], words: str) -> None:
    engine = Late([stale(), *(last() for _attempt in range(SEQUENCE_ATTEMPTS - 1))], [shown(OLD, 1)] * SEQUENCE_ATTEMPTS)
    with pytest.raises(FlotillaError, match=words):
        update(engine)
    assert engine.posts == SEQUENCE_ATTEMPTS
