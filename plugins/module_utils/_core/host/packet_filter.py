# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the rules are there that an engine gave the packet filter when it started. Pure."""

from __future__ import annotations

import re
import typing as t

from .daemon_json import Config

LIST_NAT, LIST_FORWARD = ["iptables", "-t", "nat", "-S", "PREROUTING"], ["iptables", "-S", "FORWARD"]


def is_engines(config: Config, flags: t.Mapping[str, str]) -> bool:
    """Whether the engine makes rules for iptables at all."""
    wanted = {**config, **flags}
    return str(wanted.get("iptables", True)).lower() != "false" and wanted.get("firewall-backend", "iptables") == "iptables"


def find_missing(nat: str, forward: str) -> list[str]:
    """The chains from which nothing leads to the engine's own, given what ``iptables -S`` lists of them."""
    ways = (("PREROUTING of table nat", nat, "DOCKER"), ("FORWARD", forward, "DOCKER-(USER|FORWARD)"))
    return [name for name, rules, chains in ways if not re.search(rf" -j {chains}$", rules, re.MULTILINE)]
