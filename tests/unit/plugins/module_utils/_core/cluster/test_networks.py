# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets, networks and addresses."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster import addresses
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.networks import plan_networks, read_network
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.routes import read_routes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.subnets import find_overlaps, is_private
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError


@pytest.mark.parametrize(
    ("subnet", "private"),
    [
        ("10.0.0.0/8", True),
        ("172.31.0.0/16", True),
        ("172.32.0.0/16", False),
        ("100.64.0.0/10", True),
        ("8.8.8.0/24", False),
        ("9.9.9.0/24", False),
        ("0.0.0.0/0", False),
        ("192.0.0.0/8", False),
        ("fd00::/64", True),
        ("2001:db8::/64", False),
    ],
)
def test_private_ranges(subnet: str, private: bool) -> None:
    assert is_private(ipaddress.ip_network(subnet)) is private


def test_overlaps_between_owners_only() -> None:
    networks = {
        "a": [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("10.1.2.0/24")],
        "b": [ipaddress.ip_network("10.1.3.0/24"), ipaddress.ip_network("fd00::/64")],
        "c": [ipaddress.ip_network("10.2.0.0/24")],
    }
    assert find_overlaps(networks) == [("a", "10.1.0.0/16", "b", "10.1.3.0/24")]


def raw(name: str, subnet: str = "10.5.0.0/24", **more: t.Any) -> dict[str, t.Any]:
    ipam = {"Driver": "default", "Config": [{"Subnet": subnet, "Gateway": subnet.replace(".0/24", ".1")}]}
    options = {"com.docker.network.driver.overlay.vxlanid_list": "4097", **more.pop("Options", {})}
    return {"Name": name, "Id": f"id-{name}", "Driver": "overlay", "Scope": "swarm", "IPAM": ipam, "Options": options, **more}


def service(name: str, network: str = "", ports: t.Sequence[dict[str, t.Any]] = ()) -> dict[str, t.Any]:
    task = {"Networks": [{"Target": network}]} if network else {}
    return {"Spec": {"Name": name, "TaskTemplate": task, "EndpointSpec": {"Ports": list(ports)}}}


NET = read_network(raw("net", Attachable=True, Labels={"team": "a", "other": "b"}))
INGRESS = read_network(raw("ingress", "10.0.0.0/24", Ingress=True))


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"attachable": True, "subnet": "10.5.0.0/24", "gateway": "10.5.0.1"},
        {"labels": {"team": "a"}, "internal": False, "encrypted": False},
        {"options": {}, "ingress": False},
    ],
)
def test_what_is_not_named_does_not_differ(wanted: dict[str, t.Any]) -> None:
    assert not plan_networks([NET, INGRESS], [{"name": "net", **wanted}]).changed


def test_encryption_and_mtu_are_options_of_the_driver() -> None:
    (change,) = plan_networks([], [{"name": "n", "encrypted": True, "mtu": 1400, "options": {"x": True}}]).changes
    options = change.payload["body"]["Options"]
    assert options == {"encrypted": "", "com.docker.network.driver.mtu": "1400", "x": "true"}
    made = read_network(raw("n", Options=options))
    assert not plan_networks([made], [{"name": "n", "encrypted": True, "mtu": 1400, "options": {"x": True}}]).changed


@pytest.mark.parametrize("options", [{"com.docker.network.driver.mtu": 1400}, {"encrypted": ""}])
def test_encryption_and_mtu_that_are_given_as_options_do_not_differ_afterwards(options: dict[str, t.Any]) -> None:
    wanted = {"name": "n", "options": options}
    (change,) = plan_networks([], [wanted]).changes
    assert not plan_networks([read_network(raw("n", Options=change.payload["body"]["Options"]))], [wanted]).changed


@pytest.mark.parametrize(
    ("wanted", "services", "message"),
    [
        ({"name": "net", "subnet": "10.6.0.0/24"}, [], r"Network net differs: subnet is \"10.5.0.0/24\", wanted is \"10.6.0.0/24\"\."),
        ({"name": "net", "labels": {"team": "b"}}, [], 'labels.team is "a", wanted is "b"'),
        (
            {"name": "net", "encrypted": True, "recreate": True},
            [service("web", "id-net"), service("api", "net"), service("other", "x")],
            r"can't be recreated while services use it: api, web\.",
        ),
        (
            {"name": "ingress", "subnet": "10.11.0.0/24", "recreate": True},
            [service("web", ports=[{"PublishMode": "ingress"}]), service("host", ports=[{"PublishMode": "host"}])],
            r"services publish ports through it: web\.",
        ),
        ({"name": "new", "subnet": "8.8.8.0/24"}, [], "8.8.8.0/24 is a public range"),
        ({"name": "new", "subnet": "10.5.0.1/24"}, [], "'10.5.0.1/24' is not a subnet"),
        ({"name": "new", "subnet": "10.5.0.128/25"}, [], "10.5.0.0/24 of net and 10.5.0.128/25 of new"),
        ({"name": "new", "subnet": "10.7.0.0/24", "gateway": "10.8.0.1"}, [], "gateway 10.8.0.1 is not in the subnet"),
        ({"name": "new", "subnet": "10.7.0.0/24", "gateway": "first"}, [], "'first' is not an address"),
        ({"name": "new", "gateway": "10.8.0.1"}, [], "a gateway needs a subnet"),
    ],
)
def test_refusals(wanted: dict[str, t.Any], services: list[dict[str, t.Any]], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan_networks([NET, INGRESS], [wanted], services=services)


def test_the_unsafe_is_done_when_told() -> None:
    assert plan_networks([], [{"name": "n", "subnet": "8.8.8.0/24", "allow_public_subnet": True}]).changed
    (change,) = plan_networks([NET], [{"name": "net", "internal": True, "recreate": True}]).changes
    assert (change.action, [f.path for f in change.fields]) == ("replace", ["internal"])
    (change,) = plan_networks([INGRESS], [{"name": "ingress", "ingress": True, "mtu": 1400, "recreate": True}]).changes
    assert change.payload["body"]["Ingress"] is True


def test_removals_make_room() -> None:
    plan = plan_networks([NET], [{"name": "new", "subnet": "10.5.0.0/25"}], ["net", "never"])
    assert [(change.action, change.name) for change in plan.changes] == [("remove", "net"), ("create", "new")]
    with pytest.raises(PlanError, match="can't be removed while services use it: web"):
        plan_networks([NET], [], ["net"], [service("web", "id-net")])
    with pytest.raises(PlanError, match="net is given more than once"):
        plan_networks([NET], [{"name": "net"}], ["net"])


def test_another_driver_is_not_taken_over() -> None:
    with pytest.raises(PlanError, match="with the driver macvlan"):
        plan_networks([read_network(raw("net", Driver="macvlan"))], [{"name": "net"}])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5", "10.0.0.5:2377"),
        ("10.0.0.5:9999", "10.0.0.5:9999"),
        ("eth0", "eth0:2377"),
        ("eth0:9999", "eth0:9999"),
        ("fd00::5", "[fd00::5]:2377"),
        ("FD00:0::5", "[FD00:0::5]:2377"),
        ("[::]", "[::]:2377"),
        ("[fd00::5]:9999", "[fd00::5]:9999"),
    ],
)
def test_a_listening_address_has_a_port(text: str, expected: str) -> None:
    assert addresses.with_port(text) == expected


def test_the_address_in_a_network() -> None:
    assert addresses.as_network("eth0") is None
    assert str(addresses.as_network("10.0.0.9/24")) == "10.0.0.0/24"
    assert addresses.pick_in_network("advertise_addr", "10.0.0.0/24", "10.0.0.9") == "10.0.0.9"
    assert addresses.probe(ipaddress.ip_network("10.0.0.0/24")) == "10.0.0.1"
    assert addresses.probe(ipaddress.ip_network("10.0.0.7/32")) == "10.0.0.7"
    for own, message in (("192.168.0.9", "starts at 192.168.0.9"), ("", "there is no route to it")):
        with pytest.raises(PlanError, match=f"advertise_addr: this host has no address in 10.0.0.0/24; .*{message}"):
            addresses.pick_in_network("advertise_addr", "10.0.0.0/24", own)
    with pytest.raises(PlanError, match="is not a network"):
        addresses.as_network("10.0.0.0/99")


@pytest.mark.parametrize(
    ("own", "peers", "chosen"),
    [
        ([], [], ""),
        (["10.0.0.9"], ["m1"], "10.0.0.9"),
        (["", "10.0.0.9"], ["gone", "m1"], "10.0.0.9"),
        (["127.0.0.1", "10.0.0.9"], ["x", "m1"], "10.0.0.9"),
    ],
)
def test_the_address_that_reaches_the_others(own: list[str], peers: list[str], chosen: str) -> None:
    assert addresses.choose_advertised(own, peers) == chosen


@pytest.mark.parametrize(("own", "found"), [(["127.0.0.1"], "from 127.0.0.1 only"), (["", ""], "it reaches none of them")])
def test_a_loopback_address_is_of_no_use_to_others(own: list[str], found: str) -> None:
    with pytest.raises(PlanError, match=f"advertise_addr: no address .*{found}"):
        addresses.choose_advertised(own, ["m2"])
    with pytest.raises(PlanError, match=r"127\.0\.0\.1:2377 is a loopback address, which m2 can't reach"):
        addresses.refuse_loopback("advertise_addr", "127.0.0.1:2377", ["m2"])
    for text in ("fe80::1", "fe80::1%eth0", "[fe80::1%eth0]:2377"):
        with pytest.raises(PlanError, match="is a link-local address, which nodes can't tell each other"):
            addresses.refuse_loopback("advertise_addr", text, ["m2"])
    addresses.refuse_loopback("advertise_addr", "[fd00::5]:2377", ["m2"])
    addresses.refuse_loopback("advertise_addr", "127.0.0.1", [])
    addresses.refuse_loopback("advertise_addr", "eth0", ["m2"])


# As the kernel prints them: default by 192.168.7.1, 192.168.7.0/24 on eth0, 10.8.0.0/16 on tun0, a host route.
ROUTE_TABLE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0107A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000080A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t0500090A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""
RESOLV_CONF = "# resolvers\nsearch example.org\nnameserver 127.0.0.53\nnameserver 10.1.1.1\nnameserver fd00::1\nnameserver bad\n"
ROUTES = [
    {"network": "192.168.7.0/24", "via": "eth0"},
    {"network": "10.8.0.0/16", "via": "tun0"},
    {"network": "10.9.0.5/32", "via": "tun0"},
    {"network": "10.1.1.1/32", "via": "resolver"},
    {"network": "fd00::1/128", "via": "resolver"},
]


def test_routes_and_resolvers_of_a_host() -> None:
    assert read_routes(ROUTE_TABLE, RESOLV_CONF) == ROUTES
    assert read_routes("", "") == []


@pytest.mark.parametrize(
    ("subnet", "told"),
    [
        ("10.8.3.0/24", r"gw has 10\.8\.0\.0/16 \(tun0\), which overlaps 10\.8\.3\.0/24"),
        ("10.9.0.0/24", r"10\.9\.0\.5/32 \(tun0\)"),
        ("10.1.0.0/16", r"10\.1\.1\.1/32 \(resolver\)"),
        ("10.40.0.0/24", ""),
        ("fd11::/64", ""),
    ],
)
def test_a_new_subnet_keeps_clear_of_every_hosts_routes(subnet: str, told: str) -> None:
    wanted = [{"name": "net", "subnet": subnet}]
    if not told:
        assert plan_networks([], wanted, routes={"gw": ROUTES, "other": []}).changed
        return
    with pytest.raises(PlanError, match=f"Network net: .*{told}"):
        plan_networks([], wanted, routes={"gw": ROUTES, "other": []})
    made = read_network(raw("net", subnet))
    assert not plan_networks([made], wanted, routes={"gw": ROUTES}).changed, "what is there stays"


@pytest.mark.parametrize(
    ("version", "clear"),
    [
        ("20.10.23", True),
        ("20.10.5+dfsg1-1", True),
        ("19.03.15", True),
        ("20.10.24+dfsg1", False),
        ("23.0.0-rc.1", True),
        ("23.0.2", True),
        ("23.0.3", False),
        ("24.0.0", False),
        ("29.1.0", False),
        ("", False),
        ("dev", False),
    ],
)
def test_engines_that_send_encrypted_networks_in_clear_are_named(version: str, clear: bool) -> None:
    plan = plan_networks([], [{"name": "net", "encrypted": True}], engines={"w1": version, "w2": "26.1.5"})
    assert bool(plan.warnings) == clear
    assert all(f"clear text on w1 ({version})" in warning and "20.10.24" in warning for warning in plan.warnings)
    assert not plan_networks([], [{"name": "net"}], engines={"w1": version}).warnings
