# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the stacks of an inventory, and what they need that nothing in it provides. Pure."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import replace

from ..module_utils._core.service.constraints import Constraint
from ..module_utils._core.service.images import familiar_image, registry_of
from .compose.errors import ComposeError
from .fault import FAULT, WARNING
from .inventory_model import GPU_NODES, MANAGERS, Finding, Inventory, at, names_in, some, text_labels
from .inventory_values import UNKNOWN, is_known
from .stack_check import StackSeen, needs_of, provided_by


def find_stack_faults(inventory: Inventory) -> t.Iterator[Finding]:
    for stack in inventory.stacks:
        if stack.unset:
            listed = ", ".join(f"{name} ({_where(error)})" for name, error in stack.unset.items())
            text = f"needs {'a variable that is' if len(stack.unset) == 1 else f'{len(stack.unset)} variables that are'} not set: {listed}"
            cure = "Give it" if len(stack.unset) == 1 else "Give them"
            yield _of(
                stack, "stack_variables", text, f"{cure} in env of the stack or in a file of env_files, or write ${{NAME:-default}} there"
            )
        for error in stack.errors:
            yield replace(_of(stack, "stack_file", str(error).rstrip(".")), subject=f"stack {stack.name}:")
    names = sorted(names_in(inventory, "stacks_present"))
    for variable in inventory.all_of("images_from_stacks"):
        for index, item in enumerate(variable.value if isinstance(variable.value, list) else ()):
            if isinstance(item, str) and item not in (UNKNOWN, *names):
                near = difflib.get_close_matches(item, names, 1)
                cure = f"Write {near[0]}" if near else f"Its stacks are {some(names) or 'none'}"
                yield at(variable, (index,), "names", f"is {item}, which is not a stack of stacks_present", cure)


def _of(stack: StackSeen, check: str, text: str, cure: str = "", level: str = FAULT) -> Finding:
    hosts = stack.declared.variable.hosts if stack.declared.variable else ()
    name = stack.declared.variable.name if stack.declared.variable else "stacks_present"
    return Finding(check, text, cure, name, (stack.declared.index,), hosts, level, f"stack {stack.name}")


def _where(error: ComposeError) -> str:
    return f"{error.file}:{error.line}" if error.line else error.file


def find_unprovided(inventory: Inventory) -> t.Iterator[Finding]:
    """What stacks need and nothing provides. Something else may have made it before, so that these are warnings."""
    host = (inventory.groups.get(MANAGERS) or [""])[0]
    declared = {
        "networks": {*names_in(inventory, "networks_present"), "host", "bridge", "none", "ingress"},
        "volumes": names_in(inventory, "volumes_present"),
    }
    cures = {"networks": "Add it to networks_present", "volumes": "Add it to volumes_present"}
    built = {familiar_image(name) for name in names_in(inventory, "images_build", "images_archives", "registry_images")}
    built |= {familiar_image(image) for stack in inventory.stacks for image in _built_by(stack)}
    registry = str(inventory.value(host, "registry_address")) if host and inventory.value(host, "registry_stack") else ""
    for stack in (each for each in inventory.stacks if each.declared.is_deployed):
        needs = needs_of(stack)
        for section in ("networks", "volumes", "secrets", "configs"):
            made = {name for each in inventory.stacks for name in provided_by(each, section)} | declared.get(section, set())
            for name in sorted(getattr(needs, section) - made):
                text = f"needs the {section[:-1]} {name}, which nothing here provides"
                cure = cures.get(section, "Define it in a stack")
                yield _of(stack, "names", text, f"{cure}, unless the swarm has it already", WARNING)
        for image, services in needs.images.items():
            if registry and registry_of(image) == registry and familiar_image(image) not in built:
                text = f"needs the image {image} of the swarm's own registry for {some(services)}, and nothing here makes it"
                yield _of(stack, "names", text, "Add it to images_build, unless the registry has it already", WARNING)
        for text, cure in (*_unmet_constraints(inventory, needs.constraints), *_unmet_resources(inventory, needs.resources)):
            yield _of(stack, "names", text, cure, WARNING)


def _built_by(stack: StackSeen) -> t.Iterator[str]:
    """The names of images that are built from the stack; only a stack whose images are built has builds in its models."""
    return (service["image"] for model in stack.models for service in model["services"].values() if "build" in service)


def _unmet_constraints(inventory: Inventory, constraints: t.Mapping[Constraint, t.Sequence[str]]) -> t.Iterator[tuple[str, str]]:
    labels: dict[str, t.Any] = {}
    for variable in inventory.all_of("nodes_labels"):
        labels |= variable.value if isinstance(variable.value, dict) else {}
    for constraint, services in constraints.items():
        key = constraint.key.lower()
        wanted = f"{constraint.key} {constraint.operator} {constraint.value}"
        if key == "node.hostname" and constraint.operator == "==" and constraint.value not in inventory.nodes:
            text = f"runs {some(services)} where {wanted}, and the inventory has no node of this name"
            yield text, "Check the name, unless the host has another one here"
        if key.startswith("node.labels.") and constraint.operator == "==" and is_known(labels):
            nodes = [{"Spec": {"Labels": text_labels(labels.get(node))}} for node in inventory.nodes]
            if not any(constraint.allows(node) for node in nodes):
                text = f"runs {some(services)} where {wanted}, and nodes_labels gives that label to no node"
                yield text, "Add it, unless a node already has it"


def _unmet_resources(inventory: Inventory, resources: t.Mapping[str, t.Sequence[str]]) -> t.Iterator[tuple[str, str]]:
    configs = [inventory.value(host, "engine_daemon_config") for host in inventory.nodes]
    if inventory.groups.get(GPU_NODES) or any(isinstance(each, dict) and each.get("node-generic-resources") for each in configs):
        return
    for kind, services in resources.items():
        text = f"reserves {kind} for {some(services)}, and no node of the inventory offers any"
        yield text, f"Put the hosts with GPUs into {GPU_NODES}"
