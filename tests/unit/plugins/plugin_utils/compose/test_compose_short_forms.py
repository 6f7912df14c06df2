# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short forms of ports, volumes and variables."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.environment import (
    read_pairs,
)
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError, Place
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.mounts import Folder, read_mount
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.ports import order_ports, read_port

PLACE = Place("f.yml", ("services", "a"))
FOLDER = Folder("/stack", "/home/me")


@pytest.mark.parametrize(
    ("value", "ports"),
    [
        ("80", [(None, 80, "tcp")]),
        (81, [(None, 81, "tcp")]),
        ("8080:80", [(8080, 80, "tcp")]),
        ("53:53/udp", [(53, 53, "udp")]),
        ("53:53/UDP", [(53, 53, "udp")]),
        ("80:81/", [(80, 81, "tcp")]),
        ("132:132/sctp", [(132, 132, "sctp")]),
        ("9000-9002:90-92", [(9000, 90, "tcp"), (9001, 91, "tcp"), (9002, 92, "tcp")]),
        ("4000-4001:40", [(4000, 40, "tcp"), (4001, 40, "tcp")]),
        ("3000-3001", [(None, 3000, "tcp"), (None, 3001, "tcp")]),
        ("127.0.0.1:5000:5001", [(5000, 5001, "tcp")]),
        ("[::1]:6000:6001", [(6000, 6001, "tcp")]),
        ("127.0.0.1::80", [(None, 80, "tcp")]),
        ("0:80", [(None, 80, "tcp")]),
    ],
)
def test_short_ports(value: t.Any, ports: list[tuple[int | None, int, str]]) -> None:
    found = read_port(value, PLACE, [])
    assert [(port.get("published"), port["target"], port["protocol"]) for port in found] == ports
    assert {port["mode"] for port in found} == {"ingress"}


def test_an_address_is_ignored_with_a_warning() -> None:
    warnings: list[str] = []
    read_port("127.0.0.1:5000:5000", PLACE, warnings)
    assert warnings == ["f.yml: services.a: the address 127.0.0.1 is ignored: the port is published on every node and address"]


@pytest.mark.parametrize("value", ["", "x", "80:", "1:2:3:4", "70000", "5-1", "1-2:3-5", "80/icmp", "80:80/tcp/udp", "1.2.3:80:80", "-1"])
def test_ports_that_are_none(value: str) -> None:
    with pytest.raises(ComposeError, match=r"f\.yml: services\.a: .*expected"):
        read_port(value, PLACE, [])


def test_long_ports_stay_as_they_are() -> None:
    assert read_port({"target": 80, "published": 8080, "mode": "overlay"}, PLACE, []) == [
        {"target": 80, "published": 8080, "mode": "overlay"}
    ]
    assert read_port({"target": 80, "published": "8080", "name": "web"}, PLACE, []) == [{"target": 80, "published": 8080}]
    with pytest.raises(ComposeError, match=r"services\.a\.published: found '80-90'; expected one port number"):
        read_port({"target": 80, "published": "80-90"}, PLACE, [])


def test_ports_are_in_the_order_of_the_cli() -> None:
    ports = [port for text in ("8080:80", "53:53/udp", "9-10", "53:53/tcp", "8") for port in read_port(text, PLACE, [])]
    assert [(port.get("published", 0), port["target"], port["protocol"]) for port in order_ports(ports)] == [
        (0, 10, "tcp"), (0, 9, "tcp"), (0, 8, "tcp"), (53, 53, "udp"), (53, 53, "tcp"), (8080, 80, "tcp"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/anon", {"type": "volume", "target": "/anon"}),
        ("/d", {"type": "volume", "target": "/d"}),
        ("data:/d", {"type": "volume", "source": "data", "target": "/d"}),
        ("data:/d:ro", {"type": "volume", "source": "data", "target": "/d", "read_only": True}),
        ("data:/d:nocopy", {"type": "volume", "source": "data", "target": "/d", "volume": {"nocopy": True}}),
        ("data:/d:z", {"type": "volume", "source": "data", "target": "/d"}),
        ("./rel:/r", {"type": "bind", "source": "/stack/rel", "target": "/r"}),
        ("../up:/u:rw", {"type": "bind", "source": "/up", "target": "/u", "read_only": False}),
        (".:/u", {"type": "bind", "source": "/stack", "target": "/u"}),
        ("~/h:/h", {"type": "bind", "source": "/home/me/h", "target": "/h"}),
        ("/abs/:/a:rslave", {"type": "bind", "source": "/abs/", "target": "/a", "bind": {"propagation": "rslave"}}),
        ("/abs:/a:ro,z", {"type": "bind", "source": "/abs", "target": "/a", "read_only": True}),
        ("C:\\x:C:\\y", {"type": "bind", "source": "C:\\x", "target": "C:\\y"}),
        ("v:/data", {"type": "volume", "target": "v:/data"}),
    ],
)  # fmt: skip
def test_short_volumes(text: str, mount: dict[str, t.Any]) -> None:
    assert read_mount(text, PLACE, FOLDER) == mount


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty volume"), ("data::/d", "empty part"), (":/dd", "empty part"), ("data:/d:ro:x", "too many colons")],
)
def test_volumes_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ComposeError, match=message):
        read_mount(text, PLACE, FOLDER)


def test_long_volumes() -> None:
    bind = read_mount({"type": "bind", "source": "./b", "target": "/b", "bind": {"create_host_path": True}}, PLACE, FOLDER)
    assert bind == {"type": "bind", "source": "/stack/b", "target": "/b", "bind": {"create_host_path": True}}
    assert read_mount({"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1k"}}, PLACE, FOLDER)["tmpfs"] == {"size": 1024}
    with pytest.raises(ComposeError, match="this bind has no source"):
        read_mount({"type": "bind", "target": "/b"}, PLACE, FOLDER)


def test_home_is_never_guessed() -> None:
    with pytest.raises(ComposeError, match="HOME is not in env"):
        read_mount("~/h:/h", PLACE, Folder("/stack"))


def test_pairs() -> None:
    assert read_pairs(["A=1", "B=", "C", "D=x=y", "E= sp ", "A=2"]) == {
        "A": "2", "B": "", "C": None, "D": "x=y", "E": " sp ",
    }  # fmt: skip
    assert read_pairs({"A": 1, "B": None, "C": 1.0, "D": "", "E": True}) == {
        "A": "1",
        "B": None,
        "C": "1",
        "D": "",
        "E": "true",
    }
