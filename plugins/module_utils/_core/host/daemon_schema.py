# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key of daemon.json on Linux, engines 20.10 to 29: its shape, its versions, its flag, and whether a reload takes it. Pure.

A shape is a type, a set of words, a list of one shape, or a mapping: of known keys to shapes, or of ``"*"`` to the shape of
every value.
"""

from __future__ import annotations

import difflib
import json
import typing as t
from dataclasses import dataclass

from ...redact import redact

_TEXTS = {"*": str}


@dataclass(frozen=True)
class Key:
    """``since`` is the first engine that has the key, ``before`` the first that no longer has it (major, minor).

    ``reload`` says what SIGHUP does: ``""`` nothing, ``"set"`` takes a value but keeps it when the key goes, ``"any"`` both.
    ``flag`` is the command line flag where its name differs from the key's.
    """

    shape: t.Any
    since: tuple[int, int] = (0, 0)
    before: tuple[int, int] = (99, 0)
    reload: str = ""
    flag: str = ""


KEYS: dict[str, Key] = {
    "allow-direct-routing": Key(bool, since=(28, 2)),
    "allow-nondistributable-artifacts": Key([str]),
    "api-cors-header": Key(str, before=(28, 0)),
    "authorization-plugins": Key([str], reload="set", flag="authorization-plugin"),
    "bip": Key(str),
    "bip6": Key(str, since=(28, 0)),
    "bridge": Key(str),
    "bridge-accept-fwmark": Key(str, since=(28, 0)),
    "builder": Key({"gc": {"*": object}, "entitlements": {"*": bool}, "history": {"*": object}}),
    "cdi-spec-dirs": Key([str], since=(25, 0), flag="cdi-spec-dir"),
    "cgroup-parent": Key(str),
    "cluster-advertise": Key(str, before=(23, 0)),
    "cluster-store": Key(str, before=(23, 0)),
    "cluster-store-opts": Key(_TEXTS, before=(23, 0), flag="cluster-store-opt"),
    "containerd": Key(str),
    "containerd-namespace": Key(str),
    "containerd-plugins-namespace": Key(str),
    "cpu-rt-period": Key(int),
    "cpu-rt-runtime": Key(int),
    "cri-containerd": Key(bool),
    "data-root": Key(str),
    "debug": Key(bool, reload="set"),
    "default-address-pools": Key([{"base": str, "size": int}], flag="default-address-pool"),
    "default-cgroupns-mode": Key({"host", "private"}),
    "default-gateway": Key(str),
    "default-gateway-v6": Key(str),
    "default-ipc-mode": Key({"private", "shareable"}),
    "default-network-opts": Key({"*": _TEXTS}, since=(24, 0), flag="default-network-opt"),
    "default-runtime": Key(str, reload="set"),
    "default-shm-size": Key(str),
    "default-ulimits": Key({"*": {"Name": str, "Hard": int, "Soft": int}}, flag="default-ulimit"),
    "deprecated-key-path": Key(str),
    "dns": Key([str]),
    "dns-opts": Key([str], flag="dns-opt"),
    "dns-search": Key([str]),
    "exec-opts": Key([str], flag="exec-opt"),
    "exec-root": Key(str),
    "experimental": Key(bool),
    "features": Key({"*": bool}, flag="feature"),
    "firewall-backend": Key({"", "iptables", "nftables"}, since=(29, 0)),
    "fixed-cidr": Key(str),
    "fixed-cidr-v6": Key(str),
    "graph": Key(str, before=(23, 0)),
    "group": Key(str),
    "host-gateway-ip": Key(str),
    "host-gateway-ips": Key([str], since=(28, 0), flag="host-gateway-ip"),
    "hosts": Key([str], flag="host"),
    "http-proxy": Key(str, since=(23, 0)),
    "https-proxy": Key(str, since=(23, 0)),
    "icc": Key(bool),
    "init": Key(bool),
    "init-path": Key(str),
    "insecure-registries": Key([str], reload="set", flag="insecure-registry"),
    "ip": Key(str),
    "ip-forward": Key(bool),
    "ip-forward-no-drop": Key(bool, since=(28, 0)),
    "ip-masq": Key(bool),
    "ip6tables": Key(bool),
    "iptables": Key(bool),
    "ipv6": Key(bool),
    "labels": Key([str], reload="set", flag="label"),
    "live-restore": Key(bool, reload="set"),
    "log-driver": Key(str),
    "log-format": Key({"json", "text"}, since=(25, 0)),
    "log-level": Key({"debug", "info", "warn", "error", "fatal", "panic", "trace"}),
    "log-opts": Key(_TEXTS, flag="log-opt"),
    "max-concurrent-downloads": Key(int, reload="any"),
    "max-concurrent-uploads": Key(int, reload="any"),
    "max-download-attempts": Key(int, reload="any"),
    "metrics-addr": Key(str),
    "min-api-version": Key(str, since=(29, 0)),
    "mtu": Key(int),
    "network-control-plane-mtu": Key(int),
    "network-diagnostic-port": Key(int, reload="any"),
    "no-new-privileges": Key(bool),
    "no-proxy": Key(str, since=(23, 0)),
    "node-generic-resources": Key([str], flag="node-generic-resource"),
    "nri-opts": Key({"enable": bool, "plugin-path": str, "plugin-config-path": str, "socket-path": str}, since=(29, 0)),
    "oom-score-adjust": Key(int, before=(26, 0)),
    "pidfile": Key(str),
    "proxies": Key({"http-proxy": str, "https-proxy": str, "no-proxy": str}, since=(23, 0)),
    "raw-logs": Key(bool),
    "registry-mirrors": Key([str], reload="set", flag="registry-mirror"),
    "rootless": Key(bool),
    "runtimes": Key(
        {"*": {"path": str, "runtimeArgs": [str], "args": [str], "runtimeType": str, "options": {"*": object}}},
        reload="set",
        flag="add-runtime",
    ),
    "seccomp-profile": Key(str),
    "selinux-enabled": Key(bool),
    "shutdown-timeout": Key(int, reload="set"),
    "storage-driver": Key(str),
    "storage-opts": Key([str], flag="storage-opt"),
    "swarm-default-advertise-addr": Key(str),
    "tls": Key(bool),
    "tlscacert": Key(str),
    "tlscert": Key(str),
    "tlskey": Key(str),
    "tlsverify": Key(bool),
    "userland-proxy": Key(bool),
    "userland-proxy-path": Key(str),
    "userns-remap": Key(str),
}

SHORT_FLAGS = {
    "b": "bridge", "D": "debug", "G": "group", "H": "hosts", "l": "log-level", "p": "pidfile", "s": "storage-driver",
}  # fmt: skip
FLAGS = {key.flag or name: name for name, key in KEYS.items()}

_TYPES = {str: "text", int: "a whole number", bool: "true or false"}


def check(config: t.Mapping[str, t.Any], engine: tuple[int, int] | None) -> list[str]:
    """What is wrong with the keys of a configuration, one sentence each. ``None`` as a value asks for removal and is right.

    ``engine`` is the version that will read it, None if no engine is installed yet.
    """
    problems = []
    for name, value in config.items():
        key = KEYS.get(name)
        if key is None:
            near = difflib.get_close_matches(name, [*KEYS, *FLAGS], 1)
            hint = f" Did you mean {FLAGS.get(near[0], near[0])}?" if near else " Remove it, or check its spelling."
            problems.append(f"{name}: no engine has this key.{hint}")
        elif value is None:
            continue
        elif engine and engine < key.since:
            problems.append(f"{name}: needs engine {_text(key.since)}, this host has {_text(engine)}.")
        elif engine and engine >= key.before:
            problems.append(f"{name}: engines from {_text(key.before)} on refuse this key, this host has {_text(engine)}.")
        else:
            problems.extend(_check_value(value, key.shape, name))
    return problems


def _check_value(value: t.Any, shape: t.Any, path: str) -> t.Iterator[str]:
    if value is None or shape is object:
        return
    if isinstance(shape, dict):
        yield from _check_mapping(value, shape, path)
    elif isinstance(shape, list):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _check_value(item, shape[0], f"{path}[{index}]")
        else:
            yield f"{path}: is {_show(path, value)}, expected a list, such as [{_show(path, value)}]."
    elif isinstance(shape, set):
        if not isinstance(value, str) or value not in shape:
            yield f"{path}: is {_show(path, value)}, expected one of {', '.join(sorted(filter(None, shape)))}."
    elif value.__class__ is not shape:  # for isinstance, True is a whole number
        yield f"{path}: is {_show(path, value)}, expected {_TYPES[shape]}.{_cast_hint(path, value, shape)}"


def _check_mapping(value: t.Any, shape: dict[str, t.Any], path: str) -> t.Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: is {_show(path, value)}, expected a mapping."
        return
    for name, item in value.items():
        inner = shape.get(name, shape.get("*"))
        if inner is None:
            yield f"{path}.{name}: no such key. Known are {', '.join(sorted(shape))}."
        else:
            yield from _check_value(item, inner, f"{path}.{name}")


def _cast_hint(path: str, value: t.Any, shape: type) -> str:
    if shape is str and isinstance(value, (bool, int, float)):
        return f" Write it in quotes: {_show(path, json.dumps(value))}."
    quoted = isinstance(value, str) and (value.lower() in ("true", "false", "yes", "no") if shape is bool else value.lstrip("-").isdigit())
    return " Write it without quotes." if quoted else ""


def _show(path: str, value: t.Any) -> str:
    text = json.dumps(redact(path, value), ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
