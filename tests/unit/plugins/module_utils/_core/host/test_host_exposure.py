# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import firewall
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.exports import open_paths
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.exposure import (
    asks_for_certificates,
    closed_ports,
    engine_addresses,
    is_public,
    metrics_address,
    parse_listeners,
    published_ports,
)

LISTING = """\
udp   UNCONN 0      0            0.0.0.0:4789       0.0.0.0:*
udp   UNCONN 0      0                  *:7946             *:*    users:(("dockerd",pid=90,fd=31))
udp   UNCONN 0      0            0.0.0.0:53         0.0.0.0:*    users:(("docker-proxy",pid=97,fd=7))
tcp   LISTEN 0      4096       127.0.0.1:8081       0.0.0.0:*    users:(("docker-proxy",pid=95,fd=7))
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=50,fd=3))
tcp   LISTEN 0      4096         0.0.0.0:5000       0.0.0.0:*    users:(("docker-proxy",pid=96,fd=7))
tcp   LISTEN 0      4096            [::]:5000          [::]:*    users:(("docker-proxy",pid=96,fd=8))
tcp   LISTEN 0      4096               *:80               *:*    users:(("dockerd",pid=90,fd=40))
tcp   LISTEN 0      4096               *:2377             *:*    users:(("dockerd",pid=90,fd=20))
tcp   LISTEN 0      4096               *:7946             *:*    users:(("dockerd",pid=90,fd=30))
tcp   LISTEN 0      4096               *:2375             *:*    users:(("dockerd",pid=90,fd=5))
tcp   LISTEN 0      4096           [::1]:9323          [::]:*    users:(("dockerd",pid=90,fd=6))
tcp   LISTEN 0      4096   192.0.2.1%eth0:8443     0.0.0.0:*    users:(("docker-proxy",pid=98,fd=7))
"""


def test_published_ports_are_those_at_which_the_engine_or_its_proxy_listens_for_others() -> None:
    listeners = parse_listeners(LISTING)
    assert published_ports(listeners, ["0.0.0.0:2375", ""]) == ["53/udp", "80/tcp", "5000/tcp", "8443/tcp"]
    assert {each.address for each in listeners if each.port == "8443/tcp"} == {"192.0.2.1"}
    assert published_ports(parse_listeners("\n garbage tcp \n"), []) == []


@pytest.mark.parametrize(
    ("config", "flags", "addresses"),
    [
        ({}, {}, []),
        ({}, {"hosts": "fd://"}, []),
        ({"hosts": ["fd://", "tcp://0.0.0.0:2375"]}, {}, ["0.0.0.0:2375"]),
        ({"hosts": ["tcp://127.0.0.1:2375", "tcp://[::1]:2375", "tcp://localhost:2375", "tcp://:2375", "tcp://"]}, {}, []),
        ({}, {"hosts": "fd:// tcp://10.0.0.5:2376 unix:///run/docker.sock"}, ["10.0.0.5:2376"]),
        ({"hosts": "tcp://0.0.0.0:2375"}, {}, []),
    ],
)
def test_where_the_engine_answers(config: dict[str, Any], flags: dict[str, str], addresses: list[str]) -> None:
    assert engine_addresses(config, flags) == addresses


@pytest.mark.parametrize(
    ("config", "flags", "asks"),
    [
        ({}, {}, False),
        ({"tls": True}, {}, False),
        ({"tlsverify": True}, {}, True),
        ({"tlsverify": False}, {}, False),
        ({}, {"tlsverify": ""}, True),
        ({}, {"tlsverify": "false"}, False),
    ],
)
def test_whether_it_asks_for_certificates(config: dict[str, Any], flags: dict[str, str], asks: bool) -> None:
    assert asks_for_certificates(config, flags) is asks


@pytest.mark.parametrize(
    ("given", "address", "public"),
    [
        ("", "", True),
        ("127.0.0.1:9323", "", False),
        ("localhost:9323", "", True),
        ("0.0.0.0:9323", "0.0.0.0:9323", True),
        ("[::]:9323", "[::]:9323", True),
        ("10.0.0.5:9323", "10.0.0.5:9323", False),
        ("1.1.1.1:9323", "1.1.1.1:9323", True),
    ],
)
def test_metrics(given: str, address: str, public: bool) -> None:
    assert metrics_address({"metrics-addr": given}, {}) == metrics_address({}, {"metrics-addr": given}) == address
    assert is_public(given) is public


def test_closed_ports_are_those_of_the_firewalls_own_rules() -> None:
    sources = firewall.read_networks(["10.0.0.0/24"], "sources")
    limits = (firewall.Limit(5000, "tcp", sources), firewall.Limit(53, "udp", sources))
    policy = firewall.Policy(peers=sources, manager=True, data_path_port=4789, encrypted=True, published=limits)
    rules = firewall.render(firewall.chains(policy, 4))
    assert closed_ports(rules) == {"2377/tcp", "7946/tcp", "7946/udp", "4789/udp", "5000/tcp", "53/udp"}
    assert closed_ports("") == set()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/srv 10.0.0.0/24(rw)", []),
        ("/srv *(rw)", ["/srv"]),
        ("/srv", ["/srv"]),
        ("/srv 10.0.0.5 (rw)", ["/srv"]),
        ("/srv -ro 10.0.0.5", []),
        ("# /srv *(rw)\n/a 0.0.0.0/0(ro)\n/b host(ro)", ["/a"]),
    ],
)
def test_open_exports(text: str, paths: list[str]) -> None:
    assert open_paths(text) == paths
