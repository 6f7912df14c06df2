# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role backup decides and shows."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.common.text.formatters import bytes_to_human
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_choice import choose_manager

Record = t.Mapping[str, t.Any]


def backup_choice(answers: t.Iterable[Record], manager: str = "", drain: bool = True) -> dict[str, t.Any]:
    return dataclasses.asdict(choose_manager(answers, manager, drain))


def backup_lines(backups: t.Iterable[Record]) -> list[str]:
    return ["  ".join(_parts(backup)) for backup in backups]


def _parts(backup: Record) -> t.Iterator[str]:
    yield from (backup["path"], backup["archived_at"], bytes_to_human(backup["bytes"]))
    yield ", ".join(each["title"] for each in backup["contents"]) or "state alone"
    if backup["faults"]:
        yield f"DAMAGED: {', '.join(backup['faults'])}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"backup_choice": backup_choice, "backup_lines": backup_lines}
