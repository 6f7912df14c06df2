# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is wrong with an inventory, before any host is asked. Pure."""

from __future__ import annotations

import difflib
import functools
import typing as t
from dataclasses import replace

from ..module_utils._core.cluster.labels import OWN, POLICIES, carries
from .fault import FAULT, WARNING
from .inventory_edge import find_edge_faults
from .inventory_model import (
    GPU_NODES,
    LATER,
    MANAGERS,
    NFS_SERVERS,
    SSHFS_SERVERS,
    WORKERS,
    Finding,
    Inventory,
    at,
    name_of,
    some,
    text_labels,
    texts,
)
from .inventory_monitoring import find_monitoring_faults
from .inventory_schema import Path_, find_wrong, is_unknown, known_names, load_schema, nearest, role_of
from .inventory_stacks import find_hidden_metrics, find_stack_faults, find_unprovided
from .inventory_values import UNKNOWN, Variable, is_known
from .preflight import Limits, find_inventory_faults

NOT_GIVEN = "not_given"


def find_missing_managers(groups: t.Mapping[str, t.Sequence[str]], absent: t.Sequence[str] = ()) -> list[Finding]:
    """``absent`` are inventories that were named and do not exist."""
    if groups.get(MANAGERS):
        return []
    hosts = [name for name in groups.get("all", ()) if name != "localhost"]
    found = f"has {len(hosts)} host{'' if len(hosts) == 1 else 's'}, but none of them is in the group {MANAGERS}"
    if not hosts:
        if absent:
            return [Finding("managers", f"has no hosts, and {', '.join(absent)} does not exist", "Give the path of an inventory with -i")]
        return [Finding("managers", "has no hosts", f"Put the nodes into the groups {MANAGERS} and {WORKERS}")]
    near = difflib.get_close_matches(MANAGERS, [name for name in groups if groups[name]], 1, 0.85)
    cure = f"Rename the group {near[0]}" if near else "Put one, three or five hosts there, and the other nodes into swarm_workers"
    return [Finding("managers", found, cure)]


def find_unknown(inventory: Inventory) -> t.Iterator[Finding]:
    """Names that look like a role's and are none. What a template reads is the user's own."""
    for variable in inventory.variables:
        if not is_unknown(variable.name, inventory.own) or (variable.name in inventory.read and variable.name not in inventory.given):
            continue
        near = nearest(variable.name)
        if near:
            yield at(variable, (), "unknown_variable", "is not a variable of any role", f"Write {near}")
        else:
            told = f"is not a variable of role {role_of(variable.name)}, and nothing in the inventory reads it"
            cure = "If it is your own, list it in check_own_variables"
            yield at(variable, (), "unknown_variable", told, cure, WARNING)


def find_wrong_values(inventory: Inventory) -> t.Iterator[Finding]:
    for variable in inventory.variables:
        if variable.name in known_names():
            for wrong in find_wrong(variable.name, variable.value, variable.literal):
                yield at(variable, wrong.path, "wrong_value", wrong.text, wrong.cure)
        for each in variable.unfilled:
            if each.later:
                text = f"needs {each.later}, which is unknown until a host is asked"
                yield at(variable, each.path, "not_known_yet", text, "", level=LATER)
            else:
                yield at(variable, each.path, "template", each.text, each.cure)


def find_faults(inventory: Inventory) -> list[Finding]:
    """Everything, each thing once."""
    checks: tuple[t.Callable[[Inventory], t.Iterable[Finding]], ...] = (
        _of_groups,
        find_unknown,
        find_wrong_values,
        _of_hosts,
        _of_labels,
        _of_builder,
        _of_gpus,
        _of_lists,
        _between_roles,
        find_monitoring_faults,
        find_stack_faults,
        find_unprovided,
        find_hidden_metrics,
        find_edge_faults,
    )
    return list(dict.fromkeys(finding for check in checks for finding in check(inventory)))


def _of_groups(inventory: Inventory) -> t.Iterator[Finding]:
    known = load_schema()["x-groups"]
    for group, hosts in inventory.groups.items():
        near = difflib.get_close_matches(group, known, 1, 0.85)
        if hosts and near and group not in known and group not in ("all", "ungrouped"):
            level = WARNING if inventory.groups.get(near[0]) else FAULT
            yield Finding("groups", f"has a group {group}, on which no playbook acts", f"Write {near[0]}", level=level)
    managers, workers = inventory.groups.get(MANAGERS, ()), inventory.groups.get(WORKERS, ())
    counts = inventory.value(managers[0], "preflight_manager_counts") if managers else []
    skipped = texts(inventory.value(managers[0], "preflight_skip")) if managers else []
    zones = {host: str(inventory.value(host, "preflight_zone")) for host in managers}
    counts = [int(each) for each in counts if str(each).isdigit()] if isinstance(counts, list) else []
    limits = Limits(counts or [1, 3, 5, 7], {}, 0, 0, 0, zones=zones)
    for fault in find_inventory_faults(managers, workers, limits):
        if fault.check not in skipped:  # where the number or the zones stop a run, preflight does
            yield Finding(fault.check, fault.text, fault.cure, level=FAULT if fault.check == "groups" else WARNING)


def _of_hosts(inventory: Inventory) -> t.Iterator[Finding]:
    """Hosts that a variable names and the inventory has not."""
    hosts = inventory.groups.get("all", ())
    for variable in inventory.variables:
        schema = known_names().get(variable.name, {})
        if not schema.get("x-hosts"):
            continue
        value = variable.value
        named: list[tuple[t.Any, Path_]] = [(name, (name,)) for name in value] if isinstance(value, dict) else []
        named += [(name, (index,)) for index, name in enumerate(value)] if isinstance(value, list) else []
        named += [(value, ())] if isinstance(value, str) and value else []
        for name, path in named:
            # Ansible itself knows the controller by this name.
            is_controller = name == "localhost" and not path
            if name != UNKNOWN and name not in hosts and not is_controller:
                yield _no_host(variable, str(name), path, hosts)
            elif isinstance(value, dict) and name in hosts and name not in inventory.nodes:
                text = f"is in neither {MANAGERS} nor {WORKERS}"
                yield at(variable, path, "hosts", text, "Put the host into one of them, or remove it here")


def _no_host(variable: Variable, name: str, path: Path_, hosts: t.Sequence[str]) -> Finding:
    near = difflib.get_close_matches(name, hosts, 1)
    cure = f"Write {near[0]}" if near else f"Its hosts are {some(hosts)}"
    text = "is not a host of the inventory" if path and path[-1] == name else f"is '{name}', which is not a host of the inventory"
    return at(variable, path, "hosts", text, cure)


def _of_labels(inventory: Inventory) -> t.Iterator[Finding]:
    """What the policies say of the labels that the inventory gives. Nodes may bear others, unless these are exact."""
    for variable in inventory.all_of("nodes_labels"):
        for node, own in variable.value.items() if isinstance(variable.value, dict) else ():
            for label in own if isinstance(own, dict) else ():
                if label.startswith(OWN):
                    text = f"begins with {OWN}, which is reserved for this collection"
                    yield at(variable, (node, label), "labels", text, "Take another name")
    for policies in inventory.all_of("nodes_label_policies"):
        given = inventory.value(policies.hosts[0], "nodes_labels")
        if isinstance(given, dict) and isinstance(policies.value, dict) and is_known(given):
            yield from _broken_policies(policies, {node: text_labels(own) for node, own in given.items()})


def _broken_policies(variable: Variable, labels: t.Mapping[str, t.Mapping[str, str]]) -> t.Iterator[Finding]:
    one, group = POLICIES
    rules = variable.value
    for index, label in enumerate(texts(rules.get(one))):
        bearers = [node for node in sorted(labels) if carries(labels[node], label)]
        if len(bearers) > 1:
            text = f"wants {label} on one node, but nodes_labels gives it to {' and '.join(bearers)}"
            yield at(variable, (one, index), "labels", text, "Take it from all but one")
        elif not bearers:
            text = f"wants {label} on one node, but nodes_labels gives it to no node"
            cure = "Give it to one node, unless a node already has it"
            yield at(variable, (one, index), "labels", text, cure, WARNING)
    for index, names in enumerate(rules.get(group) or ()):
        for node in sorted(labels):
            both = [name for name in texts(names) if carries(labels[node], name)]
            if len(both) > 1:
                text = f"allows one of {', '.join(texts(names))}, and nodes_labels gives {node} {' and '.join(both)}"
                yield at(variable, (group, index), "labels", text, f"Take all but one from {node}")


def _of_builder(inventory: Inventory) -> t.Iterator[Finding]:
    """Whether the host that builds with BuildKit gets the client for it."""
    for variable in (*inventory.all_of("images_from_stacks"), *inventory.all_of("images_build")):
        items = variable.value if isinstance(variable.value, list) else []
        from_stacks = variable.name == "images_from_stacks"
        if not any(from_stacks or (isinstance(item, dict) and item.get("buildkit")) for item in items):
            continue
        builder = inventory.value(variable.hosts[0], "images_builder") or inventory.manager
        if builder in inventory.nodes and str(inventory.value(builder, "engine_client")).lower() not in ("true", "yes", UNKNOWN):
            text = f"is built with BuildKit on {builder}, but role engine installs no client there"
            yield at(
                variable, (), "builder", text, f"Set engine_client: true for {builder}, unless it has docker and buildx already", WARNING
            )


def _of_gpus(inventory: Inventory) -> t.Iterator[Finding]:
    gpu_nodes = inventory.groups.get(GPU_NODES, ())
    for variable in inventory.variables:
        if role_of(variable.name) == "nvidia" and variable.name in known_names() and not set(variable.hosts) & set(gpu_nodes):
            text = f"is set, but no host that has it is in {GPU_NODES}, so nothing reads it"
            yield at(variable, (), "gpus", text, f"Put the hosts with GPUs into {GPU_NODES}", WARNING)
    for host in gpu_nodes:
        if host not in inventory.nodes:
            yield Finding("gpus", f"{host} is in {GPU_NODES}, but is neither a manager nor a worker", f"Put it into {WORKERS}")
        for variable in inventory.all_of("engine_daemon_config"):
            for key in ("node-generic-resources", "default-runtime"):
                if host in variable.hosts and isinstance(variable.value, dict) and variable.value.get(key) is not None:
                    text = f"is for role nvidia alone on {host}, which is in {GPU_NODES}"
                    yield at(variable, (key,), "contradiction", text, "Remove it here")


def _of_lists(inventory: Inventory) -> t.Iterator[Finding]:
    """Names that stand twice in a list, and those that must be there and be gone."""
    for variable in inventory.variables:
        if variable.name not in known_names() or not isinstance(variable.value, list):
            continue
        names = [name_of(item) for item in variable.value]
        for index, name in enumerate(names):
            if name and isinstance(variable.value[index], dict) and name in names[:index]:
                yield at(variable, (index,), "twice", f"is {name}, as item {names.index(name)} is", "Keep one of them")
        gone = variable.name.removesuffix("_present") + "_absent"
        if gone != variable.name and gone in known_names():
            absent = inventory.value(variable.hosts[0], gone)
            for index, name in enumerate(names):
                if name and name in texts(absent):
                    text = f"must exist, but {gone} removes {name}"
                    yield at(variable, (index,), "contradiction", text, "Remove it from one of the two")
    for variable in inventory.all_of("nodes_absent"):
        for index, name in enumerate(texts(variable.value)):
            if name in inventory.nodes:
                text = f"removes {name}, which is in {MANAGERS} or {WORKERS}"
                yield at(variable, (index,), "contradiction", text, "Take the host out of the groups first")


def _between_roles(inventory: Inventory) -> t.Iterator[Finding]:
    """Variables of different roles that can't both be right. The place is that of the first that the inventory sets."""
    for name, group in {"nfs_server_exports": NFS_SERVERS, "sshfs_server_directories": SSHFS_SERVERS}.items():
        for variable in inventory.all_of(name):
            if variable.value and not inventory.groups.get(group):
                text = f"is set, but the group {group} has no host, so nothing is served"
                yield at(variable, (), "contradiction", text, f"Put the server into {group}, or remove the variable")
    for host in inventory.nodes:
        for names, path, text, cure in _contradictions(functools.partial(inventory.value, host)):
            variables = [each for name in names for each in inventory.all_of(name) if host in each.hosts]
            first = variables[0] if variables else Variable(names[0], (), None, True)
            yield replace(at(first, path if first.name == names[0] else (), "contradiction", text, cure), subject="")


def _contradictions(value: t.Callable[[str], t.Any]) -> t.Iterator[tuple[tuple[str, ...], Path_, str, str]]:
    def both(one: str, other: str) -> str:
        return f"{one} is {value(one)}, and {other} is {value(other)}"

    def differ(one: str, other: str) -> bool:
        return is_known([value(one), value(other)]) and str(value(one)) != str(value(other))

    ports = "firewall_data_path_port", "swarm_data_path_port"
    if str(value("firewall_enabled")).lower() in ("true", "yes") and differ(*ports):
        yield ports, (), both(*ports), "Give both the same port"
    address, port = str(value("registry_address")), str(value("registry_port"))
    if value("registry_stack") and is_known([address, port]):
        if ":" in address and address.rpartition(":")[2] != port:
            yield ("registry_address", "registry_port"), (), both("registry_address", "registry_port"), "Give both the same port"
        if value("registry_port_mode") == "host" and address.startswith(("127.", "localhost")):
            names = "registry_address", "registry_port_mode"
            yield names, (), f"{both(*names)}, so only the registry's node finds it", "Write the address of that node"
    config = value("engine_daemon_config")
    if isinstance(config, dict):
        own, metrics = config.get("metrics-addr"), value("engine_metrics_address")
        if own and metrics and own != metrics:
            text = "engine_daemon_config.metrics-addr and engine_metrics_address differ"
            yield ("engine_daemon_config",), ("metrics-addr",), text, "Keep one of them"
        if config.get("live-restore") is True:
            text = "engine_daemon_config.live-restore is on, which an engine in a swarm can't use"
            yield ("engine_daemon_config",), ("live-restore",), text, "Remove it"
    mounted = {name_of(item) for item in value("nfs_mount_present") or () if isinstance(item, dict)}
    for index, item in enumerate(value("sshfs_mount_present") or ()):
        if isinstance(item, dict) and name_of(item) in mounted:
            text = f"sshfs_mount_present and nfs_mount_present both mount {name_of(item)}"
            yield ("sshfs_mount_present",), (index,), text, "Keep one of them"
    secrets = {
        "sshfs_mount_present": ("sshfs_mount_key", "sshfs_mount_known_hosts"),
        "sshfs_server_directories": ("sshfs_server_host_key", "sshfs_server_authorized_keys"),
    }
    for name, needed in secrets.items():
        for secret in needed:
            if value(name) and not value(secret):
                yield (name,), (), f"{name} is set without {secret}", "Set it; client and server do not know each other without it"


def find_given(inventory: Inventory) -> list[Finding]:
    """Wrong names and values among the variables that a run was given."""
    return list(dict.fromkeys((*find_unknown(inventory), *find_wrong_values(inventory))))


def find_empty(needs: t.Iterable[str], values: t.Mapping[str, t.Any]) -> list[Finding]:
    """Variables that a verb acts on and that were not given. ``a or b`` wants one of both."""
    found = []
    for need in needs:
        names = need.split(" or ")
        if not any(values.get(name) for name in names):
            told = known_names()[names[0]].get("description", "").rstrip(".")
            text = f"{need} is not given, so there is nothing to act on" if len(names) == 1 else f"none of {', '.join(names)} is given"
            found.append(Finding(NOT_GIVEN, text, f"Give {names[0]}: {told[:1].lower()}{told[1:]}"))
    return found
