# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what an inventory says of the monitoring. Pure."""

from __future__ import annotations

import difflib
import re
import typing as t

import yaml

from . import promql
from .alertmanager import routes_in
from .rules import KEYS, RULES, THRESHOLD, chosen_rules
from .settings import Settings

Path = tuple[str | int, ...]
DURATION = re.compile(r"(\d+(ms|[smhdwy]))+|0")
SIZE = re.compile(r"\d+(B|KB|MB|GB|TB|PB|EB)")
LABEL = re.compile(r"[a-z0-9.][a-z0-9._-]*-port")
ADDRESS = re.compile(r"https?://[^/\s]+\S*")
OWN_JOBS = ("swarm", "tasks", "node", "engine", "probes")
SERVICES = ("prometheus", "alertmanager", "exporter", "node", "cadvisor", "gpu", "blackbox", "grafana", "portainer", "portainer_agent")
PORTAINER_PASSWORD = 12
"""Portainer takes no shorter one."""


class Problem(t.NamedTuple):
    """``variable`` without ``monitoring_``, the path inside it, what is wrong there, and the cure."""

    variable: str
    path: Path
    text: str
    cure: str


def find_problems(settings: Settings) -> t.Iterator[Problem]:
    yield from _of_names(settings)
    yield from _of_prometheus(settings)
    yield from _of_rules(settings.rules)
    yield from _of_alertmanager(settings.alertmanager)
    yield from _of_passwords(settings)
    yield from _of_overrides(settings.overrides)


def find_in_rule_files(texts: t.Sequence[str], names: t.Sequence[str]) -> t.Iterator[Problem]:
    """The files of ``monitoring_rule_files``, whose names stand for them in what is told."""
    for index, (name, text) in enumerate(zip(names, texts, strict=True)):
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            yield Problem("rule_files", (index,), f"is {name}, which is no YAML: {' '.join(str(error).split())}", "Mend the file")
            continue
        groups = content.get("groups") if isinstance(content, dict) else None
        if not isinstance(groups, list):
            yield Problem("rule_files", (index,), f"is {name}, which has no list 'groups'", "Write it as a rule file of Prometheus")
            continue
        for rule in (rule for group in groups if isinstance(group, dict) for rule in group.get("rules") or ()):
            title = rule.get("alert") or rule.get("record") or "a rule without a name"
            wrong = promql.find_wrong(str(rule.get("expr") or ""))
            if wrong:
                yield Problem("rule_files", (index,), f"is {name}, where the expression of {title} {wrong.text}", wrong.cure)


def _nearest(name: str, known: t.Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"Write {near[0]}" if near else f"Take one of {', '.join(names)}"


def _of_names(settings: Settings) -> t.Iterator[Problem]:
    if not LABEL.fullmatch(settings.port_label):
        text = f"is '{settings.port_label}', expected the name of a label that ends with -port"
        yield Problem("port_label", (), text, "Write prometheus-port; labels with -path, -job and -network go with it")
    for index, name in enumerate(settings.networks):
        if name == settings.own_network:
            yield Problem("networks", (index,), f"is {name}, which the stack makes itself", "Remove it")
    for index, address in enumerate(settings.probes):
        if not ADDRESS.fullmatch(str(address)):
            yield Problem("probes", (index,), f"is '{address}', expected an address with http:// or https://", "Write the whole address")


def _of_prometheus(settings: Settings) -> t.Iterator[Problem]:
    own = settings.prometheus
    for key in ("interval", "retention"):
        if not DURATION.fullmatch(str(own[key])):
            yield Problem("prometheus", (key,), f"is '{own[key]}', expected a duration such as 30s or 15d", "Write a number and its unit")
    if own["retention_size"] and not SIZE.fullmatch(str(own["retention_size"])):
        yield Problem("prometheus", ("retention_size",), f"is '{own['retention_size']}', expected a size such as 20GB", "Write its unit")
    for index, each in enumerate(own["remote_write"]):
        if not isinstance(each, dict) or not ADDRESS.fullmatch(str(each.get("url"))):
            text = "has no url with http:// or https://"
            yield Problem("prometheus", ("remote_write", index), text, "Write it as remote_write of Prometheus")
    jobs: set[str] = set(OWN_JOBS)
    for index, job in enumerate(settings.scrape):
        name = str(job.get("job_name") or "")
        if not name:
            yield Problem("scrape", (index,), "has no job_name", "Write it as scrape_configs of Prometheus")
        elif name in jobs:
            yield Problem("scrape", (index, "job_name"), f"is {name}, which another job is called", "Take another name")
        jobs.add(name)


def _of_rules(given: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    for name, changes in given.items():
        if changes is None:
            if name not in RULES:
                yield Problem("rules", (name,), "removes a rule that does not exist", _nearest(name, RULES))
        elif not isinstance(changes, dict):
            text = f"is {changes!r}, expected a mapping, or null to remove the rule"
            yield Problem("rules", (name,), text, "Write {} for the rule as it is")
        elif name not in RULES and "expr" not in changes:
            yield Problem("rules", (name,), "is no rule of the role, and has no expr to be one of your own", _nearest(name, RULES))
        else:
            yield from _of_rule(name, changes)


def _of_rule(name: str, changes: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    unknown = [key for key in changes if key not in KEYS]
    if unknown:
        yield Problem("rules", (name, unknown[0]), "is nothing that can be said of a rule", _nearest(str(unknown[0]), KEYS))
        return
    threshold = changes.get("threshold")
    if threshold is not None:
        try:
            float(threshold)
        except (TypeError, ValueError):
            yield Problem("rules", (name, "threshold"), f"is {threshold!r}, expected a number", "Write a number")
            return
    if changes.get("for") is not None and not DURATION.fullmatch(str(changes["for"])):
        yield Problem("rules", (name, "for"), f"is '{changes['for']}', expected a duration such as 5m", "Write a number and its unit")
    rule = chosen_rules({name: changes})[name]
    if threshold is not None and THRESHOLD not in rule.expr:
        text = f"is given, but the expression of the rule has no {THRESHOLD}"
        yield Problem("rules", (name, "threshold"), text, f"Write {THRESHOLD} into expr, or remove it")
    wrong = promql.find_wrong(str(rule.as_prometheus(name)["expr"]))
    if wrong:
        yield Problem("rules", (name, "expr"), wrong.text, wrong.cure)


def _of_alertmanager(given: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    names: list[str] = []
    for index, receiver in enumerate(given["receivers"]):
        name = receiver.get("name") if isinstance(receiver, dict) else None
        if not name:
            yield Problem("alertmanager", ("receivers", index), "has no name", "Write it as receivers of Alertmanager")
        elif name in names:
            yield Problem("alertmanager", ("receivers", index, "name"), f"is {name}, which another receiver is called", "Take another name")
        names.append(str(name))
    for path, route in routes_in(given["route"]):
        name = route.get("receiver")
        if name is not None and name not in names:
            cure = _nearest(str(name), names) if names else "Add it to receivers"
            yield Problem("alertmanager", ("route", *path, "receiver"), f"is {name}, which no receiver is called", cure)


def _of_passwords(settings: Settings) -> t.Iterator[Problem]:
    if settings.grafana["enabled"] and not settings.grafana["admin_password"]:
        cure = "Give it from the vault, or set enabled: false"
        yield Problem("grafana", ("admin_password",), "is empty, and Grafana would take admin for it", cure)
    password = str(settings.portainer["admin_password"] or "")
    if settings.portainer["enabled"] and len(password) < PORTAINER_PASSWORD:
        text = f"has {len(password)} characters, and Portainer takes none with fewer than {PORTAINER_PASSWORD}"
        yield Problem("portainer", ("admin_password",), text, "Give a longer one from the vault")


def _of_overrides(given: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    services = given.get("services") or {}
    for name, service in services.items() if isinstance(services, dict) else ():
        if name not in SERVICES and not (isinstance(service, dict) and service.get("image")):
            text = "is no service of the role, and has no image to be one of your own"
            yield Problem("overrides", ("services", name), text, _nearest(name, SERVICES))
