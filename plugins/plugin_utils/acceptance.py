# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a swarm is fit for production: which steps of the list are due, and what they came to. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from .health import FAILED, WARNING, Finding

PASSED, NOT_ASKED, NOT_TRIED, PLANNED = "passed", "not asked", "not tried", "planned"
LOOKED: t.Mapping[str, tuple[str, ...]] = {
    "nodes": ("hosts", "nodes", "quorum"),
    "hosts": ("gpus", "certificates", "disks", "exposure"),
    "mounts": ("mounts",),
    "network": ("network", "overlay"),
    "services": ("services",),
    "edge": ("edge",),
}
"""Steps that only look, with the areas of the report on the health."""
TRIED = ("alerts", "scale", "drain", "restart", "backup")
STEPS = (*LOOKED, *TRIED)
_DISTURBS = frozenset({"scale", "drain", "restart", "backup"})
_COUNTED = (PASSED, PLANNED, WARNING, FAILED, NOT_TRIED, NOT_ASKED)

Given = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Row:
    step: str
    state: str
    text: str


@dataclass(frozen=True)
class Run:
    """What is asked, what the inventory declares, and what is known so far.

    ``health`` has ``report``, ``hosts``, ``nodes`` and ``services``, and nothing before the hosts were looked at. ``facts`` are those that
    the steps of the role leave: ``__acceptance_drain_done``, and ``_failed`` and ``_left`` with the reason.
    """

    manager: str
    steps: t.Sequence[str]
    service: str
    node: str
    declared: Given
    health: Given
    check_mode: bool
    facts: Given = field(default_factory=dict)

    def told(self, step: str, what: str) -> t.Any:
        return self.facts.get(f"__acceptance_{step}_{what}") or ""


def find_due(run: Run) -> dict[str, Given]:
    """The steps that a run may try now, each with what it needs to know."""
    due: dict[str, Given] = {}
    if _compares(run):
        due["services"] = {}
    for step in TRIED:
        if not (_why_not_asked(run, step) or _why_not_tried(run, step) or _refusal(run, step)):
            due[step] = _arguments(run, step)
    return due


def judge_acceptance(run: Run) -> dict[str, t.Any]:
    """The verdict (accepted, rejected, or planned in check mode), a row for each step, what is wrong, and the nodes."""
    rows, findings = [], []
    for step in STEPS:
        row, found = (_looked if step in LOOKED else _tried)(run, step)
        rows.append(row)
        findings += found
    states = [row.state for row in rows]
    is_bad = bool({FAILED, NOT_TRIED} & set(states)) or not {PASSED, WARNING, PLANNED} & set(states)
    counts = [f"{states.count(state)} {state}" for state in _COUNTED if state in states]
    return {
        "verdict": "rejected" if is_bad else "planned" if PLANNED in states else "accepted",
        "summary": ", ".join(counts),
        "steps": [asdict(row) for row in rows],
        "findings": [asdict(finding) for finding in findings],
        "nodes": [
            {key: node[key] for key in ("hostname", "role", "address", "state", "availability", "labels")}
            for node in run.health.get("nodes") or ()
        ],
    }


def find_cause(result: Given) -> str:
    """Why a task failed, in one line, out of its result; of a loop the causes of its failed items."""
    failed = [item for item in result.get("results") or () if item.get("failed") or item.get("unreachable")] or [result]
    causes = (" ".join(str(each.get("msg") or "").split()).rstrip(".") for each in failed)
    return "; ".join(dict.fromkeys(cause for cause in causes if cause)) or "it failed without a message"


def _why_not_asked(run: Run, step: str) -> str:
    if step not in run.steps:
        return "left out of acceptance_steps"
    if step == "edge" and not run.declared.get("edge_stack"):
        return "no edge_stack"
    if step == "alerts" and not run.declared.get("monitoring_stack"):
        return "no monitoring_stack"
    if step == "alerts" and not run.declared.get("receivers"):
        return "no receivers in monitoring_alertmanager"
    if step in ("scale", "restart") and not run.service:
        return "no acceptance_service"
    if step == "drain" and not run.node:
        return "no acceptance_node"
    return ""


def _why_not_tried(run: Run, step: str) -> str:
    """Nobody disturbs what is not whole, or was not put back."""
    if not run.health:
        return "the hosts were not looked at"
    if not run.manager:
        return "no manager can act"
    if step in _DISTURBS:
        failed = [looked for looked in LOOKED if _looked(run, looked)[0].state == FAILED]
        left = [tried for tried in TRIED if tried != step and run.told(tried, "left")]
        if failed:
            return f"nothing is disturbed while this fails: {', '.join(failed)}"
        if left:
            return f"nothing more is disturbed, since {', '.join(left)} was not put back"
    return ""


def _refusal(run: Run, step: str) -> str:
    """What is wrong with the service or the node that a step is to use."""
    if step in ("scale", "restart"):
        services = {service["name"]: service for service in run.health["services"]}
        chosen = services.get(run.service)
        if chosen is None:
            return f"acceptance_service is {run.service}, which is no service. There are {', '.join(sorted(services)) or 'none'}"
        if step == "scale" and chosen["mode"] != "replicated":
            return f"acceptance_service is {run.service}, which is {chosen['mode']} and has no number of tasks to set"
        if not chosen["desired"]:
            return f"acceptance_service is {run.service}, which has no tasks"
    if step == "drain":
        identity = (run.health["hosts"].get(run.node) or {}).get("node_id") or run.node
        found = [node for node in run.health["nodes"] if identity in (node["node_id"], node["hostname"])]
        if not found:
            names = ", ".join(node["hostname"] for node in run.health["nodes"])
            return f"acceptance_node is {run.node}, which is no node. There are {names}"
        if found[0]["availability"] != "active":
            return f"acceptance_node is {run.node}, which is set to {found[0]['availability']} already"
    return ""


def _arguments(run: Run, step: str) -> Given:
    if step != "scale":
        return {}
    (now,) = (service["desired"] for service in run.health["services"] if service["name"] == run.service)
    return {"more": {run.service: now + 1}, "back": {run.service: now}}


def _compares(run: Run) -> bool:
    return "services" in run.steps and bool(run.health and run.manager and run.declared.get("stacks"))


def _looked(run: Run, step: str) -> tuple[Row, list[Finding]]:
    reason = _why_not_asked(run, step)
    if reason:
        return Row(step, NOT_ASKED, reason), []
    if not run.health:
        return Row(step, NOT_TRIED, "the hosts were not looked at"), []
    report = run.health["report"]
    areas = [area for area in report["areas"] if area["area"] in LOOKED[step]]
    found = [Finding(**finding) for finding in report["findings"] if finding["area"] in LOOKED[step]]
    found += {"mounts": _unmounted, "services": _differing, "edge": _no_edge}.get(step, lambda _run: ())(run)
    states = {finding.state for finding in found}
    state = FAILED if FAILED in states else WARNING if WARNING in states else PASSED
    texts = [f"{area['area']}: {area['text']}" if len(areas) > 1 else area["text"] for area in areas]
    if step == "services" and _compares(run) and not run.told("services", "failed"):
        texts.append("no stack differs from its files")
    return Row(step, state, "; ".join(texts) or "none"), found


def _unmounted(run: Run) -> t.Iterator[Finding]:
    """The report on the health knows only of mounts that are there, or that the host itself expects."""
    for host, kinds in (run.declared.get("mounts") or {}).items():
        seen = run.health["hosts"].get(host) or {}
        if "mounts" not in seen:
            continue  # it did not answer, which another step tells
        there = {mount["path"] for mount in seen["mounts"]} | set(seen["waiting_mounts"])
        for path in sorted({mount["path"] for mounts in kinds for mount in mounts} - there):
            yield Finding("mounts", FAILED, host, f"{path} is declared, and nothing is mounted there", "Run site.yml")


def _differing(run: Run) -> t.Iterator[Finding]:
    if run.told("services", "failed"):
        yield Finding("services", FAILED, "stacks", run.told("services", "failed"), "Look with plan.yml, then run deploy.yml")


def _no_edge(run: Run) -> t.Iterator[Finding]:
    if not any(area["area"] == "edge" for area in run.health["report"]["areas"]):
        yield Finding("edge", FAILED, run.declared["edge_stack"], "no edge runs", "Run site.yml")


def _tried(run: Run, step: str) -> tuple[Row, list[Finding]]:
    asked = _why_not_asked(run, step)
    if asked:
        return Row(step, NOT_ASKED, asked), []
    failed, left = run.told(step, "failed"), run.told(step, "left")
    if not (failed or left or run.told(step, "done")):
        held_up = _why_not_tried(run, step)
        if held_up:
            return Row(step, NOT_TRIED, held_up), []
        failed = _refusal(run, step) or "the run came to no end of it"
    found = []
    if failed:
        found.append(Finding(step, FAILED, _where(run, step), failed, f"Mend that, then try it alone: -e acceptance_steps={step}"))
    if left:
        found.append(Finding(step, FAILED, _where(run, step), f"was not put back: {left}", _way_back(run, step)))
    if found:
        return Row(step, FAILED, f"{found[0].where}: {'was not put back' if left else 'see below'}"), found
    if run.check_mode:
        return Row(step, PLANNED, "nothing is in its way; check mode does not try it"), []
    return Row(step, PASSED, _success(run, step)), []


def _where(run: Run, step: str) -> str:
    by_step = {"alerts": run.declared.get("monitoring_stack"), "scale": run.service, "restart": run.service, "drain": run.node}
    return str(by_step.get(step) or "swarm")


def _way_back(run: Run, step: str) -> str:
    if step == "drain":
        return f"Run activate.yml -e nodes_target={run.node}"
    return f"Run scale.yml for {run.service}, or deploy.yml"


def _success(run: Run, step: str) -> str:
    return {
        "alerts": "a test alert was sent, and all its receivers took it",
        "scale": f"{run.service} ran with one task more, and again with as many as before",
        "drain": f"{run.node} was drained, and is back",
        "restart": f"a task of {run.service} was killed, and another one runs in its place",
        "backup": "made, and all backups are whole",
    }[step]
