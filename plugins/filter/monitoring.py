# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role monitoring deploys, and whether it works."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.alerts import judge_alert, receiver_kinds
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.problems import Problem, find_in_rule_files, find_problems
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.settings import Settings
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.stack import monitoring_stack as stack_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.targets import expected_targets, judge_targets

from ..plugin_utils.inventory_schema import written
from ..plugin_utils.inventory_values import as_plain

Record = t.Mapping[str, t.Any]


def monitoring_stack(given: Record, exporter: str, rules: t.Sequence[str] = (), dashboards: t.Sequence[str] = ()) -> dict[str, t.Any]:
    settings = Settings.of(as_plain(given))
    for problem in (*find_problems(settings), *find_in_rule_files(as_plain(rules), settings.rule_files)):
        raise AnsibleFilterError(f"{_said(problem)} Nothing was changed.")
    return stack_of(settings, str(exporter), as_plain(rules), as_plain(dashboards))._asdict()


def _said(problem: Problem) -> str:
    return f"{written(f'monitoring_{problem.variable}', problem.path)} {problem.text}. {problem.cure}."


def monitoring_targets(answer: str, given: Record, model: Record, services: t.Sequence[Record]) -> dict[str, t.Any]:
    settings = Settings.of(as_plain(given))
    return judge_targets(answer, expected_targets(model, services, settings.stack, settings.label))._asdict()


def monitoring_receivers(receivers: t.Iterable[Record]) -> dict[str, dict[str, int]]:
    return receiver_kinds(as_plain(receivers))


def monitoring_arrival(answer: str, kinds: t.Mapping[str, t.Mapping[str, int]]) -> dict[str, t.Any]:
    return judge_alert(answer, kinds)._asdict()


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {each.__name__: each for each in (monitoring_stack, monitoring_targets, monitoring_receivers, monitoring_arrival)}
