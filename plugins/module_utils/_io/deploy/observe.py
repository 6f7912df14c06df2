# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a plan needs to know about the swarm, in few requests: each list once, images only if they may have moved."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._core.schedule.placement import Nodes
from ..._core.service.images import Resolved, images_to_resolve
from ..._core.service.naming import Item, by_name, labelled, salt_of, stack_of
from ..._core.service.spec import Service, ServiceSpec
from ..._core.stack.convert import StackObjects
from ..._core.stack.objects import references
from ..._core.stack.swarm_objects import SwarmObjects
from ..engine import NotFound
from .registry import Auth, ask_registries
from .writer import read_token


@dataclass(frozen=True)
class Own:
    """The secrets and configs of one stack, and what its hashes are keyed with."""

    secrets: t.Sequence[Item] = ()
    configs: t.Sequence[Item] = ()
    salt: str = field(default="", repr=False)


def observe_own(engine: t.Any, stack: str) -> Own:
    """What has to be known before anything of a stack can be named."""
    doing, mine = f"reading the swarm for stack {stack}", labelled(stack)
    secrets, configs = (engine.get(f"/{kind}", doing, filters=dict(mine)) for kind in ("secrets", "configs"))
    return Own(secrets, configs, salt_of([*secrets, *configs], lambda: read_token(engine)))


def observe_stack(
    engine: t.Any,
    stack: str,
    wanted: StackObjects,
    own: Own,
    resolve_image: str = "never",
    auth: Auth = lambda image: None,
    known: t.Mapping[str, Resolved] | None = None,
    node_id: str = "",
    routes: t.Mapping[str, t.Any] | None = None,
) -> SwarmObjects:
    """Read the swarm. Raises EngineError; an image that can't be resolved is noted instead.

    ``known`` are images that need not be asked about again, ``node_id`` is the node of this engine, and ``routes`` are those of the hosts.
    """
    doing = f"reading the swarm for stack {stack}"
    services = engine.get("/services", doing)
    networks = engine.get("/networks", doing, filters={"scope": ["swarm"]})
    observed = SwarmObjects(
        services=services,
        networks=[*networks, *_unlisted_networks(engine, stack, services, networks)],
        secrets=_list_data(engine, "secret", own.secrets, wanted, doing),
        configs=_list_data(engine, "config", own.configs, wanted, doing),
        nodes=Nodes(engine.get("/nodes", doing)),
        api=engine.api_version,
        cluster_volumes=_cluster_volumes(engine, wanted, doing),
        node_id=node_id,
        routes=routes or {},
    )
    images = images_to_resolve(wanted.services, by_name(observed.services), resolve_image)
    new = [image for image in images if image not in (known or {})]
    return replace(observed, images={**(known or {}), **ask_registries(engine, new, auth)})


def read_volumes(engine: t.Any, stack: str) -> list[str]:
    """The volumes that tasks of the stack left on this engine; no engine knows those of another."""
    doing = f"listing the volumes of stack {stack}"
    return [item["Name"] for item in engine.get("/volumes", doing, filters=labelled(stack))["Volumes"] or []]


def _list_data(engine: t.Any, kind: str, mine: t.Sequence[Item], wanted: StackObjects, doing: str) -> list[Item]:
    """Those of the stack, and the external ones that its services name."""
    made = {body["Name"] for body in (wanted.secrets if kind == "secret" else wanted.configs)}
    named = {name for spec in wanted.services for found, name in references(spec) if found == kind}
    outside = sorted((made | named) - set(by_name(mine)))
    # The filter takes prefixes, so more may come.
    others = engine.get(f"/{kind}s", doing, filters={"name": outside}) if outside else []
    return [*mine, *(item for item in others if item["Spec"]["Name"] in outside)]


def _cluster_volumes(engine: t.Any, wanted: StackObjects, doing: str) -> set[str]:
    if not any(ServiceSpec(spec).cluster_volumes for spec in wanted.services):
        return set()
    return {item["Name"] for item in engine.get("/volumes", doing)["Volumes"] or [] if item.get("ClusterVolume")}


def _unlisted_networks(engine: t.Any, stack: str, services: t.Iterable[Item], networks: t.Iterable[Item]) -> t.Iterator[Item]:
    """Networks that services of the stack use and that no list shows: host and its like."""
    known = {network["Id"] for network in networks} | {network["Name"] for network in networks}
    targets = set[str]().union(*(Service(service).spec.targets for service in services if stack_of(service) == stack))
    for target in sorted(targets - known):
        try:
            yield engine.get(f"/networks/{target}", f"reading network {target}")
        except NotFound:
            continue
