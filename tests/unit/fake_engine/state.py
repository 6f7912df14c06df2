# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of one swarm and of one host. No HTTP here."""

from __future__ import annotations

import hashlib
import secrets
import threading
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .behaviour import Behaviour
from .errors import OUT_OF_SEQUENCE, ApiError, Json

_EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def make_id(*parts: object) -> str:
    """A stable ID in swarmkit's form: 25 characters of base 36."""
    number = int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:20], "big")
    digits = []
    for _ in range(25):
        number, digit = divmod(number, 36)
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def make_token(cluster_id: str) -> str:
    """A join token: the middle part stands for the swarm's certificate authority, the last one is the secret."""
    return f"SWMTKN-1-{make_id('ca', cluster_id)}{make_id('ca2', cluster_id)}-{make_id(secrets.token_hex(16))}"


@dataclass
class Cluster:
    """One swarm: what its managers share. ``now`` is its clock, in seconds since 2026-01-01, moved by writes and ticks."""

    swarm: Json = field(default_factory=dict)
    nodes: dict[str, Json] = field(default_factory=dict)
    services: dict[str, Json] = field(default_factory=dict)
    tasks: dict[str, Json] = field(default_factory=dict)
    networks: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    configs: dict[str, Json] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    """Base64 data of secrets, by ID: never part of an answer."""
    registry_auth: dict[str, str] = field(default_factory=dict)
    """The registry credentials kept in each service's spec, by service ID: never part of an answer."""
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """How tasks behave, by image (with or without digest) or by service name."""
    logs: dict[str, str] = field(default_factory=dict)
    """What ``logs`` answers, by service or task ID or service name."""
    unlock_key: str = ""
    has_leader: bool = True
    keeps_jobs: bool = False
    """Whether tasks of jobs stay when their job is removed, as before engine 24 (https://github.com/moby/moby/issues/44312)."""
    index: int = 10
    now: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def stamp(self) -> str:
        moment = _EPOCH + timedelta(seconds=self.now)
        return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond:06d}000Z"

    def touch(self, item: Json) -> Json:
        """Give an object the next version of the swarm, as every write does."""
        self.index += 1
        self.now += 0.001
        item["Version"] = {"Index": self.index}
        item.setdefault("CreatedAt", self.stamp())
        item["UpdatedAt"] = self.stamp()
        return item

    def check_version(self, item: Json, query: t.Mapping[str, str]) -> None:
        text = query.get("version", "")
        if not text.isdigit():
            raise ApiError(400, f"invalid version '{text}': strconv.ParseUint: parsing \"{text}\": invalid syntax")
        if int(text) != item["Version"]["Index"]:
            raise ApiError(500, OUT_OF_SEQUENCE)

    def tasks_of(self, service_id: str) -> list[Json]:
        return [task for task in self.tasks.values() if task["ServiceID"] == service_id]


def public(item: Json) -> Json:
    """An object as it is shown: without the keys that are the fake's own."""
    return {key: value for key, value in item.items() if key[0] != "_"}


@dataclass
class Host:
    """One engine's own data. ``state`` is inactive, active, locked, pending or error."""

    name: str
    addr: str
    api_version: str = "1.45"
    engine_version: str = "26.1.5"
    state: str = "inactive"
    node_id: str = ""
    volumes: dict[str, Json] = field(default_factory=dict)
    images: dict[str, Json] = field(default_factory=dict)
    containers: list[Json] = field(default_factory=list)
    build_cache: list[Json] = field(default_factory=list)
    unmountable: dict[str, str] = field(default_factory=dict)
    commands: dict[str, t.Callable[[Json, bytes], tuple[int, str, str]]] = field(default_factory=dict)
    execs: dict[str, Json] = field(default_factory=dict)
    when_killed: t.Callable[[Json], None] = lambda container: None
    local_networks: dict[str, Json] = field(default_factory=dict)
    info: Json = field(default_factory=dict)
    """Merged over the answer of ``GET /info``."""

    def has_api(self, minor: int) -> bool:
        """Whether the engine has API 1.MINOR, by https://docs.docker.com/reference/api/engine/version-history/."""
        return int(self.api_version.partition(".")[2]) >= minor
