# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the monitoring of an inventory. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import fields

from .fault import FAULT, WARNING
from .inventory_model import Finding, Inventory
from .inventory_schema import Path_, find_wrong
from .inventory_stacks import is_loopback
from .inventory_values import is_known
from .monitoring.problems import find_problems
from .monitoring.settings import Settings
from .stack_check import networks_of

CHECK = "monitoring"


def find_monitoring_faults(inventory: Inventory) -> t.Iterator[Finding]:
    """The play acts through a manager, which has the variables of all."""
    host = inventory.manager
    if host and inventory.value(host, "monitoring_stack"):
        yield from _of_stack(inventory, host)


def _of_stack(inventory: Inventory, host: str) -> t.Iterator[Finding]:
    names = [each.name for each in fields(Settings)]
    given = {name: inventory.value(host, f"monitoring_{name}") for name in names}
    given["status_urls"] = inventory.value(host, "status_urls")
    unknown = {name for name, value in given.items() if not is_known(value)}
    if any(find_wrong(f"monitoring_{name}", given[name], True) for name in {*names} - unknown):
        return  # what has another form than it should is told by the schema
    settings = Settings.of({name: value for name, value in given.items() if name not in unknown})
    for problem in find_problems(settings):
        if problem.variable not in unknown:
            yield _at(inventory, host, problem.variable, problem.path, problem.text, problem.cure)
    if not settings.alertmanager["receivers"] and "alertmanager" not in unknown:
        text = "has no receivers, so that nobody is told of an alert"
        yield _at(inventory, host, "alertmanager", (), text, "Add receivers, as those of Alertmanager", WARNING)
    yield from _of_engines(inventory, host, settings)
    if "networks" not in unknown:
        yield from _of_labels(inventory, settings)


def _of_engines(inventory: Inventory, host: str, settings: Settings) -> t.Iterator[Finding]:
    address = str(inventory.value(host, "engine_metrics_address") or "")
    if not settings.engines_port or not is_known(address):
        return
    port = address.rpartition(":")[2]
    if not address:
        text = f"is {settings.engines_port}, but engine_metrics_address is empty, so no engine listens there"
        yield _at(inventory, host, "engines_port", (), text, f"Set engine_metrics_address to 0.0.0.0:{settings.engines_port}")
    elif port != str(settings.engines_port):
        text = f"is {settings.engines_port}, and engine_metrics_address is {address}"
        yield _at(inventory, host, "engines_port", (), text, "Give both the same port")
    elif is_loopback(address):
        text = f"is {settings.engines_port}, but engine_metrics_address is {address}, which no task reaches"
        yield _at(inventory, host, "engines_port", (), text, "Let the engines listen at the nodes' addresses, behind role firewall")


def _of_labels(inventory: Inventory, settings: Settings) -> t.Iterator[Finding]:
    """Services that ask to be scraped where Prometheus is not, or in more networks than one, which gives each task a target in each."""
    scraped = {settings.own_network, *settings.networks}
    for stack in inventory.deployed:
        for key, service in stack.models[0]["services"].items():
            labels = service.get("deploy", {}).get("labels") or {}
            if f"{settings.label}-port" not in labels:
                continue
            joined = networks_of(stack, stack.models[0], service)
            title, chosen = f"service {stack.name}_{key}", labels.get(f"{settings.label}-network")
            shared = sorted(scraped & joined)
            if not shared:
                text = f"has the label {settings.label}-port, and Prometheus is in none of its networks: {', '.join(sorted(joined))}"
                yield Finding(CHECK, text, "Add one of them to monitoring_networks", level=WARNING, subject=title)
            elif chosen and chosen not in shared:
                text = f"asks by {settings.label}-network to be scraped in {chosen}, where it or Prometheus is not"
                yield Finding(CHECK, text, f"Write {shared[0]}", level=WARNING, subject=title)
            elif len(shared) > 1 and not chosen:
                text = f"is in {' and '.join(shared)} with Prometheus, so that each of its tasks is scraped as often"
                yield Finding(CHECK, text, f"Give it the label {settings.label}-network", level=WARNING, subject=title)


def _at(inventory: Inventory, host: str, name: str, path: Path_, text: str, cure: str, level: str = FAULT) -> Finding:
    variables = [each for each in inventory.all_of(f"monitoring_{name}") if host in each.hosts]
    return Finding(CHECK, text, cure, f"monitoring_{name}", path, variables[0].hosts if variables else (host,), level)
