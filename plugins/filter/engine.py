# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role engine needs of a host's packages and of daemon.json."""

from __future__ import annotations

import typing as t

from ansible_collections.flotilla.swarm.plugins.plugin_utils.engine_packages import Catalog, Choice, Packages, Upgrade, default_config

Record = t.Mapping[str, t.Any]


def engine_packages(host: Record, catalog: Record, choice: Record) -> dict[str, t.Any]:
    """``catalog`` and ``choice`` have the fields of ``Catalog`` and ``Choice``."""
    return Packages(host, Catalog(**catalog), Choice(**choice)).as_record()


def engine_upgrade(
    host: Record, catalog: Record, choice: Record, found: Record, outside: bool = False, marked: bool = False
) -> dict[str, t.Any]:
    upgrade = Upgrade(Packages(host, Catalog(**catalog), Choice(**choice)), found, outside, marked)
    return {"due": upgrade.is_due, "refusal": upgrade.refuse()}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"engine_packages": engine_packages, "engine_upgrade": engine_upgrade, "engine_defaults": default_config}
