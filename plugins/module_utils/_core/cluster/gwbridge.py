# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``docker_gwbridge``, through which tasks on overlay networks leave their host. Pure.

Unless it exists, the engine creates it when a host joins a swarm, with a subnet of its own choice.
"""

from __future__ import annotations

import typing as t

from ...errors import PlanError
from ...plan import Change, compare
from .subnets import parse_subnet, refuse_public, refuse_routed

NAME, MAKE = "docker_gwbridge", "make bridge"
# The ingress network's own end on the bridge. It stays when the host leaves its swarm, and holds the bridge for nobody.
SANDBOX = "gateway_ingress-sbox"
_MTU = "com.docker.network.driver.mtu"
# What the engine itself gives the bridge.
_OPTIONS = {
    "com.docker.network.bridge.name": NAME,
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
}

Raw = t.Mapping[str, t.Any]


def find_drift(host: str, existing: Raw | None, wanted: Raw) -> list[str]:
    """A sentence where a member of a swarm has another bridge than is wanted."""
    if existing is None or not compare(_read(existing, wanted), _wishes(wanted)):
        return []
    found, wish = (", ".join(f"{key} {value}" for key, value in each.items()) for each in (_read(existing, wanted), _wishes(wanted)))
    return [f"{host} has {NAME} with {found}, wanted {wish}; it can change only while the host is in no swarm: leave and join again"]


def plan_bridge(host: str, existing: Raw | None, wanted: Raw, routes: t.Sequence[t.Mapping[str, str]]) -> list[Change]:
    """What makes the bridge as it is wanted, on a host that is in no swarm. Raises PlanError for subnets that can't be."""
    wishes = _wishes(wanted)
    fields = compare(_read(existing, wanted) if existing else {}, wishes)
    if not fields:
        return []
    if "subnet" in wishes:
        subnet = parse_subnet(NAME, wishes["subnet"])
        refuse_public(NAME, subnet, way_out="")
        refuse_routed(NAME, [subnet], {host: [route for route in routes if route["via"] != NAME]})
    ends = {str(each.get("Name") or key) for key, each in ((existing or {}).get("Containers") or {}).items()}
    used = sorted(ends - {SANDBOX})
    if used:
        raise PlanError(f"{NAME} of {host} can't be recreated while containers use it: {', '.join(used)}", "Stop those first.")
    options = {**_OPTIONS, **({_MTU: str(wanted["mtu"])} if wanted.get("mtu") else {})}
    config = [{"Subnet": wishes["subnet"]}] if "subnet" in wishes else []
    body = {"Name": NAME, "Driver": "bridge", "Options": options, "IPAM": {"Driver": "default", "Config": config}}
    payload = {"do": MAKE, "host": host, "id": existing["Id"] if existing else "", "release": SANDBOX in ends, "body": body}
    return [Change("network", f"{NAME} of {host}", "replace" if existing else "create", fields, payload=payload)]


def _wishes(wanted: Raw) -> dict[str, t.Any]:
    return {key: wanted[key] for key in ("subnet", "mtu") if wanted.get(key)}


def _read(existing: Raw, wanted: Raw) -> dict[str, t.Any]:
    """What was wished for, as it is."""
    configs = (existing.get("IPAM") or {}).get("Config") or [{}]
    mtu = str((existing.get("Options") or {}).get(_MTU) or "")
    found = {"subnet": configs[0].get("Subnet"), "mtu": int(mtu) if mtu.isdecimal() else None}
    return {key: found[key] for key in _wishes(wanted)}
