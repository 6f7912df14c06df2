# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon.json: read, merge, what a change costs, and what an engine would refuse. Pure."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
import typing as t

from ...errors import FlotillaError, PlanError
from ...plan import compare
from ...redact import looks_secret
from .daemon_schema import FLAGS, KEYS, SHORT_FLAGS, check

Config = dict[str, t.Any]

COSTS = ("nothing", "reload", "restarts engine")
PATH, UNIT = "/etc/docker/daemon.json", "docker.service"
PENDING = "/run/flotilla-daemon-config.json"
"""Written with the file and gone with the next start of the host: the engine has not taken the file yet."""
_SHOWN = "LoadState,ActiveState,InvocationID,ExecStart,Environment,EnvironmentFiles"
_ROTATED = ("json-file", "local")
_LOCAL_SOCKETS = ("unix://", "fd://", "npipe://")
_CONFIG_FILE = "config-file"
_CREDENTIALS = re.compile(r"://[^/@\s]+@")


def parse(text: str | None, path: str) -> Config:
    """The configuration in a file's text, order kept; empty if there is no file or nothing in it."""
    if not (text or "").strip():
        return {}
    cure = f"Repair it, or move it away to start with an empty one (mv {path} {path}.broken)."

    def refuse(problem: str) -> t.NoReturn:
        raise FlotillaError(f"reading {path}: {problem}", cure)

    def pairs(items: list[tuple[str, t.Any]]) -> Config:
        for index, (name, _value) in enumerate(items):
            if name in [earlier for earlier, _other in items[:index]]:
                refuse(f"the key {name} is given twice, and only the last one counts")
        return dict(items)

    try:
        config = json.loads(text or "", object_pairs_hook=pairs, parse_constant=lambda word: refuse(f"{word} is not a JSON value"))
    except json.JSONDecodeError as error:
        refuse(f"invalid JSON at line {error.lineno}, column {error.colno}: {error.msg}")
    if not isinstance(config, dict):
        refuse(f"it holds a {type(config).__name__}, expected an object in braces")
    return t.cast(Config, config)


def render(config: Config, former: str | None) -> str:
    """The text of a configuration, indented as the former text was."""
    found = re.search(r"\n([ \t]+)\S", former or "")
    return json.dumps(config, indent=found.group(1) if found else "  ", ensure_ascii=False) + "\n"


def merge(existing: Config, wanted: t.Mapping[str, t.Any], lists: str = "replace") -> Config:
    """The existing configuration with the wanted keys in it.

    Keys that are not wanted, and the order, stay. Mappings are merged at every depth, ``None`` removes a key. A wanted list
    takes the place of the existing one, or with ``lists="union"`` adds what that lacks.
    """
    merged = dict(existing)
    for name, value in wanted.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, t.Mapping):
            inner = merge(before if isinstance(before, dict) else {}, value, lists)
            if inner or not value or name in merged:
                merged[name] = inner
        elif isinstance(value, list) and isinstance(before, list) and lists == "union":
            merged[name] = before + [item for item in value if item not in before]
        else:
            merged[name] = value
    return merged


def cost(before: Config, after: Config) -> str:
    """What it takes for a running engine to follow: nothing, reload, or restarts engine."""
    worst = 0
    for name in {field.path.split(".")[0] for field in compare(before, after)}:
        reload = KEYS[name].reload if name in KEYS else ""
        enough = reload == "any" or (reload == "set" and name in after)
        worst = max(worst, 1 if enough else 2)
    return COSTS[worst]


def credentials(value: t.Any, name: str = "") -> list[str]:
    """The texts of a configuration that may be secrets: values whose name says so, and the login in an address."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in credentials(item, str(key))]
    if isinstance(value, list):
        return [text for item in value for text in credentials(item, name)]
    if not isinstance(value, str):
        return []
    if looks_secret(name):
        return [value]
    return [found.group()[3:-1] for found in _CREDENTIALS.finditer(value)]


def refuse_wrong_keys(wanted: t.Mapping[str, t.Any], engine: tuple[int, int] | None) -> None:
    """Raise PlanError, with every fault in it, where the wanted keys are not what an engine of this version takes."""
    problems = check(wanted, engine)
    if problems:
        raise PlanError("\n".join(["config of daemon.json can't be used:", *problems]))


def refuse_conflicts(before: Config, merged: Config, path: str, flags: t.Mapping[str, str], unit: str, in_swarm: bool) -> None:
    """Raise PlanError where an engine would not read the merged configuration, not start, not find its data, or be open to everyone."""
    problems = [
        f"{name}: the service unit {unit} gives it as a command line flag, and an engine that finds a key in both places does "
        f"not start. Remove the flag (systemctl cat {unit} shows where it comes from) or the key."
        for name in merged
        if name in flags and name != "runtimes"
    ]
    read = posixpath.normpath(flags.get(_CONFIG_FILE) or path)
    if read != posixpath.normpath(path):
        problems.append(f"config-file: the service unit {unit} reads {read} and not this file. Give that path, or remove the flag.")
    driver = merged.get("log-driver", "json-file")
    options = merged.get("log-opts")
    alien = sorted({"max-size", "max-file"} & set(options if isinstance(options, dict) else {}))
    if alien and driver not in _ROTATED:
        problems.append(
            f"log-opts: the log driver {driver} does not know {' and '.join(alien)}. Remove them, or set log-driver to "
            f"{' or '.join(_ROTATED)}."
        )
    opened = [host for host in _open_hosts(merged, flags) if host not in _open_hosts(before, flags)]
    if opened:
        problems.append(
            f"hosts: anyone who reaches {', '.join(opened)} would be root here, because the engine asks for no certificate. "
            "Set tlsverify to true with tlscacert, tlscert and tlskey, or reach the engine by SSH. "
            "To keep it open anyway, set tls or tlsverify to false."
        )
    if in_swarm and merged.get("live-restore"):
        problems.append("live-restore: an engine in a swarm can't use it. Set it to false.")
    if in_swarm and merged.get("firewall-backend") == "nftables":
        problems.append("firewall-backend: an engine in a swarm can't use nftables, which has no overlay networks. Set it to iptables.")
    if in_swarm and data_root(before) != data_root(merged):
        problems.append(
            f"data-root: the engine is in a swarm, and its membership, volumes and images are in {data_root(before)}. With "
            f"{data_root(merged)} it would start empty. Move everything with the playbook move_data_root, or keep data-root."
        )
    if problems:
        raise PlanError("\n".join([f"{path} would break the engine:", *problems]))


def _open_hosts(config: Config, flags: t.Collection[str]) -> list[str]:
    """TCP addresses at which the engine would listen without asking for certificates, where nobody said that this is meant.

    An explicit false says so to engines too: newer ones don't start without it.
    """
    told = "tlsverify" in flags or config.get("tlsverify") is not None or config.get("tls") is False
    hosts = config.get("hosts")
    if told or not isinstance(hosts, list):
        return []
    return [str(host) for host in hosts if host and not str(host).startswith(_LOCAL_SOCKETS)]


def data_root(config: Config, flags: t.Mapping[str, str] | None = None) -> str:
    """Where an engine with this configuration and these flags keeps its data, without a slash at the end."""
    return posixpath.normpath((flags or {}).get("data-root") or config.get("data-root") or "/var/lib/docker")


def flags_of_unit(argv: str, environment: t.Mapping[str, str]) -> dict[str, str]:
    """The keys that a command line such as ``/usr/bin/dockerd -H fd:// $DOCKER_OPTS`` sets, each with the value that it gave last.

    Of ``hosts``, which add up, it has all of them, with blanks between.

    ``config-file`` is among them, although no file has such a key.
    """
    words = _words(argv)
    for index in range(len(words) - 1, -1, -1):
        name = words[index].strip("${}") if words[index].startswith("$") else ""
        if name:
            words[index : index + 1] = _words(environment.get(name, ""))
    found: dict[str, str] = {}

    def take(key: str, value: str) -> None:
        found[key] = f"{found[key]} {value}" if key == "hosts" and key in found else value

    for index, word in enumerate(words[1:], 2):
        after = "" if words[index : index + 1] == [] or words[index].startswith("-") else words[index]
        if word.startswith("--"):
            name, separator, value = word[2:].partition("=")
            key = name if name == _CONFIG_FILE else FLAGS.get(name, "")
            take(key, value if separator else after)
        elif re.match(r"-[A-Za-z]", word):
            take(SHORT_FLAGS.get(word[1], ""), word[2:].lstrip("=") or after)
    found.pop("", None)
    return found


def _words(text: str) -> list[str]:
    """systemd prints a command without its quotes, so that an apostrophe in an argument opens one that nothing closes."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def flags_of(unit: t.Mapping[str, str], read: t.Callable[[str], str | None]) -> dict[str, str]:
    """The same of the engine's unit, from the properties ExecStart, Environment and EnvironmentFiles; ``read`` reads a file."""
    variables = parse_environment("\n".join(_words(unit.get("Environment", ""))))
    for line in unit.get("EnvironmentFiles", "").splitlines():
        variables.update(parse_environment(read(line.split(" (")[0]) or ""))
    return flags_of_unit(unit["ExecStart"], variables)


def show_unit(unit: str) -> list[str]:
    """The command whose output ``parse_unit`` reads."""
    return ["systemctl", "show", unit, "--property", _SHOWN]


def parse_unit(text: str) -> dict[str, str]:
    """The properties that ``systemctl show`` printed, one line each time a property came; of ExecStart only its words."""
    properties: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            properties[name] = f"{properties[name]}\n{value}" if name in properties else value
    found = re.search(r"argv\[\]=(.*?) ; ", properties.get("ExecStart", ""))
    return {**properties, "ExecStart": found.group(1) if found else ""}


def parse_environment(text: str) -> dict[str, str]:
    """Variables of an environment file such as /etc/default/docker."""
    variables = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            variables[name.strip()] = value.strip().strip("\"'")
    return variables


def parse_version(text: str) -> tuple[int, int] | None:
    """Major and minor version from ``dockerd --version``."""
    found = re.search(r"version v?(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None
