# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files and commands of a host say about it. Pure."""

from __future__ import annotations

import shlex
import typing as t


def parse_os_release(text: str) -> dict[str, str]:
    """``id``, ``version`` and ``codename`` of the distribution, each empty where the file does not say it."""
    values = {}
    for word in shlex.split(text, comments=True):
        name, separator, value = word.partition("=")
        if separator:
            values[name] = value
    return {
        "id": values.get("ID", ""),
        "version": values.get("VERSION_ID", ""),
        "codename": values.get("VERSION_CODENAME", ""),
    }


def parse_memory_mb(meminfo: str) -> int:
    """Total memory in MiB from /proc/meminfo."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def parse_addresses(text: str) -> list[str]:
    """Addresses from ``ip -oneline address``, without loopback and link-local ones, in the order of the interfaces."""
    addresses = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[2] in ("inet", "inet6") and "link" not in words[words.index("scope") + 1 :][:1]:
            addresses.append(words[3].split("/")[0])
    return [address for address in addresses if not address.startswith("127.") and address != "::1"]


def parse_packages(text: str) -> dict[str, dict[str, t.Any]]:
    """Installed Debian packages from lines of ``name version want status``, as ``{name: {version, hold}}``."""
    packages = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[3] == "installed":
            packages[words[0]] = {"version": words[1], "hold": words[2] == "hold"}
    return packages


def parse_units(text: str) -> dict[str, dict[str, bool]]:
    """State of units from ``systemctl show``, a blank line between units, as ``{name: {active, enabled}}``."""
    units = {}
    for block in text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if properties.get("LoadState") == "loaded":
            units[properties["Id"]] = {
                "active": properties.get("ActiveState") in ("active", "reloading"),
                "enabled": properties.get("UnitFileState") in ("enabled", "static", "alias", "indirect", "generated"),
            }
    return units
