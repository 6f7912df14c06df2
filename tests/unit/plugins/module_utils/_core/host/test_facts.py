# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.facts import (
    find_address,
    find_kernel_modules,
    parse_addresses,
    parse_memory_mb,
    parse_os_release,
    parse_swarm_state,
    tell_addresses,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.software import parse_packages, parse_units

OS_RELEASE = """PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION_CODENAME=trixie
# a comment
ID=debian
"""
ADDRESSES = """1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever
2: eth0    inet 10.88.72.11/24 brd 10.88.72.255 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::42:aff:fe58:480b/64 scope link \\       valid_lft forever preferred_lft forever
3: eth1    inet6 fd00::11/64 scope global nodad \\       valid_lft forever preferred_lft forever
"""
UNITS = """Id=docker.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled

Id=nfs-server.service
LoadState=not-found
ActiveState=inactive
UnitFileState=

Id=other.service
LoadState=loaded
ActiveState=failed
UnitFileState=disabled
"""


def test_os_release() -> None:
    assert parse_os_release(OS_RELEASE) == {"id": "debian", "version": "13", "codename": "trixie"}
    assert parse_os_release("") == {"id": "", "version": "", "codename": ""}


def test_memory() -> None:
    assert parse_memory_mb("MemTotal:       24683136 kB\nMemFree: 1 kB\n") == 24104
    assert parse_memory_mb("") == 0


def test_addresses() -> None:
    assert parse_addresses(ADDRESSES) == ["10.88.72.11", "fd00::11"]
    assert (tell_addresses(ADDRESSES), tell_addresses("")) == ("10.88.72.11 on eth0, fd00::11 on eth1", "none")


def test_packages() -> None:
    text = "docker.io 26.1.5+dfsg1-9+b10 install installed\nbash 5.2 hold installed\ngone 1.0 deinstall config-files\n"
    assert parse_packages(text) == {
        "docker.io": {"version": "26.1.5+dfsg1-9+b10", "hold": False},
        "bash": {"version": "5.2", "hold": True},
    }


def test_units() -> None:
    assert parse_units(UNITS) == {
        "docker.service": {"active": True, "enabled": True},
        "other.service": {"active": False, "enabled": False},
    }
    assert parse_units("") == {}


def test_the_address_of_an_interface() -> None:
    assert find_address(ADDRESSES, "eth0") == "10.88.72.11"
    assert find_address(ADDRESSES, "eth1") == "fd00::11"
    assert find_address(ADDRESSES, "lo") == find_address(ADDRESSES, "eth7") == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("{", {}),
        ('{"LocalAddr": "", "AdvertiseAddr": ""}', {}),
        (
            '{"LocalAddr":"10.0.0.1","AdvertiseAddr":"10.0.0.9:2377","DataPathAddr":"","DataPathPort":4790}',
            {"address": "10.0.0.9", "data_path_address": "10.0.0.9", "data_path_port": 4790},
        ),
        (
            '{"LocalAddr":"10.0.0.1","AdvertiseAddr":"eth0","DataPathAddr":"10.1.0.1"}',
            {"address": "10.0.0.1", "data_path_address": "10.1.0.1", "data_path_port": 4789},
        ),
    ],
)
def test_what_an_engine_keeps_of_its_swarm(text: str, found: dict[str, t.Any]) -> None:
    assert parse_swarm_state(text) == found


@pytest.mark.parametrize(
    ("loaded", "installed", "config", "there"),
    [
        ("ip_vs 16384 0 - Live 0x0\n", "", None, True),
        ("nodev overlay\n", "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/lib/x.ko\n", None, True),
        ("", None, "CONFIG_IP_VS=y\n", True),
        ("", None, "# CONFIG_IP_VS is not set\n", False),
        ("", "kernel/fs/ip_vs_rr.ko\n", None, False),
        ("", None, None, None),
    ],
)
def test_modules_of_the_kernel(loaded: str, installed: str | None, config: str | None, there: bool | None) -> None:
    assert find_kernel_modules(["ip_vs"], loaded, installed, config) == {"ip_vs": there}


def test_modules_of_the_kernel_by_other_names() -> None:
    assert find_kernel_modules(["overlay"], "nodev\toverlay\n", None, None) == {"overlay": True}
    assert find_kernel_modules(["overlay"], "", None, "CONFIG_OVERLAY_FS=y") == {"overlay": True}
    assert find_kernel_modules(["br_netfilter"], "", "kernel/net/bridge/br-netfilter.ko:\n", None) == {"br_netfilter": True}
