# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service in normal form: long forms only, and every value of one type.

Durations are nanoseconds, sizes bytes, CPUs billionths; everything else is as the Compose reference describes it.
"""

from __future__ import annotations

import typing as t

from ...module_utils._core.service.fields import KEYS
from .context import Context, MissingFile
from .deploy import read_deploy
from .environment import fill_missing, read_dotenv, read_env_file, read_pairs
from .errors import Place
from .mounts import read_mount
from .ports import read_port
from .scalars import go_text
from .security import read_security
from .shellwords import split_words
from .units import duration_ns

Service = dict[str, t.Any]
CHECK_DURATIONS = ("interval", "timeout", "start_period", "start_interval")


def read_service(raw: Service, place: Place, context: Context) -> Service:
    """The normal form of a service that the schema allows. Keys that were not given are not there."""
    service: Service = {key: raw[key] for key in _AS_IT_IS if key in raw}
    service.update({key: read(raw[key], place / key, context) for key, read in _READERS.items() if key in raw})
    if "environment" in raw:
        service["environment"] = fill_missing(read_pairs(raw["environment"]), context.env, empty=not context.compose)
    if "env_file" in raw:
        service["env_file"] = _read_env_files(raw["env_file"], place / "env_file", context)
    deploy = read_deploy(raw, place, context)
    if deploy or "deploy" in raw:
        service["deploy"] = deploy
    return service


def _read_words(value: t.Any, place: Place, _context: Context) -> list[str]:
    """Without a value it takes back the command of the service that this one overrides."""
    if value is None or isinstance(value, list):
        return value or []
    try:
        return split_words(value)
    except ValueError as missing:
        raise place.error("this command ends too early", str(missing), "or write the command as a list") from None


def _read_list(value: t.Any, _place: Place, _context: Context) -> list[str]:
    return [go_text(item) for item in value] if isinstance(value, list) else [go_text(value)]


def _read_duration(value: str, _place: Place, _context: Context) -> int:
    return duration_ns(value)


def _read_labels(value: t.Any, _place: Place, _context: Context) -> dict[str, str]:
    return {key: text or "" for key, text in read_pairs(value).items()}


def _read_references(value: list[t.Any], place: Place, _context: Context) -> list[dict[str, t.Any]]:
    references = [{"source": item} if isinstance(item, str) else dict(item) for item in value]
    for index, reference in enumerate(references):
        if not reference.get("source"):
            raise (place / index).error("has no source", "source: the key of the object at the top level")
        mode = reference.get("mode", 0)
        if isinstance(mode, str) or mode != int(mode) or not 0 <= mode < 2**32:
            raise (place / index / "mode").error(f"found {mode!r}", "a mode such as 0440", "write it without quotes")
    return references


def _read_depends_on(value: t.Any, _place: Place, _context: Context) -> dict[str, t.Any]:
    """In the short form, which docker stack deploy reads and ignores, an unknown service is no error."""
    if isinstance(value, list):
        return {name: {"condition": "service_started", "required": False} for name in value}
    return {
        name: {"condition": entry.get("condition", "service_started"), "required": entry.get("required", True)}
        for name, entry in value.items()
    }


def _read_hosts(value: t.Any, place: Place, _context: Context) -> list[str]:
    """Lines as the engine wants them: address, blank, name."""
    if isinstance(value, dict):
        pairs = [(name, address) for name, given in value.items() for address in (given if isinstance(given, list) else [given])]
        value = sorted(f"{name}:{go_text(address or '')}" for name, address in pairs)
    hosts = []
    for index, item in enumerate(value):
        name, separator, address = item.partition("=" if "=" in item else ":")
        if not separator:
            raise (place / index).error(f"found {item!r}", '"name:address" or "name=address"')
        if address.startswith("[") and address.endswith("]"):
            address = address[1:-1]
        hosts.append(f"{address} {name}")
    return hosts


def _read_healthcheck(value: dict[str, t.Any], place: Place, context: Context) -> dict[str, t.Any]:
    check: dict[str, t.Any] = {key: duration_ns(value[key]) for key in CHECK_DURATIONS if key in value}
    if "retries" in value:
        if value["retries"] < 0:
            raise (place / "retries").error(f"found {value['retries']}", "zero or more")
        check["retries"] = int(value["retries"])
    test = value.get("test")
    if test is not None:
        check["test"] = ["CMD-SHELL", test] if isinstance(test, str) else test
    if "disable" in value:
        if value["disable"] and test and not context.compose:
            raise place.error("has both test and disable: true", "one of the two", "remove disable, or the test")
        check["disable"] = value["disable"]
    return check


def _read_logging(value: dict[str, t.Any], _place: Place, _context: Context) -> dict[str, t.Any]:
    logging: dict[str, t.Any] = {"driver": value["driver"]} if value.get("driver") else {}
    if "options" in value:
        logging["options"] = _options(value["options"])
    return logging


def _read_networks(value: t.Any, _place: Place, _context: Context) -> dict[str, t.Any]:
    """A network with options has aliases, if only none; one without any options says nothing about them."""
    networks: dict[str, t.Any] = {}
    for name, given in (dict.fromkeys(value) if isinstance(value, list) else value).items():
        networks[name] = {} if given is None else {"aliases": given.get("aliases", [])}
        if given and "driver_opts" in given:
            networks[name]["driver_opts"] = _options(given["driver_opts"])
    return networks


def _read_ports(value: list[t.Any], place: Place, context: Context) -> list[dict[str, t.Any]]:
    return [port for index, item in enumerate(value) for port in read_port(item, place / index, context.warnings)]


def _read_ulimits(value: dict[str, t.Any], _place: Place, _context: Context) -> dict[str, t.Any]:
    return {
        name: {"soft": limit["soft"], "hard": limit["hard"]} if isinstance(limit, dict) else {"soft": limit, "hard": limit}
        for name, limit in value.items()
    }


def _read_volumes(value: list[t.Any], place: Place, context: Context) -> list[dict[str, t.Any]]:
    return [read_mount(item, place / index, context.folder) for index, item in enumerate(value)]


def _read_env_files(value: t.Any, place: Place, context: Context) -> dict[str, str | None]:
    """The variables of all the files, later ones winning."""
    variables: dict[str, str | None] = {}
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        at = place / index if isinstance(value, list) else place
        entry = item if isinstance(item, dict) else {"path": item}
        try:
            data = context.read_file(entry["path"], at)
        except MissingFile:
            if entry.get("required", True):
                raise
            continue
        if not context.compose or entry.get("format") == "raw":
            found = fill_missing(read_env_file(data, at), context.env, empty=not context.compose)
        else:
            found = {**read_dotenv(data, at, context.scope)}
        variables.update({key: text for key, text in found.items() if text is not None})
    return variables


def _options(value: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {key: "" if item is None else go_text(item) for key, item in value.items()}


_READERS: dict[str, t.Callable[[t.Any, Place, Context], t.Any]] = {
    "command": _read_words,
    "entrypoint": _read_words,
    "configs": _read_references,
    "secrets": _read_references,
    "security_opt": read_security,
    "depends_on": _read_depends_on,
    "dns": _read_list,
    "dns_search": _read_list,
    "extra_hosts": _read_hosts,
    "group_add": _read_list,
    "healthcheck": _read_healthcheck,
    "labels": _read_labels,
    "logging": _read_logging,
    "networks": _read_networks,
    "ports": _read_ports,
    "stop_grace_period": _read_duration,
    "sysctls": _read_labels,
    "ulimits": _read_ulimits,
    "volumes": _read_volumes,
}
# Fields whose normal form is what a file says. Only Compose has the last two.
_AS_IT_IS = ("image", *sorted(KEYS - {"image", "environment", "deploy", *_READERS}), "restart", "profiles")
