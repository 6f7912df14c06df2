# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of role health."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import Limits, judge_health


def health_report(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    cluster: t.Mapping[str, t.Any],
    services: t.Sequence[t.Mapping[str, t.Any]],
    limits: t.Mapping[str, t.Any],
    overlay: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
    edge: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """``limits`` has the fields of ``Limits``."""
    return judge_health(hosts, cluster, services, Limits(**limits), overlay or {}, edge or {})


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"health_report": health_report}
