# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verb update changes in services that are already there. Pure."""

from __future__ import annotations

from ...errors import PlanError
from ...plan import Change, Plan
from ..schedule.placement import left_nodes, task_count
from ..service.diff import diff_service, update_cost
from ..service.edit import Edit
from ..service.images import settle_image
from ..service.naming import item_name
from ..service.spec import ServiceSpec
from .verbs import Observed, change_of


def plan_update(observed: Observed, edit: Edit) -> Plan:
    """One after the other, each in one update. Raises PlanError where no node would match."""
    changes: list[Change] = []
    warnings: list[str] = []
    for service in observed.chosen:
        name, wanted = item_name(service), edit.apply(service["Spec"])
        if edit.image:
            wanted, problem = settle_image(wanted, service, observed.images, "always")
            if problem and problem not in warnings:
                warnings.append(problem)
        if edit.constraints and not observed.nodes.eligible(wanted):
            wish = ", ".join(ServiceSpec(wanted).constraints)
            raise PlanError(f"service {name}: no node that is ready and active matches {wish}.")
        diff = diff_service(service, wanted, observed.names)
        if diff.fields or diff.restarts:
            left = left_nodes(service["Spec"], diff.body, observed.nodes)
            cost = update_cost(diff.body, task_count(wanted, observed.nodes), diff.restarts, left)
            changes.append(change_of(service, diff.body, diff.fields, cost))
    return Plan(tuple(changes), tuple(warnings))
