# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory as it is checked, and what is found. Pure."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

from ..module_utils._core.cluster.labels import labels_as_text, merge_labels
from ..module_utils._core.service.constraints import Constraint
from ..module_utils.errors import PlanError
from .fault import FAULT
from .inventory_schema import Path_, known_names, split, written
from .inventory_values import UNKNOWN, Variable, is_known
from .stack_check import StackSeen

LATER = "later"
MANAGERS, WORKERS, GPU_NODES = "swarm_managers", "swarm_workers", "gpu_nodes"
ROLE = "node.role"
NFS_SERVERS, SSHFS_SERVERS = "nfs_servers", "sshfs_servers"


@dataclass(frozen=True)
class Finding:
    """``path`` leads into the variable ``name``, which ``hosts`` have; without a name the inventory as a whole is meant.

    ``subject`` is what the text is about, if it is not that variable.
    """

    check: str
    text: str
    cure: str = ""
    name: str = ""
    path: Path_ = ()
    hosts: tuple[str, ...] = ()
    level: str = FAULT
    subject: str | None = None


@dataclass(frozen=True)
class Inventory:
    """``read`` are names that templates use, ``own`` patterns for names that are the user's, ``given`` what came with ``-e``."""

    groups: t.Mapping[str, t.Sequence[str]]
    variables: t.Sequence[Variable]
    read: t.Collection[str] = ()
    own: t.Collection[str] = ()
    given: t.Collection[str] = ()
    stacks: t.Sequence[StackSeen] = field(default_factory=list)

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Variable]]:
        found: dict[str, list[Variable]] = {}
        for variable in self.variables:
            found.setdefault(variable.name, []).append(variable)
        return found

    def all_of(self, name: str) -> list[Variable]:
        return self._by_name.get(name, [])

    def value(self, host: str, name: str) -> t.Any:
        """The value that a role sees on a host; UNKNOWN where that is not known, or computed by the role."""
        for each in self.all_of(name):
            if host in each.hosts:
                return each.value
        default = known_names()[name].get("default")
        return UNKNOWN if isinstance(default, str) and "{{" in default else default

    def with_stacks(self, stacks: t.Sequence[StackSeen]) -> Inventory:
        return replace(self, stacks=stacks)

    @property
    def nodes(self) -> list[str]:
        return list(dict.fromkeys((*self.groups.get(MANAGERS, ()), *self.groups.get(WORKERS, ()))))

    @property
    def manager(self) -> str:
        """The first one, which has the variables of all; empty if there is none."""
        return next(iter(self.groups.get(MANAGERS, ())), "")

    @property
    def deployed(self) -> list[StackSeen]:
        """Stacks that are deployed, and whose files can be read."""
        return [stack for stack in self.stacks if stack.declared.is_deployed and stack.models]

    @functools.cached_property
    def _labels(self) -> dict[str, dict[str, str]] | None:
        """Node -> what nodes_labels gives it; None if that is not known."""
        given: dict[str, t.Any] = {}
        for variable in self.all_of("nodes_labels"):
            given |= variable.value if isinstance(variable.value, dict) else {}
        return {node: text_labels(given.get(node)) for node in self.nodes} if is_known(given) else None

    def allowed_nodes(self, constraint: Constraint) -> list[str] | None:
        """The nodes that a constraint on the role or a label allows; None for another one, or if the labels are not known."""
        if constraint.key.lower() == ROLE:
            managers = self.groups.get(MANAGERS, ())
            roles = {node: "manager" if node in managers else "worker" for node in self.nodes}
            return [node for node, role in roles.items() if constraint.allows({"Spec": {"Role": role}})]
        if not constraint.key.lower().startswith("node.labels.") or self._labels is None:
            return None
        return [node for node, labels in self._labels.items() if constraint.allows({"Spec": {"Labels": labels}})]


def unmet(constraint: Constraint) -> str:
    """Why ``allowed_nodes`` has none."""
    return "no host of the inventory has that role" if constraint.key.lower() == ROLE else "nodes_labels gives that label to no node"


def said(finding: Finding) -> str:
    """The finding without its place."""
    variable = written(finding.name, finding.path) if finding.name else ""
    return (
        f"{variable if finding.subject is None else finding.subject} {finding.text}".strip()
        + "."
        + (f" {finding.cure.rstrip('.')}." if finding.cure else "")
    )


def at(variable: Variable, path: Path_, check: str, text: str, cure: str = "", level: str = FAULT) -> Finding:
    """What is found at a path inside a variable."""
    return Finding(check, text, cure, variable.name, path, variable.hosts, level)


def of_stack(stack: StackSeen, check: str, text: str, cure: str = "", level: str = FAULT) -> Finding:
    """What is found in a stack, at the item that declares it."""
    hosts = stack.declared.variable.hosts if stack.declared.variable else ()
    name = stack.declared.variable.name if stack.declared.variable else "stacks_present"
    return Finding(check, text, cure, name, (stack.declared.index,), hosts, level, f"stack {stack.name}")


def names_in(inventory: Inventory, *lists: str) -> set[str]:
    variables = [variable for name in lists for variable in inventory.all_of(name) if isinstance(variable.value, list)]
    return {name_of(item) for variable in variables for item in variable.value} - {""}


def name_of(item: t.Any) -> str:
    """What tells an item of a list from the others, if it is known."""
    if isinstance(item, dict):
        item = next((item[key] for key in ("name", "path") if item.get(key)), "")
    return item if isinstance(item, str) and item != UNKNOWN else ""


def texts(value: t.Any) -> list[str]:
    if isinstance(value, str):
        return split(value)
    return [str(item) for item in value] if isinstance(value, list) else []


def text_labels(given: t.Any) -> dict[str, str]:
    """Labels as a node bears them; none where they can't be read, which is told elsewhere."""
    try:
        return merge_labels({}, labels_as_text("", given or {}), exact=True)
    except (PlanError, AttributeError):
        return {}


def some(names: t.Sequence[str], most: int = 3) -> str:
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more} more" if more > 0 else ", ".join(names)
