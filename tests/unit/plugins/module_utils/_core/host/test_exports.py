# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.exports import (
    Entry,
    clashes,
    entries,
    is_everybody,
    is_name,
    lint,
    missing,
    parse,
    refuse,
    render,
    warnings,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

BLANK = "the blank between"
EVERYBODY = "to everyone"
ROOT = "no_root_squash"

# Lines as they are found in the wild, and what is said about them (None: nothing).
LINES: list[tuple[str, str | None]] = [
    ("/srv 10.0.0.5(rw,sync,no_subtree_check)", None),
    ("/srv 10.0.0.0/24(rw)", None),
    ("/srv 10.0.0.0/255.255.255.0(ro)", None),
    ("/srv 10.0.0.5(rw) 10.0.0.6(ro)", None),
    ("/srv host.example.org(rw)", None),
    ("/srv *.example.org(rw)", None),
    ("/srv @cluster(rw,all_squash,anonuid=1000,anongid=1000)", None),
    ("/srv fd00::/64(rw)", None),
    ("/srv 10.0.0.5", None),
    ("/srv -sync,rw host1 host2", None),
    ("/srv gss/krb5i(rw,sync)", None),
    ('"/srv/with blank" 10.0.0.5(rw)', None),
    ("/srv/with\\040blank 10.0.0.5(rw)", None),
    ("# /srv *(rw,no_root_squash)", None),
    ("/srv 10.0.0.5(rw) # was: *(rw)", None),
    ("", None),
    ("   ", None),
    ("/srv 10.0.0.5(rw,sync,\\\nno_subtree_check)", None),
    ("/srv\t10.0.0.5(rw)\t10.0.0.6(rw)", None),
    ("/srv 10.0.0.5 (rw)", BLANK),
    ("/srv 10.0.0.0/24 (rw,sync)", BLANK),
    ("/srv host.example.org\t(rw,no_subtree_check)", BLANK),
    ("/srv 10.0.0.5(rw) 10.0.0.6 (rw)", BLANK),
    ("/srv \\\n  10.0.0.5 \\\n  (rw)", BLANK),
    ("/srv (ro)", EVERYBODY),
    ("/srv (rw,sync,no_subtree_check)", EVERYBODY),
    ("/srv", EVERYBODY),
    ("/srv *(rw,sync,no_root_squash,no_subtree_check)", EVERYBODY),
    ("/srv *", EVERYBODY),
    ("/srv 0.0.0.0/0(ro)", EVERYBODY),
    ("/srv 0.0.0.0/0.0.0.0(ro)", EVERYBODY),
    ("/srv ::/0(ro)", EVERYBODY),
    ("/srv 10.0.0.5(rw) *(ro)", EVERYBODY),
    ("/srv 10.0.0.5(rw,no_root_squash)", ROOT),
    ("/home 192.168.1.0/24(rw,async,no_root_squash,no_subtree_check)", ROOT),
    ("/srv 10.0.0.5(rw,all_squash,anonuid=0)", "anonuid=0 for 10.0.0.5"),
    ("/srv 10.0.0.5(rw,insecure)", "insecure for 10.0.0.5"),
    ("/srv -rw,no_root_squash 10.0.0.5", ROOT),
    ("/srv -rw,no_root_squash 10.0.0.5(ro)", ROOT),
    ("/srv -rw,no_root_squash 10.0.0.5(root_squash)", None),
    ("/srv -anonuid=0 10.0.0.5(anonuid=1000)", None),
    ("/srv 10.0.0.5(rw,anonuid=01000)", None),
]


@pytest.mark.parametrize(("line", "verdict"), LINES)
def test_lines_of_others(line: str, verdict: str | None) -> None:
    found = lint(f"# head\n{line}\n", "/etc/exports")
    if verdict is None:
        assert found == []
    else:
        assert len(found) == 1
        assert verdict in found[0]
        assert found[0].startswith("/etc/exports:2: ")


def test_the_blank_is_explained() -> None:
    assert lint("/srv 10.0.0.5 (rw)\n", "/etc/exports") == [
        "/etc/exports:1: the blank between 10.0.0.5 and (rw) exports /srv to everyone with (rw), and to 10.0.0.5 with the defaults. "
        "Write 10.0.0.5(rw)."
    ]


def one(client: str = "10.0.0.5", options: t.Sequence[str] = ("rw",), path: str = "/srv") -> list[dict[str, t.Any]]:
    return [{"path": path, "clients": [client], "options": list(options)}]


@pytest.mark.parametrize(
    ("exports", "found"),
    [
        (one("*"), "* is everyone"),
        (one("0.0.0.0/0"), "0.0.0.0/0 is everyone"),
        (one("::/0"), "::/0 is everyone"),
        (one(options=["rw", "no_root_squash"]), "no_root_squash for 10.0.0.5: root on a client"),
        (one(options=["rw", "insecure"]), "insecure for 10.0.0.5"),
        (one(options=["rw", "anonuid=0"]), "anonuid=0 for 10.0.0.5: root on a client"),
        (one("8.8.8.8"), "8.8.8.8 is a public address"),
        (one("8.8.8.0/24", ["rw", "sec=sys"]), "8.8.8.0/24 is a public address"),
    ],
)
def test_unsafe_exports_need_the_switch(exports: list[dict[str, t.Any]], found: str) -> None:
    with pytest.raises(PlanError, match="exports can't be used") as error:
        refuse(entries(exports), allow_unsafe=False)
    assert found in str(error.value)
    assert "set allow_unsafe" in str(error.value)
    refuse(entries(exports), allow_unsafe=True)


@pytest.mark.parametrize(
    ("exports", "found"),
    [
        (one("10.0.0.5 (rw)"), "is not a client"),
        (one("10.0.0.5(rw)"), "is not a client"),
        (one(""), "is not a client"),
        (one("10.0.0.5/24"), "10.0.0.5/24 is not a network"),
        (one("10.0.0.0/33"), "10.0.0.0/33 is not a network"),
        (one(path="srv"), "is not an absolute path"),
        (one(path="/srv/../etc"), "is not an absolute path"),
        (one(options=["rw", "no_subtree_chek"]), "unknown option 'no_subtree_chek', did you mean no_subtree_check?"),
        (one(options=["rw,sync"]), "unknown option 'rw,sync'"),
        (one(options=["rw", "ro"]), "ro and rw exclude each other"),
        (one(options=["sync", "async"]), "sync and async exclude each other"),
        (one() + one(), "the client 10.0.0.5 is listed twice"),
    ],
)
def test_wrong_exports(exports: list[dict[str, t.Any]], found: str) -> None:
    with pytest.raises(PlanError) as error:
        refuse(entries(exports), allow_unsafe=True)
    assert found in str(error.value)


@pytest.mark.parametrize(
    "exports",
    [
        one("@cluster"),
        one("*.example.org"),
        one("node-1"),
        one("fd00::1"),
        one("172.16.0.0/255.240.0.0", ["ro", "fsid=0", "anonuid=1", "sec=krb5p:krb5i", "mountpoint"]),
        one("8.8.8.8", ["rw", "sec=krb5p"]),
        one(path="/srv/with blank"),
    ],
)
def test_right_exports(exports: list[dict[str, t.Any]]) -> None:
    refuse(entries(exports), allow_unsafe=False)


def test_all_faults_at_once() -> None:
    with pytest.raises(PlanError) as error:
        refuse(entries(one("*") + one(options=["bad"], path="/b") + one(path="c")), allow_unsafe=False)
    assert len(str(error.value).splitlines()) == 4


def test_nobody_is_a_fault() -> None:
    with pytest.raises(PlanError, match="/srv would be exported to nobody"):
        entries([{"path": "/srv", "clients": [], "options": None}])


def test_the_file() -> None:
    exports: list[dict[str, t.Any]] = [
        {"path": "/srv/a", "clients": ["10.0.0.1", "10.0.0.2"], "options": ["rw", "sync"]},
        {"path": "/srv/a b", "clients": ["@c"], "options": None},
        {"path": "/srv/a", "clients": ["10.0.0.3"], "options": ["ro"]},
    ]
    assert render(entries(exports)).splitlines()[1:] == [
        "/srv/a 10.0.0.1(rw,sync) 10.0.0.2(rw,sync) 10.0.0.3(ro)",
        '"/srv/a b" @c(rw,sync,no_subtree_check)',
    ]


PATHS = st.sampled_from(["/srv", "/srv/a b", "/srv/#x", "/a/b/c"])
CLIENTS = st.sampled_from(["10.0.0.1", "10.0.0.0/24", "@net", "node-1"])


@given(st.lists(st.tuples(PATHS, CLIENTS), unique=True))
def test_what_is_rendered_is_understood_and_clean(pairs: list[tuple[str, str]]) -> None:
    wanted = [Entry(path, client, ("rw", "sync")) for path, client in pairs]
    text = render(wanted)
    assert lint(text, "own") == []
    assert missing(wanted, text) == []
    assert len(clashes(wanted, text, "own")) == len(pairs)
    assert {path for _number, (path, *_clients) in parse(text)} == {path for path, _client in pairs}


def test_an_export_that_another_file_has() -> None:
    wanted = entries(one("10.0.0.5") + one("10.0.0.6", path="/other"))
    assert clashes(wanted, "/x y(rw)\n/srv 10.0.0.9(ro) 10.0.0.5(ro)\n", "/etc/exports") == [
        "/srv for 10.0.0.5 is already in /etc/exports:2. Remove it there or here."
    ]


def test_what_the_server_does_not_list() -> None:
    wanted = entries(one("10.0.0.5") + one("10.0.0.6"))
    assert missing(wanted, "/srv  10.0.0.5(sync,wdelay,hide,no_subtree_check,sec=sys,rw)\n") == entries(one("10.0.0.6"))


def test_a_blank_in_a_path_as_the_server_lists_it() -> None:
    wanted = entries(one("10.0.0.5", path="/srv/my data"))
    assert missing(wanted, "/srv/my\\040data 10.0.0.5(sync,wdelay,hide,no_subtree_check,sec=sys,rw)\n") == []
    assert clashes(wanted, "/srv/my\\040data 10.0.0.5(ro)\n", "/etc/exports")


@pytest.mark.parametrize(
    ("client", "name"),
    [("db1", True), ("db1.example.com", True), ("10.0.0.5", False), ("fd00::5", False), ("10.0.0.0/24", False), ("*.org", False)],
)
def test_names_of_hosts(client: str, name: bool) -> None:
    assert is_name(client) is name


def test_async_is_a_warning() -> None:
    assert "/srv: async" in warnings(entries(one(options=["rw", "async"])))[0]
    assert warnings(entries(one())) == []


@pytest.mark.parametrize(("client", "everybody"), [("*", True), ("0/0", False), ("10.0.0.0/8", False), ("*.org", False)])
def test_everybody(client: str, everybody: bool) -> None:
    assert is_everybody(client) is everybody
