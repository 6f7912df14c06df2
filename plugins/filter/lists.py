# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists from what an inventory, a survey or the answers of hosts give."""

from __future__ import annotations

import typing as t


def to_list(value: t.Any) -> list[str]:
    """A survey and ``-e`` give one text with commas where an inventory has a list."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [each for part in value for each in to_list(part)]
    return [each.strip() for each in str(value).split(",") if each.strip()]


def having(records: t.Iterable[t.Mapping[str, t.Any]], attribute: str) -> list[t.Mapping[str, t.Any]]:
    """A host that did not answer lacks what the others told, and selectattr stops at an attribute that is not there."""
    return [record for record in records if record.get(attribute)]


def host_addresses(hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """The address by which Ansible reaches each host, its name where it has none."""
    return [str(hostvars[host].get("ansible_host") or host) for host in hosts]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {each.__name__: each for each in (to_list, having, host_addresses)}
