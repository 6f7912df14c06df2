# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single changes in a swarm, each done once however often the engine goes away meanwhile. Talks to the engine."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ..._core.service.images import image_of
from ..._core.service.naming import Item, item_name
from ..._core.service.spec import Json, ServiceSpec
from ..._core.stack.old_jobs import FIXED_IN_API, emptied_job
from ..._core.stack.policy import Terms
from ...errors import FlotillaError
from ...plan import keyed_hash
from ..engine import EngineError, Locked, NotFound, NotManager, OutOfSequence, Unreachable
from ..polling import SEQUENCE_ATTEMPTS, Clock
from .registry import Auth

POLL_SECONDS = 1.0
PORT_SECONDS = 15.0
"""So long the engine may count a port as taken that another service has just given up."""

EMPTY_SECONDS = 15.0
"""So long the tasks of a job may take to go before it is removed."""


_Done = t.TypeVar("_Done")


@dataclass(frozen=True)
class Patience:
    """How many seconds the engine may be away: it may be restarting, or its manager may be electing a leader."""

    leaderless: float = 90.0
    unreachable: float = 90.0

    @classmethod
    def of(cls, terms: Terms) -> Patience:
        """After one of many calls the next may go through another manager."""
        return cls(unreachable=20.0) if terms.slice_seconds else cls()

    def lasts(self, error: EngineError, seconds: float) -> bool:
        return is_outage(error) and seconds < (self.unreachable if isinstance(error, Unreachable) else self.leaderless)


class Writer:
    """Creates, updates and removes. ``ids`` has the IDs of secrets and configs, by kind and name."""

    def __init__(self, engine: t.Any, auth: Auth, clock: Clock, patience: Patience | None = None) -> None:
        self._engine, self._auth, self._clock, self._patience = engine, auth, clock, patience or Patience()
        self.ids: dict[tuple[str, str], str] = {}
        self._token = ""

    def create(self, kind: str, body: Json, headers: dict[str, str] | None = None) -> str:
        """The ID of a new object. An answer that was lost is no reason to make it twice."""
        doing = f"creating {kind} {body['Name']}"
        for last in (False, True):
            try:
                answer = self._once_free(f"/{kind}s/create", body, doing, headers=headers)
            except EngineError as error:
                if last or not self.outlasts(error):
                    raise
                try:
                    answer = self._engine.get(f"/{kind}s/{body['Name']}", doing)
                except NotFound:
                    continue
            return str(answer.get("ID") or answer["Id"])
        raise AssertionError("unreachable: the last attempt returns or raises")

    def create_service(self, spec: Json) -> str:
        return self.create("service", self._linked(spec), self._auth(image_of(spec)))

    def create_data(self, kind: str, body: Json) -> str:
        """The ID of a new secret or config, which services made later refer to by its name."""
        self.ids[kind, body["Name"]] = item_id = self.create(kind, body)
        return item_id

    def update_data(self, kind: str, item: Item, body: Json) -> None:
        doing = f"updating {kind} {item_name(item)}"
        self._engine.post(f"/{kind}s/{item['ID']}/update", body, doing, version=item["Version"]["Index"])

    def update_service(self, service: Item, spec: Json, **query: t.Any) -> None:
        """Replace the spec that ``service`` was read with. Raises FlotillaError when it has another one by now."""
        name, version = item_name(service), service["Version"]["Index"]
        path, doing, headers = f"/services/{service['ID']}/update", f"updating service {name}", self._auth(image_of(spec))
        lost = False
        refused: EngineError | None = None
        for _attempt in range(SEQUENCE_ATTEMPTS):
            try:
                self._once_free(path, self._linked(spec), doing, headers=headers, version=version, **query)
                return
            except EngineError as error:
                refused = None if isinstance(error, OutOfSequence) else error
                if refused:
                    lost = True
                    if not self.outlasts(error):
                        raise
                fresh = self._engine.get(f"/services/{service['ID']}", f"reading service {name} again")
                # It was done, and only the answer was lost; a swarm that elects its leader may show that one attempt later.
                if lost and fresh.get("PreviousSpec") == service["Spec"]:
                    return
                if fresh["Spec"] != service["Spec"]:
                    problem = "was changed by something else since the plan was made"
                    raise FlotillaError(f"service {name} {problem}", "Run again.") from None
                version = fresh["Version"]["Index"]
        raise refused or FlotillaError(f"service {name} keeps changing while it is updated", "Run again when that has ended.")

    def fingerprint(self, spec: Json) -> str:
        """What the spec is known by from call to call, which tells nobody who sees it what is in it."""
        self._token = self._token or read_token(self._engine)
        return keyed_hash(self._token, spec)

    def delete(self, kind: str, name: str, item_id: str) -> None:
        if kind == "service" and self._engine.api_version < FIXED_IN_API:
            self._empty_job(name, item_id)
        for last in (False, True):
            try:
                self._engine.delete(f"/{kind}s/{item_id}", f"removing {kind} {name}")
                return
            except NotFound:
                return
            except EngineError as error:
                if last or not self.outlasts(error):
                    raise

    def _empty_job(self, name: str, item_id: str) -> None:
        """What the engine would keep of a job that is removed goes before; where that fails it does no more harm than without."""
        path, doing = f"/services/{item_id}", f"emptying job {name}"
        try:
            service = self._engine.get(path, doing)
            empty = emptied_job(service["Spec"])
            if not empty:
                return
            self._engine.post(f"{path}/update", empty, doing, version=service["Version"]["Index"])
            until = self._clock.time() + EMPTY_SECONDS
            while self._clock.time() < until:
                tasks = self._engine.get("/tasks", doing, filters={"service": [item_id]})
                if all(task["DesiredState"] == "shutdown" for task in tasks):
                    return
                self._clock.sleep(POLL_SECONDS)
        except EngineError:
            return

    def remove_network(self, name: str, item_id: str) -> bool:
        """Whether nothing of it is left: a node keeps its part of a network that was removed until its last task there has stopped."""
        self.delete("network", name, item_id)
        try:
            self._engine.get(f"/networks/{item_id}", f"looking whether network {name} is gone")
        except NotFound:
            return True
        return False

    def _once_free(self, path: str, body: Json, doing: str, **options: t.Any) -> t.Any:
        until = self._clock.time() + PORT_SECONDS
        while True:
            try:
                return self._engine.post(path, body, doing, **options)
            except EngineError as error:
                if "is already in use by service" not in error.problem or self._clock.time() >= until:
                    raise
                self._clock.sleep(POLL_SECONDS)

    def outlasts(self, error: EngineError) -> bool:
        """Whether the engine was only away, or its swarm without a leader, and is there again."""
        since = self._clock.time()
        while self._patience.lasts(error, self._clock.time() - since):
            try:
                self._engine.get("/services", filters={"name": ["none"]})
                return True
            except EngineError:
                self._clock.sleep(POLL_SECONDS)
        return False

    def _linked(self, body: Json) -> Json:
        """The spec with the IDs of the secrets and configs that it names, which may have been created a moment ago."""
        spec = ServiceSpec(body)
        linked = {
            f"{kind}s": [{**item, f"{kind}ID": self._id(kind.lower(), item, body)} for item in items]
            for kind, items in (("Secret", spec.secrets), ("Config", spec.configs))
            if items
        }
        spec = spec.changed(container=linked)
        config = spec.credential_config
        return (spec.with_credential_config(self.ids.get(("config", config), config)) if config else spec).body

    def _id(self, kind: str, item: t.Mapping[str, t.Any], body: Json) -> str:
        name = item[f"{kind.capitalize()}Name"]
        # A former spec may name what the present one has no need for; it brings the ID.
        found = self.ids.get((kind, name)) or item.get(f"{kind.capitalize()}ID")
        if not found:
            raise FlotillaError(f"{kind} {name} of service {body['Name']} is external and does not exist", "Create it first.")
        return str(found)


def through_outages(act: t.Callable[[], _Done], clock: Clock, patience: Patience, deadline: float = math.inf) -> _Done:
    """What ``act`` returns, tried again while the engine is away. Raises EngineError for everything else, and when that lasts."""
    since = clock.time()
    while True:
        try:
            return act()
        except EngineError as error:
            if clock.time() >= deadline or not patience.lasts(error, clock.time() - since):
                raise
            clock.sleep(POLL_SECONDS)


def is_outage(error: EngineError) -> bool:
    """What passes when an engine restarts, or a swarm elects its leader."""
    stays = isinstance(error, (OutOfSequence, NotManager, Locked))
    return isinstance(error, Unreachable) or ((error.status or 0) >= 500 and not stays)


def read_token(engine: t.Any) -> str:
    """The join token of managers, a secret that only engines of managers return."""
    return str(engine.get("/swarm", "reading the swarm")["JoinTokens"]["Manager"])
