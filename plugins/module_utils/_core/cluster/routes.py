# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host reaches by itself. Pure."""

from __future__ import annotations

import ipaddress
import struct


def read_routes(route_table: str, resolv_conf: str) -> list[dict[str, str]]:
    """What a host reaches by itself: ``network`` and ``via`` (an interface, or ``resolver``).

    From the texts of ``/proc/net/route`` and ``/etc/resolv.conf``. The default route and loopback are left out.
    """
    found = []
    for line in route_table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 7 and int(columns[7], 16):
            address, mask = (_read_hex(columns[place]) for place in (1, 7))
            found.append({"network": str(ipaddress.ip_network(f"{address}/{mask}", strict=False)), "via": columns[0]})
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and _is_elsewhere(words[1]):
            found.append({"network": str(ipaddress.ip_network(words[1])), "via": "resolver"})
    return found


def _read_hex(text: str) -> ipaddress.IPv4Address:
    """The kernel prints addresses in the byte order of little-endian machines."""
    return ipaddress.IPv4Address(struct.pack("<I", int(text, 16)))


def _is_elsewhere(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
