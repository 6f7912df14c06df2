# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role engine needs of a host's packages and of daemon.json."""

from __future__ import annotations

import typing as t

from ..module_utils._core.host.engine_packages import Choice, Packages, Upgrade, default_config

Record = t.Mapping[str, t.Any]


def engine_upgrade(host: Record, choice: Record, found: Record, outside: bool = False, marked: bool = False) -> dict[str, t.Any]:
    upgrade = Upgrade(Packages(host, Choice(**choice)), found, outside, marked)
    return {"due": upgrade.is_due, "refusal": upgrade.refuse()}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"engine_upgrade": engine_upgrade, "engine_defaults": default_config}
