# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine, or a node, refuses of networks, volumes, secrets and configs: one row for each rule, as in service_rules."""

from __future__ import annotations

import ipaddress
import typing as t

from ...module_utils._core.service.naming import is_data_name, is_name
from . import engine_values as values
from .rule import MANAGER, NODE, Rule, template_rule

_LOCAL_DRIVERS = frozenset(("bridge", "macvlan", "ipvlan", "host", "null", "none"))
_PREDEFINED_NETWORKS = frozenset(("bridge", "host", "none", "default"))
_NUMBERS = ("com.docker.network.driver.mtu", "com.docker.network.driver.overlay.vxlanid_list")
_VOLUME_OPTIONS = frozenset(("type", "o", "device", "size"))


def _volume_problem(volume: t.Mapping[str, t.Any]) -> str:
    """What the driver ``local`` would say of its options."""
    options = volume.get("driver_opts") or {}
    if volume.get("driver", "local") != "local" or not options:
        return ""
    unknown = sorted(options.keys() - _VOLUME_OPTIONS)
    needed = {
        key for key, others in (("device", ["type"]), ("type", ["device"]), ("o", ["type", "device"])) if key in options for key in others
    }
    missing = sorted(needed - options.keys())
    return f"found {', '.join(unknown)}" if unknown else f"no {' and no '.join(missing)}" if missing else ""


def _subnet(config: t.Mapping[str, t.Any], strict: bool = False) -> t.Any:
    try:
        return ipaddress.ip_network(config.get("subnet", ""), strict=strict)
    except ValueError:
        return None


def _outside(config: t.Mapping[str, t.Any]) -> str:
    """What of a subnet's settings is none of its addresses, such as ``gateway 10.1.0.1``."""
    given = {"gateway": config.get("gateway"), "ip_range": config.get("ip_range"), **(config.get("aux_addresses") or {})}
    return ", ".join(f"{key} {text}" for key, text in given.items() if text and not _is_inside(text, _subnet(config)))


def _is_inside(text: str, subnet: t.Any) -> bool:
    try:
        inner: t.Any = ipaddress.ip_network(text)
    except ValueError:
        return False
    return subnet is None or (inner.version == subnet.version and inner.subnet_of(subnet))


def _overlapping(configs: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    subnets = [subnet for config in configs if (subnet := _subnet(config)) is not None and subnet.version == 4]
    return any(one.overlaps(other) for index, one in enumerate(subnets) for other in subnets[:index])


def _wrong_numbers(options: t.Mapping[str, str]) -> str:
    return ", ".join(
        f"{key} {options[key]!r}" for key in _NUMBERS if not all(text.isdecimal() for text in options.get(key, "0").split(","))
    )


NETWORK: tuple[Rule, ...] = (
    Rule(
        "driver",
        lambda name: name not in _LOCAL_DRIVERS,
        "overlay",
        "moby daemon/cluster/networks.go populateNetworkID",
        MANAGER,
        "create it beforehand with scope swarm and declare it external, or use overlay",
        lambda name: f"a network of driver {name} ends at its node, and no service can use it",
    ),
    Rule(
        "enable_ipv6",
        lambda wanted: not wanted,
        "no IPv6",
        "moby daemon/libnetwork/cnmallocator (moby#48116)",
        cure="remove it: Swarm gives tasks IPv4 addresses alone; clients reach published ports of a node by IPv6",
        found=lambda _wanted: "found true",
        stricter="the engine takes it, and tasks get addresses of one family",
    ),
    Rule(
        "ipam.config.*",
        lambda config: _subnet(config) is not None,
        "a subnet such as 10.20.0.0/24",
        "swarmkit manager/controlapi/network.go validateIPAMConfiguration",
        MANAGER,
        found=lambda config: f"found subnet {config.get('subnet', '')!r}",
    ),
    Rule(
        "ipam.config.*",
        lambda config: getattr(_subnet(config), "version", 4) == 4,
        "an IPv4 subnet",
        "moby daemon/libnetwork/cnmallocator (moby#48116)",
        cure="remove it: Swarm gives tasks IPv4 addresses alone",
        found=lambda config: f"found the IPv6 subnet {config['subnet']}",
        stricter="beside IPv4 the engine takes it, and tasks get one address",
    ),
    Rule(
        "ipam.config.*",
        lambda config: _subnet(config) is None or _subnet(config, strict=True) is not None,
        "the first address of a subnet",
        "moby daemon/network.go validateIpamConfig",
        MANAGER,
        since=(25, 0),
        found=lambda config: f"{config['subnet']} is inside of {_subnet(config)}",
    ),
    Rule(
        "ipam.config.*",
        lambda config: not _outside(config),
        "addresses of its subnet",
        "swarmkit manager/controlapi/network.go validateIPAMConfiguration",
        MANAGER,
        found=lambda config: f"found {_outside(config)} with subnet {config.get('subnet', '')}",
    ),
    Rule(
        "ipam.config",
        lambda configs: not _overlapping(configs),
        "subnets that share no address",
        "moby daemon/libnetwork/cnmallocator/networkallocator.go allocatePools",
        found=lambda configs: f"subnets overlap: {', '.join(str(config.get('subnet')) for config in configs)}",
        stricter="the engine takes it, and no task gets an address",
    ),
    Rule(
        "driver_opts",
        lambda options: not _wrong_numbers(options),
        "a whole number",
        "moby daemon/libnetwork/drivers/overlay/ov_network.go CreateNetwork",
        NODE,
        found=lambda options: f"found {_wrong_numbers(options)}",
    ),
    Rule(
        "name",
        lambda name: name not in _PREDEFINED_NETWORKS,
        "another name",
        "moby daemon/cluster/networks.go CreateNetwork",
        MANAGER,
        "declare it external to use the network of the nodes",
    ),
    Rule(
        "name",
        is_name,
        "up to 63 letters, digits, - and _, the first and last a letter or digit",
        "swarmkit manager/controlapi/common.go validateAnnotations",
        MANAGER,
    ),
    Rule(
        "labels.@",
        lambda name: name != "com.docker.swarm.predefined",
        "another label",
        "swarmkit manager/controlapi/network.go validateNetworkSpec",
        MANAGER,
    ),
)

VOLUME: tuple[Rule, ...] = (
    Rule(
        "name",
        values.is_volume_name,
        "two or more letters, digits, _, . and -, the first a letter or digit",
        "moby daemon/volume/local/local.go validateName",
        NODE,
    ),
    Rule(
        "",
        lambda volume: not _volume_problem(volume),
        "type, o and device, together, or size",
        "moby daemon/volume/local/local_unix.go validateOpts",
        NODE,
        at="driver_opts",
        found=_volume_problem,
    ),
    *(template_rule(f"{key}.*") for key in ("driver_opts", "labels")),
)

DATA: tuple[Rule, ...] = (
    Rule(
        "name",
        is_data_name,
        "up to 64 letters, digits, -, _ and ., the first and last a letter or digit",
        "swarmkit manager/controlapi/common.go validateConfigOrSecretAnnotations",
        MANAGER,
    ),
    Rule("template_driver", lambda name: name == "golang", "golang", "swarmkit template/expand.go ExpandConfigSpec", NODE),
)
