# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the stacks of an inventory, and what they need that nothing in it provides. Pure."""

from __future__ import annotations

import base64
import difflib
import typing as t
from dataclasses import replace

from ..module_utils._core.cluster.addresses import as_address
from ..module_utils._core.service.constraints import Constraint
from ..module_utils._core.service.images import familiar_image, registry_of, split_tag
from ..module_utils._core.stack.finding import is_silenced
from .compose.errors import ComposeError
from .fault import WARNING
from .inventory_model import GPU_NODES, Finding, Inventory, at, names_in, of_stack, some, unmet
from .inventory_values import UNKNOWN
from .stack_check import StackSeen, needs_of, provided_by

_GATHERERS = ("prometheus", "vmagent", "victoria-metrics", "alloy", "opentelemetry-collector", "telegraf")


def find_stack_faults(inventory: Inventory) -> t.Iterator[Finding]:
    for stack in inventory.stacks:
        if stack.unset:
            listed = ", ".join(f"{name} ({_where(error)})" for name, error in stack.unset.items())
            text = f"needs {'a variable that is' if len(stack.unset) == 1 else f'{len(stack.unset)} variables that are'} not set: {listed}"
            cure = "Give it" if len(stack.unset) == 1 else "Give them"
            yield of_stack(
                stack, "stack_variables", text, f"{cure} in env of the stack or in a file of env_files, or write ${{NAME:-default}} there"
            )
        for error in stack.errors:
            yield replace(of_stack(stack, "stack_file", str(error).rstrip(".")), subject=f"stack {stack.name}:")
    names = sorted(names_in(inventory, "stacks_present"))
    for variable in inventory.all_of("images_from_stacks"):
        for index, item in enumerate(variable.value if isinstance(variable.value, list) else ()):
            if isinstance(item, str) and item not in (UNKNOWN, *names):
                near = difflib.get_close_matches(item, names, 1)
                cure = f"Write {near[0]}" if near else f"Its stacks are {some(names) or 'none'}"
                yield at(variable, (index,), "names", f"is {item}, which is not a stack of stacks_present", cure)


def _where(error: ComposeError) -> str:
    return f"{error.file}:{error.line}" if error.line else error.file


def find_unprovided(inventory: Inventory) -> t.Iterator[Finding]:
    """What stacks need and nothing provides. Something else may have made it before, so that these are warnings."""
    host = inventory.manager
    declared = {
        "networks": {*names_in(inventory, "networks_present"), "host", "bridge", "none", "ingress"},
        "volumes": names_in(inventory, "volumes_present"),
    }
    if host and inventory.value(host, "edge_stack"):
        declared["networks"].add(str(inventory.value(host, "edge_network")))
    cures = {"networks": "Add it to networks_present", "volumes": "Add it to volumes_present"}
    built = {familiar_image(name) for name in names_in(inventory, "images_build", "images_archives", "registry_images")}
    built |= {familiar_image(image) for stack in inventory.stacks for image in _built_by(stack)}
    registry = str(inventory.value(host, "registry_address")) if host and inventory.value(host, "registry_stack") else ""
    for stack in inventory.deployed:
        needs = needs_of(stack)
        for section in ("networks", "volumes", "secrets", "configs"):
            made = {name for each in inventory.stacks for name in provided_by(each, section)} | declared.get(section, set())
            for name in sorted(getattr(needs, section) - made):
                text = f"needs the {section[:-1]} {name}, which nothing here provides"
                cure = cures.get(section, "Define it in a stack")
                yield of_stack(stack, "names", text, f"{cure}, unless the swarm has it already", WARNING)
        for image, services in needs.images.items():
            if registry and registry_of(image) == registry and familiar_image(image) not in built:
                text = f"needs the image {image} of the swarm's own registry for {some(services)}, and nothing here makes it"
                yield of_stack(stack, "names", text, "Add it to images_build, unless the registry has it already", WARNING)
        for text, cure in (
            *_missing_registries(inventory, needs.registries, registry),
            *_unmet_constraints(inventory, needs.constraints),
            *_unmet_resources(inventory, needs.resources),
        ):
            yield of_stack(stack, "names", text, cure, WARNING)


def _missing_registries(inventory: Inventory, registries: t.Mapping[str, t.Sequence[str]], own: str) -> t.Iterator[tuple[str, str]]:
    """Registries at an address that each node takes for itself: one of the swarm that publishes its port must be there."""
    services = [service for stack in inventory.stacks for service in _services(stack)]
    published = {str(port.get("published")) for service in services for port in service.get("ports") or []}
    for registry, names in registries.items():
        if registry != own and is_loopback(registry) and registry.rpartition(":")[2] not in published:
            text = f"takes images for {some(names)} from {registry}, and nothing here runs a registry there"
            yield text, "Set registry_stack, unless the swarm has one"


def find_hidden_metrics(inventory: Inventory) -> t.Iterator[Finding]:
    """Engines that give their metrics to their own host alone, and services that look for them."""
    hosts: dict[str, list[str]] = {}
    for host in inventory.nodes:
        config = inventory.value(host, "engine_daemon_config")
        own = config.get("metrics-addr") if isinstance(config, dict) else None
        address = str(own or inventory.value(host, "engine_metrics_address") or "")
        if is_loopback(address):
            hosts.setdefault(address, []).append(host)
    for stack in inventory.deployed:
        silence = stack.declared.options.get("silence") or ()
        for address, names in hosts.items():
            found = [f"{stack.name}_{name}" for name in _scrapers(stack.models[0], address.rpartition(":")[2])]
            told = [name for name in found if not is_silenced([silence] if isinstance(silence, str) else silence, "metrics_address", name)]
            if told:
                text = f"looks for metrics of engines with {some(told)}, and {some(names)} give theirs at {address}, which no task reaches"
                yield of_stack(stack, "metrics_address", text, "Set engine_metrics_address to an address between the nodes", WARNING)


def _scrapers(model: t.Mapping[str, t.Any], port: str) -> t.Iterator[str]:
    """Services that are known to gather metrics, or have a config that names the port, but for those on the network of their host."""
    networks, configs = model.get("networks") or {}, model.get("configs") or {}
    naming = {key for key, config in configs.items() if f":{port}".encode() in base64.b64decode(config.get("content") or "")}
    for name, service in model["services"].items():
        joined = {networks.get(key, {}).get("name") or key for key in service.get("networks") or ()}
        reads = naming & {each["source"] for each in service.get("configs") or []}
        if "host" not in joined and (reads or split_tag(service["image"].partition("@")[0])[0].rpartition("/")[2] in _GATHERERS):
            yield name


def is_loopback(place: str) -> bool:
    """Whether a host and port, such as ``127.0.0.1:5000``, is the host's own."""
    address = as_address(place)
    return address.is_loopback if address else place.partition(":")[0] == "localhost"


def _services(stack: StackSeen) -> t.Iterator[t.Mapping[str, t.Any]]:
    return (service for model in stack.models for service in model["services"].values())


def _built_by(stack: StackSeen) -> t.Iterator[str]:
    """The names of images that are built from the stack; only a stack whose images are built has builds in its models."""
    return (service["image"] for service in _services(stack) if "build" in service)


def _unmet_constraints(inventory: Inventory, constraints: t.Mapping[Constraint, t.Sequence[str]]) -> t.Iterator[tuple[str, str]]:
    for constraint, services in constraints.items():
        wanted = f"{constraint.key} {constraint.operator} {constraint.value}"
        if constraint.key.lower() == "node.hostname" and constraint.operator == "==" and constraint.value not in inventory.nodes:
            text = f"runs {some(services)} where {wanted}, and the inventory has no node of this name"
            yield text, "Check the name, unless the host has another one here"
        if constraint.operator == "==" and inventory.allowed_nodes(constraint) == []:
            text = f"runs {some(services)} where {wanted}, and {unmet(constraint)}"
            yield text, "Add it, unless a node already has it"


def _unmet_resources(inventory: Inventory, resources: t.Mapping[str, t.Sequence[str]]) -> t.Iterator[tuple[str, str]]:
    configs = [inventory.value(host, "engine_daemon_config") for host in inventory.nodes]
    if inventory.groups.get(GPU_NODES) or any(isinstance(each, dict) and each.get("node-generic-resources") for each in configs):
        return
    for kind, services in resources.items():
        text = f"reserves {kind} for {some(services)}, and no node of the inventory offers any"
        yield text, f"Put the hosts with GPUs into {GPU_NODES}"
