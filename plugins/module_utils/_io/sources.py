# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the hosts of package sources can be reached: apt itself tells some failures without a reason."""

from __future__ import annotations

import socket
import typing as t
from urllib.parse import urlsplit

_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443, "ftp": 21}


def find_unreached(addresses: t.Iterable[str]) -> list[str]:
    """Of each host that can't be reached what is wrong; nothing of addresses that lead to no host, such as ``file:/srv``."""
    places = {(place.hostname, place.port or _PORTS[place.scheme]) for place in map(urlsplit, addresses) if place.scheme in _PORTS}
    return [problem for host, port in sorted(places) if host and (problem := _try(host, port))]


def _try(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except socket.gaierror as error:
        return f"{host} could not be resolved ({error.strerror})"
    except OSError as error:
        return f"{host} could not be reached at port {port} ({error.strerror or error})"
    return ""
