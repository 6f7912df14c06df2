# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that mean something to systemd, exportfs, mount or iptables: each is refused, or stands in the file as the one word that it is."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import exports, firewall, mounts
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given, settings
from hypothesis import strategies as st

META = ["$(id)", "${x}", "../", "\nExecStart=/x", "\n*(rw)", *"\0\a\b\t\n\v\f\r\x1b\x7f\x85\u2028\u202e '\"`\\$%&|;<>(){}[]*?!#~=,:@-/"]
WORDS = st.lists(st.sampled_from([*META, "a", "b", "1"]), max_size=6).map("".join)


def tried(refuse: Any, *given_: Any) -> bool:
    try:
        refuse(*given_)
    except PlanError:
        return False
    return True


@settings(max_examples=400)
@given(WORDS, WORDS, WORDS)
def test_units_have_the_lines_that_they_should(path: str, source: str, option: str) -> None:
    mount = mounts.Mount(f"/srv/{path}", f"{source}:/{path}", "nfs", (f"a{option}", "_netdev"), automount=True, engine_waits=True)
    if not tried(mounts.refuse, [mount], ""):
        return
    plain = mounts.Mount("/srv/x", "h:/x", "nfs", ("a", "_netdev"), automount=True, engine_waits=True)
    for text, other in zip(mounts.files(mount).values(), mounts.files(plain).values()):
        # systemd ends a line at these, and joins one that ends with a backslash to the next
        lines, others = (re.split("[\n\r\0]", each or "") for each in (text, other))
        assert [line.partition("=")[0] for line in lines] == [line.partition("=")[0] for line in others]
        assert not any(line.endswith("\\") or "%" in line for line in lines)
    assert mounts.parse_unit(next(iter(mounts.files(mount).values())))["source"] == mount.source
    assert not mount.source.startswith("-")


@settings(max_examples=400)
@given(WORDS, WORDS, st.sampled_from(["rw", "anonuid=", "fsid=", "sec=", "refer=", "mp="]), WORDS)
def test_an_export_is_one_line_for_one_client(path: str, client: str, option: str, value: str) -> None:
    entry = exports.Entry(f"/srv/{path}", client, (f"{option}{value}" if option.endswith("=") else option,))
    if tried(exports.refuse, [entry], False):
        text = exports.render([entry]).removeprefix(exports.HEAD)
        assert text in (f"{entry.path} {client}({entry.options[0]})\n", f'"{entry.path}" {client}({entry.options[0]})\n')
        word = f"{client}({entry.options[0]})"
        assert word.count("(") == word.count(")") == 1 and text[:-1].isprintable() and not client.startswith("-")
        assert "," not in entry.options[0] and "no_root_squash" not in text


@pytest.mark.parametrize(
    "option",
    [
        *("anonuid=00", "anonuid=-4294967296", "anonuid=4294967296", "anonuid=1000,no_root_squash"),
        *("sec=sys,insecure", "refer=/x@h) *(rw", "fsid=1\n/ *(rw)"),
    ],
)
def test_options_that_are_more_than_they_look(option: str) -> None:
    with pytest.raises(PlanError):
        exports.refuse([exports.Entry("/srv", "10.0.0.1", (option,))], False)


@pytest.mark.parametrize("client", ["-no_root_squash", "*?", "?*.*", "a=b", "a\\", "0.0.0.0/1", "::/1", "128.0.0.0/1"])
def test_clients_that_are_more_than_they_look(client: str) -> None:
    with pytest.raises(PlanError):
        exports.refuse([exports.Entry("/srv", client, ("rw",))], False)


def test_kerberos_beside_plain_trust_protects_no_public_address() -> None:
    assert exports.unsafe(exports.Entry("/srv", "8.8.8.8", ("sec=krb5:sys",)))
    assert not exports.unsafe(exports.Entry("/srv", "8.8.8.8", ("sec=krb5p",)))


PEERS = WORDS | st.sampled_from(
    ["10.0.0.1", "fe80::1", "10.0.0.0/8", "fe80::1%eth0", "fe80::1%x\n-A INPUT -j ACCEPT", "fe80::1%\nCOMMIT/128"]
)
RULE = re.compile(r"(-A FLOTILLA-\w+ [\w.:/ -]+|:FLOTILLA-\w+ - \[0:0\]|\*filter|COMMIT|#.*)")


@settings(max_examples=400)
@given(st.lists(PEERS, min_size=1, max_size=3), st.lists(PEERS, min_size=1, max_size=2))
def test_rules_hold_addresses_and_nothing_else(peers: list[str], sources: list[str]) -> None:
    try:
        networks = firewall.read_networks(peers, "peers")
        limit = firewall.Limit(80, "tcp", firewall.read_networks(sources, "sources"))
    except PlanError:
        return
    policy = firewall.Policy(networks, True, 4789, True, (limit,))
    for version in (4, 6):
        lines = firewall.render(firewall.chains(policy, version)).splitlines()
        assert all(RULE.fullmatch(line) for line in lines), lines
        for text in re.findall(r"-s (\S+)", "\n".join(lines)):
            ipaddress.ip_network(text)


@pytest.mark.parametrize("peer", ["fe80::1%x\n-A INPUT -j ACCEPT", "fe80::1%eth0"])
def test_a_zone_is_no_part_of_a_peer(peer: str) -> None:
    assert not firewall.is_address(peer)
    with pytest.raises(PlanError, match="neither an address nor a network"):
        firewall.read_networks([peer], "peers")
