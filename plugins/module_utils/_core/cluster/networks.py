# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlay networks: what exists, what is wanted, and the changes between the two. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ...errors import PlanError
from ...plan import Change, Field, Plan, compare
from ..service.spec import Service, ServiceSpec
from .subnets import Network, find_overlaps, parse_subnet, refuse_public, refuse_routed, refuse_stranger

_MTU = "com.docker.network.driver.mtu"
_ENCRYPTED = "encrypted"
# CVE-2023-28840 to 28842: before these, engines may send packets of encrypted networks in clear, and take such packets.
_SAFE_ENGINES = ((20, 10, 24), (23, 0, 3))


def read_network(raw: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One entry of ``/networks`` by the user's names, with ``id`` and every ``subnets``."""
    options = dict(raw.get("Options") or {})
    config = ((raw.get("IPAM") or {}).get("Config") or []) + [{}]
    return {
        "id": raw.get("Id") or "",
        "name": raw.get("Name") or "",
        "driver": raw.get("Driver") or "",
        "subnet": config[0].get("Subnet"),
        "gateway": config[0].get("Gateway"),
        "subnets": [entry["Subnet"] for entry in config if entry.get("Subnet")],
        "attachable": bool(raw.get("Attachable")),
        "internal": bool(raw.get("Internal")),
        "ingress": bool(raw.get("Ingress")),
        "encrypted": _ENCRYPTED in options,
        "mtu": int(options[_MTU]) if str(options.get(_MTU, "")).isdecimal() else None,
        "options": options,
        "labels": dict(raw.get("Labels") or {}),
    }


def needs_users(existing: t.Sequence[t.Mapping[str, t.Any]], wanted: t.Sequence[t.Mapping[str, t.Any]], absent: t.Sequence[str]) -> bool:
    """Whether the plan depends on which services use the networks."""
    by_name = {each["name"]: each for each in existing}
    differing = (each["name"] in by_name and find_drift(by_name[each["name"]], each) for each in wanted)
    return any(name in by_name for name in absent) or any(differing)


def find_drift(existing: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> tuple[Field, ...]:
    """What differs of that which the user named. Of labels and options only the named keys count."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for name in ("subnet", "gateway", "attachable", "internal", "ingress", "encrypted", "mtu"):
        if wanted.get(name) is not None:
            before[name], after[name] = _comparable(existing[name]), _comparable(wanted[name])
    for name in ("options", "labels"):
        named = {key: as_text(value) for key, value in (wanted.get(name) or {}).items()}
        before[name], after[name] = {key: existing[name].get(key) for key in named}, named
    return compare(before, after)


def _comparable(value: t.Any) -> t.Any:
    """IPv6 can be written in many ways."""
    try:
        return str(ipaddress.ip_network(value) if "/" in value else ipaddress.ip_address(value))
    except (TypeError, ValueError):
        return value


def as_text(value: t.Any) -> str:
    """Options and labels are texts; booleans are written as Docker's own clients write them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def find_users(network: t.Mapping[str, t.Any], services: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Names of the services on a network; for the ingress network those that publish a port through it."""
    return sorted(
        service.name
        for service in map(Service, services)
        if (_publishes(service.spec) if network["ingress"] else service.spec.targets & {network["id"], network["name"]})
    )


def _publishes(spec: ServiceSpec) -> bool:
    return any(port.get("PublishMode", "ingress") == "ingress" for port in spec.ports)


def plan_networks(
    existing: t.Sequence[t.Mapping[str, t.Any]],
    wanted: t.Sequence[t.Mapping[str, t.Any]],
    absent: t.Sequence[str] = (),
    services: t.Sequence[t.Mapping[str, t.Any]] = (),
    routes: t.Mapping[str, t.Sequence[t.Mapping[str, str]]] | None = None,
    engines: t.Mapping[str, str] | None = None,
) -> Plan:
    """Removals first: they make room for what is created. ``services`` may be empty unless ``needs_users``.

    ``engines`` has the version of each node's engine, by host name; it may be empty unless ``wants_encryption``.
    ``routes`` are those of the hosts, as ``read_routes`` gives them; a new subnet keeps clear of them.
    """
    names = [*(each["name"] for each in wanted), *absent]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"Networks: {', '.join(twice)} is given more than once.")
    by_name = {each["name"]: each for each in existing}
    _check_subnets(existing, wanted, set(absent))
    removals = [_removal(by_name[name], services) for name in absent if name in by_name]
    changes = [change for each in wanted for change in _plan_present(by_name.get(each["name"]), each, services)]
    for change in changes:
        subnets = [ipaddress.ip_network(each["Subnet"]) for each in change.payload["body"]["IPAM"]["Config"] if "Subnet" in each]
        refuse_routed(f"Network {change.name}", subnets, routes or {})
    warnings = tuple(_warn_of_clear_text(engines or {})) if wants_encryption(wanted) else ()
    return Plan((*removals, *changes), warnings, result={"networks": [each["name"] for each in wanted]})


def wants_encryption(wanted: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    return any(each.get("encrypted") for each in wanted)


def sends_clear_text(version: str) -> bool:
    """Whether an engine of this version, such as 20.10.5+dfsg1, may send in clear what an encrypted network carries."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version.split("+")[0].split("-")[0])[:3])
    older, newer = _SAFE_ENGINES
    return bool(numbers) and (numbers < older or newer[:2] <= numbers < newer)


def _warn_of_clear_text(engines: t.Mapping[str, str]) -> t.Iterator[str]:
    found = ", ".join(f"{host} ({version})" for host, version in sorted(engines.items()) if sends_clear_text(version))
    if found:
        yield (
            f"Encrypted networks may send clear text on {found}: CVE-2023-28840 to 28842. Upgrade to engine 20.10.24, 23.0.3 or newer, "
            "unless your distribution has fixed it in its own package."
        )


def _check_subnets(existing: t.Sequence[t.Mapping[str, t.Any]], present: t.Sequence[t.Mapping[str, t.Any]], leaving: set[str]) -> None:
    known: dict[str, list[Network]] = {
        each["name"]: [ipaddress.ip_network(subnet) for subnet in each["subnets"]] for each in existing if each["name"] not in leaving
    }
    for each in present:
        if not each.get("subnet"):
            if each.get("gateway"):
                raise PlanError(f"Network {each['name']}: a gateway needs a subnet.")
            continue
        owner = f"Network {each['name']}"
        subnet = parse_subnet(owner, each["subnet"])
        if not each.get("allow_public_subnet"):
            refuse_public(owner, subnet)
        if each.get("gateway"):
            refuse_stranger(owner, each["gateway"], subnet)
        known[each["name"]] = [subnet]
    named = {each["name"] for each in present}
    clashes = [clash for clash in find_overlaps(known) if named & {clash[0], clash[2]}]
    if clashes:
        told = "; ".join(f"{subnet} of {owner} and {theirs} of {other}" for owner, subnet, other, theirs in clashes)
        raise PlanError(f"Subnets of networks overlap: {told}", "Use subnets that do not overlap.")


def _removal(network: t.Mapping[str, t.Any], services: t.Sequence[t.Mapping[str, t.Any]]) -> Change:
    _refuse_used(network, services, "removed")
    return Change("network", network["name"], "remove", payload={"id": network["id"]})


def _refuse_used(network: t.Mapping[str, t.Any], services: t.Sequence[t.Mapping[str, t.Any]], fate: str) -> None:
    users = find_users(network, services)
    if users:
        how = "publish ports through it" if network["ingress"] else "use it"
        raise PlanError(f"Network {network['name']} can't be {fate} while services {how}: {', '.join(users)}", "Remove those first.")


def _plan_present(
    existing: t.Mapping[str, t.Any] | None, wanted: t.Mapping[str, t.Any], services: t.Sequence[t.Mapping[str, t.Any]]
) -> list[Change]:
    name = wanted["name"]
    if not existing:
        shown = {key: value for key, value in _named(wanted).items() if value not in (None, False, {})}
        return [Change("network", name, "create", compare({}, shown), payload={"body": _body(wanted)})]
    if existing["driver"] != "overlay":
        raise PlanError(f"Network {name} exists with the driver {existing['driver']}, not as an overlay network.")
    drift = find_drift(existing, wanted)
    if not drift:
        return []
    if not wanted.get("recreate"):
        told = "; ".join(each.told() for each in drift)
        raise PlanError(
            f"Network {name} differs: {told}",
            "A network can't be changed: set recreate to create it again (no service may use it), or change the declaration.",
        )
    _refuse_used(existing, services, "recreated")
    return [Change("network", name, "replace", drift, payload={"id": existing["id"], "body": _body(wanted)})]


def _named(wanted: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    names = ("subnet", "gateway", "attachable", "internal", "ingress", "encrypted", "mtu", "options", "labels")
    return {name: wanted.get(name) for name in names}


def _body(wanted: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    options = {key: as_text(value) for key, value in (wanted.get("options") or {}).items()}
    if wanted.get("encrypted"):
        options[_ENCRYPTED] = ""
    if wanted.get("mtu"):
        options[_MTU] = str(wanted["mtu"])
    config = {"Subnet": wanted.get("subnet"), "Gateway": wanted.get("gateway")}
    config = {key: value for key, value in config.items() if value}
    return {
        "Name": wanted["name"],
        "Driver": "overlay",
        "CheckDuplicate": True,
        "Attachable": bool(wanted.get("attachable")),
        "Internal": bool(wanted.get("internal")),
        "Ingress": bool(wanted.get("ingress")),
        "Options": options,
        "Labels": {key: as_text(value) for key, value in (wanted.get("labels") or {}).items()},
        "IPAM": {"Driver": "default", "Config": [config] if config else []},
    }
