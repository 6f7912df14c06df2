# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.daemon_json import (
    cost,
    data_root,
    flags_of,
    flags_of_unit,
    merge,
    parse,
    parse_environment,
    parse_unit,
    parse_version,
    refuse_conflicts,
    render,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change, compare
from hypothesis import given
from hypothesis import strategies as st

PATH = "/etc/docker/daemon.json"
Config = dict[str, t.Any]

NAMES = st.sampled_from(["debug", "log-opts", "mtu", "labels", "runtimes", "x", "ü y"])
SCALARS = st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
CONFIGS = st.dictionaries(NAMES, VALUES, max_size=5)
WANTED = st.dictionaries(NAMES, VALUES | st.none() | st.dictionaries(NAMES, VALUES | st.none(), max_size=3), max_size=5)
LISTS = st.sampled_from(["replace", "union"])


def undo(existing: Config, wanted: Config) -> Config:
    """What to want in order to get ``existing`` back after ``wanted`` was merged into it."""
    back: Config = {}
    for name, value in wanted.items():
        before = existing.get(name)
        back[name] = undo(before, value) if isinstance(before, dict) and isinstance(value, dict) else before
    return back


def same(one: t.Any, other: t.Any) -> bool:
    """Equal as JSON: true is not 1. The order of keys does not count."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(CONFIGS, WANTED, LISTS)
def test_merging_twice_is_merging_once(existing: Config, wanted: Config, lists: str) -> None:
    once = merge(existing, wanted, lists)
    assert same(merge(once, wanted, lists), once)
    assert compare(once, merge(once, wanted, lists)) == ()


@given(CONFIGS, WANTED, LISTS)
def test_foreign_keys_and_the_order_stay(existing: Config, wanted: Config, lists: str) -> None:
    merged = merge(existing, wanted, lists)
    foreign = [name for name in existing if name not in wanted]
    assert same([merged[name] for name in foreign], [existing[name] for name in foreign])
    kept = [name for name in existing if name in merged]
    assert list(merged)[: len(kept)] == kept


@given(CONFIGS, CONFIGS)
def test_wanting_the_former_values_gives_the_former_file(existing: Config, wanted: Config) -> None:
    assert same(merge(merge(existing, wanted), undo(existing, wanted)), existing)


@given(CONFIGS, WANTED, LISTS)
def test_the_input_is_not_changed(existing: Config, wanted: Config, lists: str) -> None:
    before = json.dumps([existing, wanted])
    merge(existing, wanted, lists)
    assert json.dumps([existing, wanted]) == before


@given(CONFIGS)
def test_what_is_written_is_read_again(config: Config) -> None:
    read = parse(render(config, None), PATH)
    assert json.dumps(read) == json.dumps(config)


@pytest.mark.parametrize(
    ("existing", "wanted", "lists", "merged"),
    [
        ({}, {"log-opts": {"max-size": None}}, "replace", {}),
        ({}, {"log-opts": {}}, "replace", {"log-opts": {}}),
        ({"log-opts": {"a": "1"}}, {"log-opts": {"a": None}}, "replace", {"log-opts": {}}),
        ({"log-opts": {"a": "1"}}, {"log-opts": {"b": "2"}}, "replace", {"log-opts": {"a": "1", "b": "2"}}),
        ({"dns": ["a", "b"]}, {"dns": ["c", "a"]}, "replace", {"dns": ["c", "a"]}),
        ({"dns": ["a", "b"]}, {"dns": ["c", "a"]}, "union", {"dns": ["a", "b", "c"]}),
        ({"x": {"dns": ["a"]}}, {"x": {"dns": ["b"]}}, "union", {"x": {"dns": ["a", "b"]}}),
        ({"features": True}, {"features": {"cdi": True}}, "replace", {"features": {"cdi": True}}),
        ({"debug": None}, {"debug": None}, "replace", {}),
    ],
)
def test_merge(existing: Config, wanted: Config, lists: str, merged: Config) -> None:
    assert merge(existing, wanted, lists) == merged


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_no_text_is_an_empty_configuration(text: str | None) -> None:
    assert parse(text, PATH) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"debug": true', "invalid JSON at line 1, column 15"),
        ('{"a": 1}\n{"b": 2}', "invalid JSON at line 2, column 1: Extra data"),
        ('{"a": 1,}', "invalid JSON at line 1"),
        ("debug: true", "invalid JSON at line 1, column 1"),
        ("[]", "it holds a list, expected an object in braces"),
        ('{"a": 1, "a": 2}', "the key a is given twice"),
        ('{"x": {"a": 1, "a": 2}}', "the key a is given twice"),
        ('{"mtu": NaN}', "NaN is not a JSON value"),
    ],
)
def test_broken_text_is_refused_with_its_place(text: str, found: str) -> None:
    with pytest.raises(FlotillaError) as error:
        parse(text, PATH)
    assert str(error.value).startswith(f"reading {PATH}: ")
    assert found in str(error.value)


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
def test_the_indent_of_the_former_text_is_kept(indent: str) -> None:
    former = json.dumps({"a": {"b": 1}}, indent=indent)
    assert render({"a": {"b": 1}}, former) == f"{former}\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, "nothing"),
        ({"a": 1}, {"a": 1}, "nothing"),
        ({}, {"debug": True}, "reload"),
        ({"debug": True}, {}, "restarts engine"),  # a reload leaves debug as it is when the key goes
        ({"max-concurrent-downloads": 9}, {}, "reload"),  # this one falls back to its default
        ({}, {"labels": ["a=b"], "insecure-registries": ["r"]}, "reload"),
        ({}, {"labels": ["a=b"], "log-opts": {"max-size": "1m"}}, "restarts engine"),
        ({"log-opts": {"max-size": "1m"}}, {"log-opts": {"max-size": "2m"}}, "restarts engine"),
        ({"runtimes": {}}, {"runtimes": {"nvidia": {"path": "x"}}}, "reload"),
        ({}, {"node-generic-resources": ["gpu=1"]}, "restarts engine"),
        ({}, {"key-of-tomorrow": 1}, "restarts engine"),
    ],
)
def test_cost(before: Config, after: Config, expected: str) -> None:
    assert cost(before, after) == expected


def test_secrets_are_not_shown() -> None:
    secret = "hunter2hunter2"
    before = {"log-opts": {"splunk-token": secret}}
    after = {
        "proxies": {"http-proxy": f"http://proxy-{secret}:1"},
        "log-opts": {"splunk-token": f"{secret}x"},
        "registry-mirrors": [f"https://me:{secret}@mirror"],
    }
    fields = Change("file", "daemon.json", "update", compare(before, after)).as_result()["fields"]
    assert secret not in repr(fields)
    assert {"path": "log-opts.splunk-token", "before": "(hidden)", "after": "(hidden, changed)"} in fields
    assert {"path": "registry-mirrors", "before": None, "after": ["https://(hidden)@mirror"]} in fields


@pytest.mark.parametrize(
    ("merged", "flags", "in_swarm", "found"),
    [
        ({"hosts": ["tcp://0.0.0.0:2376"]}, {"hosts"}, False, "hosts: the service unit docker.service gives it"),
        ({"data-root": "/d"}, {"data-root", "hosts"}, False, "data-root: the service unit"),
        ({"log-driver": "journald", "log-opts": {"max-size": "1m"}}, set(), False, "journald does not know max-size"),
        ({"log-driver": "gelf", "log-opts": {"max-file": "1", "max-size": "1m"}}, set(), False, "max-file and max-size"),
        ({"data-root": "/data"}, set(), True, "in /var/lib/docker. With /data it would start empty"),
        ({"hosts": ["fd://", "tcp://0.0.0.0:2375"]}, set(), False, "who reaches tcp://0.0.0.0:2375 would be root here"),
        ({"hosts": [":2375"], "tls": True}, set(), False, "who reaches :2375 would be root here"),
        ({"live-restore": True}, set(), True, "live-restore: an engine in a swarm can't use it"),
        ({"firewall-backend": "nftables"}, set(), True, "firewall-backend: an engine in a swarm can't use nftables"),
    ],
)
def test_conflicts(merged: Config, flags: set[str], in_swarm: bool, found: str) -> None:
    with pytest.raises(PlanError, match="daemon.json") as error:
        refuse_conflicts({}, merged, PATH, dict.fromkeys(flags, ""), "docker.service", in_swarm)
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("merged", "flags", "in_swarm"),
    [
        ({"runtimes": {}}, {"runtimes"}, False),  # the engine merges these
        ({"debug": True}, {"hosts", "containerd"}, True),
        ({"log-driver": "local", "log-opts": {"max-size": "1m"}}, set(), True),
        ({"log-opts": {"max-size": "1m"}}, set(), True),
        ({"log-driver": "journald", "log-opts": {"tag": "x"}}, set(), True),
        ({"hosts": ["tcp://10.0.0.5:2376", "fd://"], "tlsverify": True}, set(), False),
        ({"hosts": ["tcp://10.0.0.5:2376"]}, {"tlsverify"}, False),
        ({"hosts": ["tcp://10.0.0.5:2375"], "tls": False}, set(), False),
        ({"hosts": ["unix:///var/run/docker.sock", "fd://"]}, set(), False),
        ({"live-restore": True}, set(), False),
        ({"data-root": "/data"}, set(), False),
        ({"data-root": "/var/lib/docker"}, set(), True),
        ({"live-restore": False}, set(), True),
        ({"firewall-backend": "nftables"}, set(), False),
        ({"firewall-backend": "iptables"}, set(), True),
    ],
)
def test_no_conflict(merged: Config, flags: set[str], in_swarm: bool) -> None:
    refuse_conflicts({}, merged, PATH, dict.fromkeys(flags, ""), "docker.service", in_swarm)


def test_an_engine_that_reads_another_file() -> None:
    flags = flags_of_unit("/usr/bin/dockerd --config-file=/etc/other.json -H fd://", {})
    with pytest.raises(PlanError, match="docker.service reads /etc/other.json and not this file"):
        refuse_conflicts({}, {"debug": True}, PATH, flags, "docker.service", in_swarm=False)
    refuse_conflicts({}, {"debug": True}, "/etc/other.json", flags, "docker.service", in_swarm=False)


DEBIAN = """LoadState=loaded
ActiveState=active
InvocationID=5a3f
ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS ; \
ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment=A=1 "B=2 3"
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
EnvironmentFiles=/etc/default/more (ignore_errors=no)
"""


def test_the_unit_is_read() -> None:
    unit = parse_unit(DEBIAN)
    assert unit["ExecStart"] == "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"
    assert unit["ActiveState"] == "active"
    assert unit["EnvironmentFiles"].splitlines() == [
        "/etc/default/docker (ignore_errors=yes)",
        "/etc/default/more (ignore_errors=no)",
    ]
    assert parse_unit("")["ExecStart"] == ""


@pytest.mark.parametrize(
    ("argv", "environment", "keys"),
    [
        ("", {}, set()),
        ("/usr/bin/dockerd -H fd:// --containerd=/run/c.sock", {}, {"hosts", "containerd"}),
        ("dockerd $DOCKER_OPTS", {"DOCKER_OPTS": "--dns 8.8.8.8 --log-opt max-size=1m"}, {"dns", "log-opts"}),
        ("dockerd ${DOCKER_OPTS}", {"DOCKER_OPTS": "-D -g"}, {"debug"}),
        ("dockerd $DOCKER_OPTS", {}, set()),
        ("dockerd --insecure-registry r:5000 --label=a=b", {}, {"insecure-registries", "labels"}),
        ("dockerd --not-a-flag --default-ulimit nofile=1:1", {}, {"default-ulimits"}),
        ("dockerd --storage-driver overlay2 -l warn", {}, {"storage-driver", "log-level"}),
    ],
)
def test_flags_of_the_unit(argv: str, environment: dict[str, str], keys: set[str]) -> None:
    assert set(flags_of_unit(argv, environment)) == keys


@pytest.mark.parametrize(
    ("argv", "root"),
    [
        ("dockerd", "/srv/of-the-file"),
        ("dockerd --data-root=/mnt/docker/", "/mnt/docker"),
        ("dockerd --debug --data-root /mnt/docker -H fd://", "/mnt/docker"),
        ("dockerd --data-root", "/srv/of-the-file"),
        ("dockerd --data-root /one --data-root /two", "/two"),
    ],
)
def test_the_data_root_may_be_a_flag(argv: str, root: str) -> None:
    assert data_root({"data-root": "/srv/of-the-file"}, flags_of_unit(argv, {})) == root


def test_an_open_port_is_refused_to_whoever_opens_it() -> None:
    before: Config = {"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": True}
    with pytest.raises(PlanError, match="tcp://0.0.0.0:2376 would be root"):
        refuse_conflicts(before, merge(before, {"tlsverify": None}), PATH, {}, "docker.service", in_swarm=False)
    there: Config = {"hosts": ["tcp://0.0.0.0:2375"]}
    refuse_conflicts(there, merge(there, {"debug": True}), PATH, {}, "docker.service", in_swarm=False)


def test_a_slash_at_its_end_makes_no_other_data_root() -> None:
    before: Config = {"data-root": "/srv/docker/"}
    refuse_conflicts(before, merge(before, {"data-root": "/srv/docker"}), PATH, {}, "docker.service", in_swarm=True)


def test_an_apostrophe_in_an_argument_opens_no_quote() -> None:
    assert flags_of_unit("/usr/bin/dockerd --label team=o'brien --data-root /x $OPTS", {"OPTS": "--label it's --debug"}) == {
        "labels": "it's", "data-root": "/x", "debug": "",
    }  # fmt: skip


def test_environment_file() -> None:
    text = "# DOCKER_OPTS=no\nDOCKER_OPTS=\"--dns 8.8.8.8\"\n\nHTTP_PROXY='http://p'\nnonsense\n"
    assert parse_environment(text) == {"DOCKER_OPTS": "--dns 8.8.8.8", "HTTP_PROXY": "http://p"}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Docker version 20.10.24+dfsg1, build 5d6db84", (20, 10)),
        ("Docker version 29.1.3, build f52814d", (29, 1)),
        ("Docker version v28.0.0-rc.1, build x", (28, 0)),
        ("", None),
        ("Docker version dev, build x", None),
    ],
)
def test_version(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version


def test_a_flag_may_come_from_a_file_of_the_unit() -> None:
    """Later files win over earlier ones and over the unit's own variables; a file that is not there has none."""
    unit = {
        "ExecStart": "/usr/bin/dockerd -H fd:// $DOCKER_OPTS $MORE",
        "Environment": "DOCKER_OPTS=--debug MORE=--iptables",
        "EnvironmentFiles": "/etc/default/docker (ignore_errors=yes)\n/etc/default/none (ignore_errors=yes)",
    }
    files = {"/etc/default/docker": 'DOCKER_OPTS="--data-root /srv/docker"\n'}
    assert flags_of(unit, files.get) == {"hosts": "fd://", "data-root": "/srv/docker", "iptables": ""}
