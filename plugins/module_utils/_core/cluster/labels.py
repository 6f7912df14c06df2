# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of nodes: from the inventory's typed values to text, and the rules that they keep. Pure."""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from ..service.constraints import parse_constraint

POLICIES = ("exactly_one", "at_most_one_of")
# This collection remembers by labels that begin so. The latter are also set by roles, from the outside.
OWN = "flotilla."
OF_ROLES = "io.flotilla.swarm."


def read_labels(host: str, labels: t.Mapping[str, t.Any]) -> dict[str, str | None]:
    """Labels as text: ``true`` for True, ``3`` for 3. None stays None and means that the label is removed."""
    if not isinstance(labels, t.Mapping):
        raise PlanError(f"Labels of {host}: expected a mapping of names to values, found another kind of value.")
    reserved = sorted(str(name) for name in labels if str(name).startswith(OWN))
    if reserved:
        raise PlanError(f"Labels of {host}: {', '.join(reserved)}", f"Names that begin with {OWN} belong to this collection; use others.")
    return labels_as_text(host, labels)


def lint_labels(labels: t.Mapping[str, t.Mapping[str, str | None]]) -> t.Iterator[str]:
    """What no constraint can ask for, in one sentence; ``labels`` are as ``read_labels`` gives them, by host."""
    hosts: dict[str, list[str]] = {}
    for host in sorted(labels):
        for name, value in labels[host].items():
            if value is not None and not _is_askable(name, value):
                hosts.setdefault(name, []).append(host)
    if hosts:
        told = ", ".join(f"{name} of {', '.join(found)}" for name, found in sorted(hosts.items()))
        yield (
            f"No constraint can select these labels: {told}. A name may have letters, digits, '-', '_' and '.'; a value also inner "
            "spaces and any of : * ( ) ? + [ ] \\ ^ $ | /; an empty value counts as no label."
        )


def labels_as_text(owner: str, labels: t.Mapping[str, t.Any]) -> dict[str, str | None]:
    """The same without a look at the names."""
    return {str(name): _as_text(owner, str(name), value) for name, value in labels.items()}


def _as_text(host: str, name: str, value: t.Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    kind = "a list" if isinstance(value, (list, tuple)) else "a mapping"
    raise PlanError(
        f"Label {name} of {host}: {kind} can't be a label's value",
        "Give a text, a number or a boolean; several values need several labels.",
    )


def merge_labels(before: t.Mapping[str, str], given: t.Mapping[str, str | None], exact: bool) -> dict[str, str]:
    """The labels that a node will have. ``exact`` drops what was not given."""
    merged = {**({} if exact else before), **given}
    return {name: value for name, value in merged.items() if value is not None}


def carries(labels: t.Mapping[str, str], name: str) -> bool:
    """Whether a label counts for a policy: it is set, and neither empty nor ``false``."""
    return labels.get(name, "") not in ("", "false")


def check_policies(nodes: t.Mapping[str, t.Mapping[str, str]], policies: t.Mapping[str, t.Any]) -> None:
    """Raise PlanError that names every rule that ``nodes`` (labels by name of the node) would break."""
    broken = []
    for name in policies.get("exactly_one") or []:
        carriers = sorted(node for node, labels in nodes.items() if carries(labels, name))
        if len(carriers) != 1:
            broken.append(f"exactly one node must carry {name}, but {_count(carriers)}")
    for group in policies.get("at_most_one_of") or []:
        for node in sorted(nodes):
            carried = [name for name in group if carries(nodes[node], name)]
            if len(carried) > 1:
                broken.append(f"{node} carries {' and '.join(carried)}, but at most one of {', '.join(group)} is allowed")
    if broken:
        raise PlanError(f"Label policies: {'; '.join(broken)}.")


def _count(carriers: t.Sequence[str]) -> str:
    return f"{len(carriers)} do: {', '.join(carriers)}" if carriers else "none does"


def _is_askable(label: str, value: str) -> bool:
    """Whether a constraint can ask for the label with this value."""
    asked = parse_constraint(f"node.labels.{label} == {value}")
    return asked is not None and (asked.key, asked.value) == (f"node.labels.{label}", value)
