# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.packet_filter import find_missing, is_engines

NAT = "-P PREROUTING ACCEPT\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
FORWARD = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-INGRESS\n"


@pytest.mark.parametrize(
    ("nat", "forward", "expected"),
    [
        (NAT, FORWARD, []),
        (NAT, "-P FORWARD ACCEPT\n-A FORWARD -j DOCKER-FORWARD\n", []),  # since engine 28
        (NAT, "-P FORWARD DROP\n", ["FORWARD"]),
        ("-P PREROUTING ACCEPT\n", FORWARD, ["PREROUTING of table nat"]),
        ("", "", ["PREROUTING of table nat", "FORWARD"]),
        ("-A PREROUTING -j DOCKERS\n", FORWARD, ["PREROUTING of table nat"]),
    ],
)
def test_what_a_flush_takes(nat: str, forward: str, expected: list[str]) -> None:
    assert find_missing(nat, forward) == expected


@pytest.mark.parametrize(
    ("config", "flags", "expected"),
    [
        ({}, {}, True),
        ({"iptables": False}, {}, False),
        ({}, {"iptables": "false"}, False),
        ({"firewall-backend": "nftables"}, {}, False),
        ({"firewall-backend": "iptables"}, {"iptables": "true"}, True),
    ],
)
def test_engines_that_make_no_rules(config: dict[str, object], flags: dict[str, str], expected: bool) -> None:
    assert is_engines(config, flags) is expected
