# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a manager's state may be archived, what an archive says of itself, and when one may be restored. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass, field

from ...errors import PlanError
from ..cluster.addresses import with_port
from ..cluster.member_state import MemberState
from ..cluster.node import Node, read_quorum
from .tar_members import STATE_RULES
from .tar_reader import Limits, read_members

Raw = t.Mapping[str, t.Any]


FORMAT = 1


KINDS = ("services", "secrets", "configs", "networks", "nodes")


@dataclass(frozen=True)
class Manifest:
    """What stands in an archive beside the state.

    ``objects`` has, for each of ``KINDS``, names by id; ``files`` SHA-256 sums by path. ``archived_at`` is ISO 8601, UTC.
    """

    cluster_id: str
    node_id: str
    hostname: str
    address: str
    engine_version: str
    autolock: bool
    archived_at: str
    objects: t.Mapping[str, t.Mapping[str, str]]
    files: t.Mapping[str, str]

    def as_document(self) -> dict[str, t.Any]:
        return {"format": FORMAT, **asdict(self)}

    def counts(self) -> dict[str, int]:
        return {kind: len(self.objects.get(kind) or {}) for kind in KINDS}

    @property
    def story(self) -> str:
        """Such as ``swarm abc as m2 had it at 2026-11-22T20:00:00Z, with 5 services, 2 secrets, ...``."""
        held = ", ".join(f"{count} {kind}" for kind, count in self.counts().items())
        return f"swarm {self.cluster_id} as {self.hostname} had it at {self.archived_at}, with {held}"


def read_manifest(document: t.Any, path: str) -> Manifest:
    """Raises PlanError that names the archive for anything else than a manifest of this format."""
    expected = {"format", *Manifest.__dataclass_fields__}
    if not isinstance(document, dict) or not expected <= set(document) or document["format"] != FORMAT:
        raise PlanError(f"{path} is not an archive of a swarm's state, or a later version wrote it.")
    objects, words = document["objects"], [document[name] for name in expected - {"format", "objects", "files", "autolock"}]
    whole = (
        all(isinstance(word, str) for word in words)
        and isinstance(document["autolock"], bool)
        and is_texts(document["files"])
        and isinstance(objects, dict)
        and all(is_texts(named) for named in objects.values())
    )
    if not whole:
        raise PlanError(f"{path} has a manifest with values of unexpected types.")
    return Manifest(**{name: document[name] for name in expected - {"format"}})


def is_texts(value: t.Any) -> bool:
    """Whether a value is a mapping of texts to texts."""
    return isinstance(value, dict) and all(isinstance(word, str) for pair in value.items() for word in pair)


def name_objects(observed: t.Mapping[str, t.Sequence[Raw]]) -> dict[str, dict[str, str]]:
    """Names by id of services, secrets, configs, swarm networks and nodes, each as the Engine API lists them."""
    named = {}
    for kind in KINDS:
        items = [item for item in observed[kind] if kind != "networks" or item.get("Scope") == "swarm"]
        named[kind] = {str(item.get("ID") or item.get("Id")): _name(item) for item in items}
    return named


def _name(item: Raw) -> str:
    hostname = (item.get("Description") or {}).get("Hostname")
    return str(hostname or (item.get("Spec") or {}).get("Name") or item.get("Name") or "")


def find_lost(manifest: Manifest, present: t.Mapping[str, t.Mapping[str, str]]) -> list[str]:
    """What the archive has and the swarm lacks, such as ``secret db_password``, without nodes."""
    return sorted(
        f"{kind[:-1]} {name}"
        for kind in KINDS
        if kind != "nodes"
        for object_id, name in manifest.objects.get(kind, {}).items()
        if object_id not in present[kind]
    )


def check_backup(node_id: str, nodes: t.Sequence[Node], single: bool) -> str:
    """Why it is safe to stop this manager's engine for a moment. Raises PlanError where it isn't."""
    own = next((node for node in nodes if node.node_id == node_id), None)
    quorum = read_quorum(nodes)
    if own is None:
        raise PlanError(f"this manager ({node_id}) is not in the list of nodes.")
    if quorum.managers == 1:
        if not single:
            raise PlanError(
                f"{own.hostname} is the only manager, and the swarm has no manager while its engine is stopped",
                "To do it anyway: single=true",
            )
        return "the swarm has no manager meanwhile"
    if own.is_leader:
        raise PlanError(f"{own.hostname} is the leader", "Take another one.")
    left = quorum.reachable - own.is_reachable
    if left < quorum.needed:
        raise PlanError(
            f"without {own.hostname} {left} of {quorum.managers} managers would be reachable, and {quorum.needed} are needed",
            "Bring the others back first.",
        )
    return f"{left} of {quorum.managers} managers remain"


def is_locked(node_key: str) -> bool:
    """Whether a manager's key file can be used only with the unlock key."""
    return "BEGIN ENCRYPTED" in node_key


def foreign_address(manifest: Manifest) -> PlanError:
    """The refusal of a host that lacks the address of the archived manager."""
    had = f"{manifest.hostname}, the source of this state, had the address {manifest.address}, which this host does not have"
    return PlanError(
        had,
        "The engine keeps that address and advertises it to all nodes, so none could stay in the swarm. Give this host that address too "
        f"(ip address add), or, if it is reachable there anyway, set advertise_addr={manifest.address}.",
    )


def warn_of_version(manifest: Manifest | None, engine_version: str) -> tuple[str, ...]:
    """A warning if another version of the engine wrote the archive than reads it."""
    if manifest is None or manifest.engine_version == engine_version:
        return ()
    return (
        f"engine {manifest.engine_version} wrote the archive, and this host has {engine_version}. Only the same version is sure to "
        "read it: if the swarm does not come up, install that version.",
    )


def check_recovery(manifest: Manifest | None, own: MemberState, others: t.Sequence[MemberState], meant: str = "") -> None:
    """Raises PlanError if a swarm can't be recovered on this host.

    ``manifest`` is that of the archive, None if the host's own state is to be used. ``others`` are the other hosts that are or
    were managers. ``meant`` is the id of the only swarm that will do, empty if any will.
    """
    cluster_id = manifest.cluster_id if manifest else own.cluster_id
    whose = f"the archive is of swarm {cluster_id}" if manifest else f"this host has the state of swarm {cluster_id}"
    if meant and cluster_id and cluster_id != meant:
        raise PlanError(f"{whose}, but swarm {meant} is expected (swarm_cluster_id).")
    alive = [each for each in (own, *others) if each.acting]
    names = ", ".join(sorted({each.name for each in alive if each.cluster_id == cluster_id}))
    if names:
        raise PlanError(f"the swarm {cluster_id} is up: {names} can act", "There is nothing to recover.")
    strangers = alive or [each for each in others if each.is_member and each.cluster_id and each.cluster_id != cluster_id]
    if strangers and cluster_id:
        told = "; ".join(each.story for each in strangers)
        raise PlanError(
            f"{whose}, and {told}",
            "A recovery is for the managers of one swarm. Use the archive of that swarm, or remove the hosts of the "
            "other one from the inventory.",
        )
    if manifest and own.is_member:
        raise PlanError(f"this host {own.story.partition(' ')[2]}", "Make it leave first, or use a clean host.")
    if not manifest and own.role != "manager":
        raise PlanError("this host has no state of a manager, and no archive was given.")


MANIFEST, STATE, CONFIGS = "manifest.json", "swarm", "configs"


KEY_FILE, START_FILE = "certificates/swarm-node.key", "docker-state.json"


LIMITS = Limits(members=100_000, size=16 * 2**30)


# Files that are read whole, and how many bytes each may have.
_WHOLE = {MANIFEST: 64 * 2**20, f"{STATE}/{KEY_FILE}": 2**16}


@dataclass(frozen=True)
class StateArchive:
    """What was read of an archive. ``size`` is that of its files in bytes, ``node_key`` the manager's key file."""

    manifest: Manifest
    node_key: str = field(repr=False)
    size: int


def read_archive(stream: t.IO[bytes], name: str) -> StateArchive:
    """Read an archive to its end. Raises PlanError, which calls it ``name``, where a part of it is damaged, missing or foreign."""
    sums: dict[str, str] = {}
    whole: dict[str, bytes] = {}
    size = 0
    for member, content in read_members(stream, name, STATE_RULES, LIMITS):
        if member.name in sums:
            raise PlanError(f"{name} is refused: it has {member.name!r} twice.")
        if member.size > _WHOLE.get(member.name, member.size):
            raise PlanError(f"{name} is refused: {member.name!r} has {member.size} bytes.")
        digest, kept = hashlib.sha256(), []
        for chunk in content:
            digest.update(chunk)
            if member.name in _WHOLE:
                kept.append(chunk)
        sums[member.name], size = digest.hexdigest(), size + member.size
        if member.name in _WHOLE:
            whole[member.name] = b"".join(kept)
    manifest = read_manifest(_parse(whole.get(MANIFEST, b"")), name)
    _check(manifest, sums, name)
    return StateArchive(manifest, whole[f"{STATE}/{KEY_FILE}"].decode(errors="replace"), size)


def _parse(data: bytes) -> t.Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _check(manifest: Manifest, sums: t.Mapping[str, str], name: str) -> None:
    wanted = {f"{STATE}/{path}": digest for path, digest in manifest.files.items()}
    damaged = [path for path, digest in wanted.items() if sums.get(path) != digest]
    if damaged:
        raise PlanError(f"{name} is damaged: {_some(damaged)} do not match their checksums.")
    foreign = [path for path in sums if path not in wanted and path != MANIFEST and not path.startswith(f"{CONFIGS}/")]
    below = [path for path in wanted if any("/".join(path.split("/")[:depth]) in wanted for depth in range(1, path.count("/") + 1))]
    if foreign or below:
        raise PlanError(f"{name} is refused: {_some(foreign or below)} is not part of a state.")
    if f"{STATE}/{KEY_FILE}" not in wanted:
        raise PlanError(f"{name} is refused: it lacks {KEY_FILE}, the manager's key.")


def _some(paths: t.Sequence[str]) -> str:
    return ", ".join(repr(path.partition("/")[2] or path) for path in paths[:5])


def read_bound(text: str) -> dict[str, str]:
    """``ListenAddr`` and, where it was chosen, ``DataPathAddr`` of a manager, from its ``START_FILE``.

    An engine that recreates its swarm keeps neither by itself.
    """
    try:
        state = json.loads(text or "{}")
    except ValueError:
        state = {}
    found = {name: str(state.get(name) or "") for name in ("ListenAddr", "DataPathAddr")}
    return {"ListenAddr": with_port("0.0.0.0"), **{name: value for name, value in found.items() if value}}
