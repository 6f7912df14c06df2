# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host lets others reach, read from its files, its sockets and its registry."""

from __future__ import annotations

import http.client
import os
import ssl
import time
import typing as t

from .._core.host import daemon_json, exports
from .._core.host.exposure import (
    Listener,
    asks_for_certificates,
    closed_ports,
    engine_addresses,
    metrics_address,
    parse_listeners,
    published_ports,
)
from .._core.host.firewall import RULES_FILES
from ..errors import FlotillaError
from .host import Host

DAEMON_JSON = daemon_json.PATH
CERTIFICATES, EXPORTS = "/etc/docker/certs.d", "/etc/exports"
REGISTRY_PORT = "5000/tcp"
_SECONDS = 3.0


class Reader(t.Protocol):
    """The host, or what keeps its answers."""

    def read(self, path: str) -> str | None: ...

    def run(self, argv: list[str]) -> tuple[int, str, str]: ...


def read_config(host: Reader) -> daemon_json.Config:
    """A file that can't be read or is broken is for daemon_config to complain about."""
    try:
        return daemon_json.parse(host.read(DAEMON_JSON), DAEMON_JSON)
    except FlotillaError:
        return {}


def read_flags(host: Reader) -> dict[str, str]:
    """As far as the files that the unit reads can be read without root."""
    shown = host.run(daemon_json.show_unit(daemon_json.UNIT))[1]
    try:
        return daemon_json.flags_of(daemon_json.parse_unit(shown), host.read)
    except FlotillaError:
        return {}


def read_exposure(host: Host, config: daemon_json.Config, flags: t.Mapping[str, str]) -> dict[str, t.Any]:
    """``engine``, ``metrics``, ``exports``, ``ports``, ``closed`` and ``registries``, as ``host_info`` documents them."""
    listeners = parse_listeners(host.run(["ss", "-Hltunp"])[1])
    engine, metrics = engine_addresses(config, flags), metrics_address(config, flags)
    return {
        "engine": [] if asks_for_certificates(config, flags) else engine,
        "metrics": metrics,
        "exports": _open_exports(host),
        "ports": published_ports(listeners, [*engine, metrics]),
        "closed": sorted(closed_ports(_read(host, RULES_FILES[4]))),
        "registries": _registries(host, listeners),
    }


def _open_exports(host: Host) -> list[str]:
    files = [EXPORTS, *(f"{EXPORTS}.d/{name}" for name in host.list_dir(f"{EXPORTS}.d") if name.endswith(".exports"))]
    return sorted({path for file in files for path in exports.open_paths(_read(host, file))})


def _read(host: Host, path: str) -> str:
    try:
        return host.read(path) or ""
    except FlotillaError:
        return ""


def _registries(host: Host, listeners: t.Iterable[Listener]) -> list[dict[str, t.Any]]:
    """Of the usual port, and of those whose certificate the engine was told to trust, what listens here and is a registry."""
    trusted = {f"{name.rpartition(':')[2]}/tcp": f"{CERTIFICATES}/{name}/ca.crt" for name in host.list_dir(CERTIFICATES)}
    places = {each.port: each.address or "127.0.0.1" for each in listeners if each.port in {REGISTRY_PORT, *trusted}}
    found = [_ask(address, port, trusted.get(port, "")) for port, address in sorted(places.items())]
    return [each for each in found if each]


def _ask(address: str, port: str, ca: str) -> dict[str, t.Any]:
    """Who asks without a login, as anybody could; empty if no registry answers."""
    number = int(port.partition("/")[0])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    status, is_registry = _get(http.client.HTTPSConnection(address, number, timeout=_SECONDS, context=context))
    tls = status > 0
    if not tls:
        status, is_registry = _get(http.client.HTTPConnection(address, number, timeout=_SECONDS))
    if not is_registry:
        return {}
    days = _certificate_days(address, number, ca) if tls and os.path.isfile(ca) else None
    return {"port": port, "tls": tls, "open": status == 200, "certificate_days": days}


def _get(connection: http.client.HTTPConnection) -> tuple[int, bool]:
    """The status, 0 without an answer, and whether a registry gave it."""
    try:
        connection.request("GET", "/v2/")
        answer = connection.getresponse()
        return answer.status, bool(answer.getheader("Docker-Distribution-Api-Version"))
    except (OSError, http.client.HTTPException):
        return 0, False
    finally:
        connection.close()


def _certificate_days(address: str, port: int, ca: str) -> float | None:
    """Only of a certificate that fits the authority: the others can't be read without a library."""
    try:
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False
        connection = http.client.HTTPSConnection(address, port, timeout=_SECONDS, context=context)
        connection.connect()
        ends = t.cast(ssl.SSLSocket, connection.sock).getpeercert() or {}
        connection.close()
        return round((ssl.cert_time_to_seconds(str(ends["notAfter"])) - time.time()) / 86400, 1)
    except (OSError, KeyError, ValueError):
        return None
