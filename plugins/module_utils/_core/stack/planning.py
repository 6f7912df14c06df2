# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for one stack: the changes from what exists to what is wanted, in the order in which they are done. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...errors import PlanError
from ...plan import Change, Plan
from ..schedule.placement import creation_reason, hostname, left_nodes, task_count
from ..service.diff import RUN_LABEL, diff_service, scaling_reason, update_cost, with_kept_labels
from ..service.fields import refuse_unknown
from ..service.images import Resolved, image_of, settle_image
from ..service.naming import Item, by_name, item_name, own, stack_of
from ..service.spec import Json, Service, ServiceSpec
from ..service.work import CREATE, REMOVE, REPLACE, UPDATE, Work
from . import lint
from .convert import StackObjects
from .finding import Finding, is_silenced, tell
from .network_lint import lint_networks
from .objects import adopt_configs, diff_data, diff_network, foreign, lint_secrets, references, superseded
from .order import Dependencies, PortMoves, find_port_moves, order_moves
from .swarm_objects import SwarmObjects

_BUILT_IN_NETWORKS = {"host", "none", "bridge", "ingress"}


@dataclass(frozen=True)
class Options:
    prune: bool = False
    keep_versions: int = 1
    keep_replicas: t.Collection[str] | bool = False
    run_id: str = ""
    resolve_image: str = "changed"
    unresolved_is_error: bool = False
    refresh_registry_auth: bool = False
    silence: t.Collection[str] = ()
    missing_paths: t.Mapping[str, t.Collection[str]] = field(default_factory=dict)
    differing_volumes: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)


def plan_present(stack: str, wanted: StackObjects, observed: SwarmObjects, options: Options) -> Plan:
    """Everything that has to be done for the stack to be as wanted. Raises PlanError for what is refused."""
    wanted = adopt_configs(stack, wanted, observed.configs)
    running = by_name(observed.services)
    specs, problems = _finish_specs(wanted.services, running, observed.images, options)
    if problems and options.unresolved_is_error:
        raise PlanError(f"{'; '.join(problems.values())}", "Check the name and the credentials, or set unresolved: warn.")
    refuse_unknown(specs, observed.api)
    moves = find_port_moves(stack, specs, observed.services, options.prune)
    changes = [
        *_network_changes(stack, wanted.networks, observed, specs),
        *_data_changes("secret", stack, wanted.secrets, observed.secrets),
        *_data_changes("config", stack, wanted.configs, observed.configs),
        *_service_changes(stack, specs, wanted.depends_on, running, observed, options.refresh_registry_auth, moves),
        *_removals(stack, wanted, specs, observed, options, moves.leaving),
    ]
    names = {spec["Name"] for spec in specs}
    others = [service["Spec"] for service in observed.services if item_name(service) not in names]
    lint.refuse_differing_volumes(specs, observed.nodes, options.differing_volumes)
    networks = lint_networks(wanted.networks, observed.networks, observed.nodes, observed.routes)
    warnings = [
        *tell(_unresolved(specs, problems, observed), options.silence),
        *lint.lint(specs, observed.nodes, options.missing_paths, options.silence, others, networks),
        *_full_networks(wanted, specs, others, observed, options),
        *_leftovers(stack, specs, observed, options, {change.name for change in changes if change.kind == "service"}),
        *lint_secrets(_heard(wanted.secrets, "secret_content", options), observed.secrets),
    ]
    return Plan(tuple(changes), tuple(warnings))


def plan_absent(stack: str, observed: SwarmObjects) -> Plan:
    """Everything that bears the label of the stack goes; volumes stay and are listed in the result."""
    services = own(stack, observed.services)
    changes = [
        _removal(kind, item)
        for kind, items in (
            ("service", services),
            ("secret", own(stack, observed.secrets)),
            ("config", own(stack, observed.configs)),
            ("network", own(stack, observed.networks)),
        )
        for item in items
    ]
    volumes = {mount["Source"] for service in services for mount in Service(service).spec.volumes}
    return Plan(tuple(changes), result={"volumes": sorted(volumes | set(observed.volumes))})


def missing_objects(wanted: StackObjects, observed: SwarmObjects) -> list[str]:
    """External networks, secrets and configs, and cluster volumes, that a service refers to and that are not there, as sentences."""
    names = {
        "network": {network["Name"] for network in (*wanted.networks, *observed.networks)} | _BUILT_IN_NETWORKS,
        "secret": {item["Name"] for item in wanted.secrets} | set(by_name(observed.secrets)),
        "config": {item["Name"] for item in wanted.configs} | set(by_name(observed.configs)),
        "cluster volume": set(observed.cluster_volumes),
    }
    users: dict[tuple[str, str], list[str]] = {}
    for spec in wanted.services:
        view = ServiceSpec(spec)
        used = references(spec) | {("network", name) for name in view.targets} | {("cluster volume", name) for name in view.cluster_volumes}
        for kind, name in used:
            if name not in names[kind] and not name.startswith("container:"):
                users.setdefault((kind, name), []).append(spec["Name"])
    return [
        f"{kind} {name} (of {', '.join(sorted(services))}) {'' if ' ' in kind else 'is external and '}does not exist; create it first"
        for (kind, name), services in sorted(users.items())
    ]


def _finish_specs(
    services: t.Iterable[Json], running: t.Mapping[str, Item], images: t.Mapping[str, Resolved], options: Options
) -> tuple[list[Json], dict[str, str]]:
    """The services to send, and by image what keeps it from being resolved."""
    specs: list[Json] = []
    problems: dict[str, str] = {}
    for spec in services:
        observed = running.get(spec["Name"])
        spec, problem = settle_image(spec, observed, images, options.resolve_image)
        if problem:
            problems.setdefault(image_of(spec), problem)
        if observed and _keeps_replicas(spec, observed, options.keep_replicas):
            spec = ServiceSpec(spec).scaled(Service(observed).spec.desired).body
        if options.run_id and ServiceSpec(spec).is_job:
            spec = {**spec, "Labels": {**(spec.get("Labels") or {}), RUN_LABEL: options.run_id}}
        specs.append(spec)
    return specs, dict(sorted(problems.items()))


def _keeps_replicas(spec: Json, observed: Item, kept: t.Collection[str] | bool) -> bool:
    if not ServiceSpec(spec).mode == Service(observed).spec.mode == "replicated":
        return False
    return kept if isinstance(kept, bool) else spec["Name"] in kept


def _network_changes(stack: str, wanted: t.Iterable[Json], observed: SwarmObjects, specs: t.Sequence[Json]) -> t.Iterator[Change]:
    existing = by_name(observed.networks)
    for body in sorted(wanted, key=item_name):
        name = body["Name"]
        network = existing.get(name)
        if network is None:
            yield Change("network", name, CREATE, reason=_network_reason(body), payload=Work(body))
            continue
        if stack_of(network) != stack:
            raise foreign("network", network)
        fields = diff_network(network, body)
        if not fields:
            continue
        users = sorted(service.name for service in map(Service, observed.services) if service.spec.targets & {name, network["Id"]})
        if users:
            what = "; ".join(item.told() for item in fields)
            raise PlanError(
                f"network {name} can't be changed while services use it ({what}; used by {', '.join(users)})",
                "Give the network another name in the stack file, or remove the stack first.",
            )
        yield Change("network", name, REPLACE, fields, payload=Work(body, network))


def _network_reason(body: Json) -> str:
    return "encrypted overlay" if "encrypted" in (body.get("Options") or {}) else str(body.get("Driver") or "overlay")


def _data_changes(kind: str, stack: str, wanted: t.Iterable[Json], observed: t.Iterable[Item]) -> t.Iterator[Change]:
    existing = by_name(observed)
    for body in sorted(wanted, key=item_name):
        item = existing.get(body["Name"])
        if item is None:
            yield Change(kind, body["Name"], CREATE, payload=Work(body))
            continue
        if stack_of(item) != stack:
            raise foreign(kind, item)
        fields = diff_data(kind, item, body)
        if fields:
            yield Change(kind, body["Name"], UPDATE, fields, payload=Work(body, item))


def _service_changes(
    stack: str,
    specs: t.Sequence[Json],
    depends_on: Dependencies,
    running: t.Mapping[str, Item],
    observed: SwarmObjects,
    refresh_auth: bool,
    moves: PortMoves,
) -> t.Iterator[Change]:
    by = {spec["Name"]: spec for spec in specs}
    names, gone = observed.names(), set[str]()
    for step in order_moves(list(by), depends_on, moves):
        spec, waits = by[step.name], (step.waits_for, step.completes)
        for holder in moves.instead_of.get(step.name, ()):
            if item_name(holder) in gone:
                continue
            gone.add(item_name(holder))
            yield _removal("service", holder, f"no longer in the stack, {step.name} gets its port", Work({}, holder, *waits, early=True))
        service = running.get(step.name)
        if service is None:
            reason = creation_reason(spec, observed.nodes)
            yield Change("service", step.name, CREATE, reason=reason, payload=Work(spec, None, *waits))
            continue
        if stack_of(service) != stack:
            raise foreign("service", service)
        diff = diff_service(service, spec, names)
        if diff.mode_changes:
            yield Change("service", step.name, REPLACE, diff.fields, "restarts tasks", "mode can't be changed in place",
                         Work(with_kept_labels(spec, service["Spec"]), service, *waits))  # fmt: skip
        elif diff.fields or diff.restarts:
            tasks = task_count(service["Spec"], observed.nodes)
            cost = update_cost(diff.body, tasks, diff.restarts, left_nodes(service["Spec"], diff.body, observed.nodes))
            reason = scaling_reason(service["Spec"], diff.body)
            yield Change("service", step.name, UPDATE, diff.fields, cost, reason, Work(diff.body, service, *waits))
        elif refresh_auth and not ServiceSpec(spec).is_job:  # any update would run a job again
            reason = "registry credentials are sent again"
            yield Change("service", step.name, UPDATE, reason=reason, payload=Work(diff.body, service, *waits))


def _removals(
    stack: str, wanted: StackObjects, specs: t.Sequence[Json], observed: SwarmObjects, options: Options, gone_before: t.Collection[str]
) -> t.Iterator[Change]:
    kept = {spec["Name"] for spec in specs}
    pruned = [service for service in own(stack, observed.services) if options.prune and item_name(service) not in kept]
    gone = kept | {item_name(service) for service in pruned}
    staying = [*specs, *(service["Spec"] for service in observed.services if item_name(service) not in gone)]
    in_use = set().union(*(references(spec) for spec in staying)) if staying else set()
    for service in pruned:
        if item_name(service) not in gone_before:
            yield _removal("service", service, "no longer in the stack")
    for kind, items, bodies in (("secret", observed.secrets, wanted.secrets), ("config", observed.configs, wanted.configs)):
        mine = [item for item in own(stack, items) if (kind, item_name(item)) not in in_use]
        names = {body["Name"] for body in bodies}
        content_names = wanted.content_names.get(f"{kind}s", {})
        old = {item["ID"] for item in superseded(mine, content_names, options.keep_versions)}
        former = {item["ID"] for item in superseded(mine, content_names, 0)}
        for item in mine:
            if item["ID"] in old:
                yield _removal(kind, item, "superseded")
            elif options.prune and item["ID"] not in former and item_name(item) not in names:
                yield _removal(kind, item, "no longer in the stack")
    if options.prune:
        names = {body["Name"] for body in wanted.networks}
        targets = set[str]().union(*(ServiceSpec(spec).targets for spec in staying))
        for network in own(stack, observed.networks):
            if network["Name"] not in names and not targets & {network["Name"], network["Id"]}:
                yield _removal("network", network, "no longer in the stack")


def _removal(kind: str, item: Item, reason: str = "", work: Work | None = None) -> Change:
    return Change(kind, item_name(item), REMOVE, reason=reason, payload=work or Work({}, item))


def _unresolved(specs: t.Sequence[Json], problems: t.Mapping[str, str], observed: SwarmObjects) -> t.Iterator[Finding]:
    """Images that this engine has and no other node can pull, and those of which nobody knows who has them."""
    users = {image: [spec for spec in specs if image_of(spec) == image] for image in problems}
    local = [image for image in problems if observed.node_id and observed.images[image].is_local]
    away = [spec for image in local for spec in users[image] if observed.nodes.eligible_ids(spec) - {observed.node_id}]
    if away:
        images = dict.fromkeys(image_of(spec) for spec in away)
        others = {hostname(node) for spec in away for node in observed.nodes.eligible(spec) if node["ID"] != observed.node_id}
        me = observed.nodes.names.get(observed.node_id, "this manager")
        them = "it" if len(images) == 1 else "them"
        text = f": {'; '.join(problems[image] for image in images)}; {me} has {them}, and {', '.join(sorted(others))} can't pull {them}"
        yield Finding("local_image", tuple(spec["Name"] for spec in away), f"{text}: push {them} to a registry")
    rest = {image: problem for image, problem in problems.items() if image not in local}
    if rest:
        them = "it" if len(rest) == 1 else "them"
        text = f"{'; '.join(rest.values())}; nodes may run different versions of {them}, and only nodes that have {them} can start {them}"
        yield Finding("unresolved", tuple(spec["Name"] for image in rest for spec in users[image]), text)


def _heard(items: t.Iterable[Item], word: str, options: Options) -> list[Item]:
    """Those about which a warning of this kind is not silenced."""
    return [item for item in items if not is_silenced(options.silence, word, item["Name"])]


def _full_networks(
    wanted: StackObjects, specs: t.Sequence[Json], others: t.Sequence[Json], observed: SwarmObjects, options: Options
) -> t.Iterator[str]:
    known = by_name(observed.networks)
    networks = [*observed.networks, *(body for body in wanted.networks if body["Name"] not in known)]
    used = set[str]().union(*(ServiceSpec(spec).targets for spec in specs))
    heard = _heard([item for item in networks if item["Name"] in used], "addresses", options)
    for warning in lint.lint_addresses(specs, heard, others, observed.nodes):
        yield f"{warning} (addresses)"


def _leftovers(
    stack: str, specs: t.Sequence[Json], observed: SwarmObjects, options: Options, changed: t.Collection[str]
) -> t.Iterator[str]:
    kept = {spec["Name"] for spec in specs}
    extra = [item_name(service) for service in own(stack, observed.services) if item_name(service) not in kept]
    if extra and not options.prune:
        yield f"stack {stack} has services that are not in its files: {', '.join(extra)}. Set prune: true to remove them."
    for service in map(Service, own(stack, observed.services)):
        if service.is_paused and service.name not in changed:
            yield f"service {service.name} was left {service.update_state.replace('_', ' ')}: {service.update_message}"
