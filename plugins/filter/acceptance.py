# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role acceptance tries, and its report."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.acceptance import Run, find_cause, find_due, judge_acceptance

Record = t.Mapping[str, t.Any]


def acceptance_due(given: Record, facts: Record) -> dict[str, Record]:
    return find_due(Run(**given, facts=facts))


def acceptance_report(given: Record, facts: Record) -> dict[str, t.Any]:
    return judge_acceptance(Run(**given, facts=facts))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"acceptance_cause": find_cause, "acceptance_due": acceptance_due, "acceptance_report": acceptance_report}
