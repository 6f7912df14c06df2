# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.daemon_schema import FLAGS, KEYS, SHORT_FLAGS, check

NVIDIA = {"nvidia": {"path": "/usr/bin/nvidia-container-runtime", "runtimeArgs": []}}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"debug": True, "mtu": 1400, "log-level": "warn", "bip": "10.9.0.1/24"},
        {"log-opts": {"max-size": "100m", "max-file": "5"}},
        {"default-runtime": "nvidia", "runtimes": NVIDIA},
        {"node-generic-resources": ["gpu=GPU-1", "gpu=GPU-2"]},
        {"default-address-pools": [{"base": "10.201.0.0/16", "size": 24}]},
        {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1000000, "Hard": 1000000}}},
        {"features": {"buildkit": True, "containerd-snapshotter": False}},
        {"builder": {"gc": {"enabled": True, "defaultKeepStorage": "20GB", "policy": [{"all": True}]}}},
        {"proxies": {"http-proxy": "http://proxy:3128", "no-proxy": "localhost"}},
        {"live-restore": None, "hosts": None},
    ],
)
def test_right(config: dict[str, t.Any]) -> None:
    assert check(config, (24, 0)) == []


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"log-optz": {}}, "log-optz: no engine has this key. Did you mean log-opts?"),
        ({"insecure-registry": ["r:5000"]}, "insecure-registry: no engine has this key. Did you mean insecure-registries?"),
        ({"host": ["fd://"]}, "host: no engine has this key. Did you mean hosts?"),
        ({"label": ["a=b"]}, "label: no engine has this key. Did you mean labels?"),
        ({"xyzzyxyzzy": 1}, "xyzzyxyzzy: no engine has this key. Remove it, or check its spelling."),
        ({"debug": "yes"}, 'debug: is "yes", expected true or false. Write it without quotes.'),
        ({"debug": "maybe"}, 'debug: is "maybe", expected true or false.'),
        ({"debug": 1}, "debug: is 1, expected true or false."),
        ({"mtu": "1400"}, 'mtu: is "1400", expected a whole number. Write it without quotes.'),
        ({"mtu": True}, "mtu: is true, expected a whole number."),
        ({"mtu": 1400.5}, "mtu: is 1400.5, expected a whole number."),
        ({"bip": 10}, 'bip: is 10, expected text. Write it in quotes: "10".'),
        ({"dns": "10.0.0.1"}, 'dns: is "10.0.0.1", expected a list, such as ["10.0.0.1"].'),
        ({"dns": ["10.0.0.1", 8]}, 'dns[1]: is 8, expected text. Write it in quotes: "8".'),
        ({"log-opts": {"max-file": 5}}, 'log-opts.max-file: is 5, expected text. Write it in quotes: "5".'),
        ({"log-opts": ["max-file=5"]}, 'log-opts: is ["max-file=5"], expected a mapping.'),
        ({"log-level": "verbose"}, 'log-level: is "verbose", expected one of debug, error, fatal, info, panic, trace, warn.'),
        ({"log-level": ["info"]}, 'log-level: is ["info"], expected one of debug, error, fatal, info, panic, trace, warn.'),
        ({"default-ulimits": {"nofile": 8}}, "default-ulimits.nofile: is 8, expected a mapping."),
        (
            {"default-ulimits": {"nofile": {"soft": 8}}},
            "default-ulimits.nofile.soft: no such key. Known are Hard, Name, Soft.",
        ),
        ({"runtimes": {"n": {"runtimeArgs": "x"}}}, 'runtimes.n.runtimeArgs: is "x", expected a list, such as ["x"].'),
        ({"proxies": {"http": "x"}}, "proxies.http: no such key. Known are http-proxy, https-proxy, no-proxy."),
        ({"features": {"cdi": "true"}}, 'features.cdi: is "true", expected true or false. Write it without quotes.'),
        ({"cdi-spec-dirs": ["/etc/cdi"]}, "cdi-spec-dirs: needs engine 25.0, this host has 24.0."),
        ({"graph": "/data"}, "graph: engines from 23.0 on refuse this key, this host has 24.0."),
        ({"cluster-store": "consul://x"}, "cluster-store: engines from 23.0 on refuse this key, this host has 24.0."),
    ],
)
def test_wrong(config: dict[str, t.Any], problem: str) -> None:
    assert check(config, (24, 0)) == [problem]


def test_all_faults_at_once() -> None:
    assert len(check({"debug": "yes", "mtuu": 1, "log-opts": {"a": 1, "b": 2}}, None)) == 4


def test_versions_do_not_count_where_no_engine_is_installed() -> None:
    assert check({"graph": "/data", "firewall-backend": "nftables"}, None) == []


@pytest.mark.parametrize(
    ("name", "value", "last_without", "first_with"),
    [
        ("default-network-opts", {}, (23, 0), (24, 0)),
        ("log-format", "json", (24, 0), (25, 0)),
        ("ip-forward-no-drop", True, (27, 5), (28, 0)),
        ("allow-direct-routing", True, (28, 1), (28, 2)),
        ("firewall-backend", "iptables", (28, 5), (29, 0)),
        ("min-api-version", "1.24", (28, 5), (29, 0)),
    ],
)
def test_a_key_begins_with_a_version(name: str, value: t.Any, last_without: tuple[int, int], first_with: tuple[int, int]) -> None:
    assert [len(check({name: value}, version)) for version in (last_without, first_with)] == [1, 0]


def test_every_flag_leads_to_a_key() -> None:
    assert set(FLAGS.values()) | {"host-gateway-ip"} == set(KEYS)
    assert set(SHORT_FLAGS.values()) <= set(KEYS)
