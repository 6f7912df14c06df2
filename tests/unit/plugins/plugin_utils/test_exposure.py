# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.exposure import find_exposures

NOTHING: dict[str, Any] = {"engine": [], "metrics": "", "exports": [], "ports": [], "closed": [], "registries": []}


def registry(**more: Any) -> dict[str, Any]:
    return {"port": "5000/tcp", "tls": True, "open": False, "certificate_days": 800.0, **more}


def told(*hosts: dict[str, Any], public: Any = (80, 443)) -> list[tuple[str, str]]:
    seen = {f"h{number}": {**NOTHING, **host} for number, host in enumerate(hosts, 1)}
    return [(each.where, each.text) for each in find_exposures(seen, public)]


OPEN = {"ports": ["5000/tcp"], "registries": [registry(open=True, tls=False)]}
GRAVE = "anyone who reaches 0.0.0.0:2375 is root there, because the engine asks for no certificate"
PUSH = "anyone who reaches port 5000 can replace every image, because the registry asks for no login"


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ({"engine": ["0.0.0.0:2375"]}, GRAVE),
        (OPEN, PUSH),
        ({"metrics": "0.0.0.0:9323"}, "the engine's metrics at 0.0.0.0:9323 are open to everyone"),
        ({"exports": ["/a", "/b"]}, "NFS exports /a, /b to everyone"),
        ({"ports": ["80/tcp", "9000/tcp", "10000/udp"]}, "nothing limits who reaches the published ports 9000/tcp, 10000/udp"),
    ],
)
def test_what_stands_open_is_told(host: dict[str, Any], text: str) -> None:
    assert told(host, {}) == [("h1", text)]


@pytest.mark.parametrize(
    "host",
    [
        {},
        {"engine": ["0.0.0.0:2375"], "closed": ["2375/tcp"]},
        {**OPEN, "closed": ["5000/tcp"]},
        {"ports": ["5000/tcp"], "registries": [registry()]},
        {"metrics": "10.0.0.5:9323"},
        {"metrics": "0.0.0.0:9323", "closed": ["9323/tcp"]},
        {"exports": ["/a"], "closed": ["2049/tcp"]},
        {"ports": ["80/tcp", "443/tcp"]},
        {"ports": ["9000/tcp"], "closed": ["9000/tcp"]},
    ],
)
def test_what_is_closed_or_meant_is_not(host: dict[str, Any]) -> None:
    assert told(host) == []


def test_hosts_with_the_same_are_told_once() -> None:
    assert told(OPEN, OPEN, *[{"ports": ["8080/tcp"]}] * 6) == [
        ("h1, h2", PUSH),
        ("h3, h4, h5, h6, h7, and 1 more", "nothing limits who reaches the published ports 8080/tcp"),
    ]


def test_ports_that_are_meant_may_be_texts_and_of_udp() -> None:
    for public in (("53/udp", "53"), "53/udp, 53"):
        assert told({"ports": ["53/udp", "53/tcp"]}, public=public) == []
    assert told({"ports": ["53/udp"]}, public=(53,)) != []


def test_only_the_engine_is_grave() -> None:
    host = {**NOTHING, **OPEN, "engine": ["0.0.0.0:2375"], "exports": ["/a"], "metrics": "0.0.0.0:1", "ports": ["9/tcp"]}
    found = find_exposures({"h1": host, "h2": {}}, [])
    assert [each.text for each in found if each.grave] == [GRAVE] and len(found) == 5 and all(each.cure for each in found)
