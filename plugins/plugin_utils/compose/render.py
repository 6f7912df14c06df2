# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loaded stack as one file: merged, filled in, and fit to be shown."""

from __future__ import annotations

import typing as t

import yaml

from ...module_utils.redact import HIDDEN, redact
from .interpolate import escaped
from .scalars import Octal, plain
from .security import as_texts
from .service import CHECK_DURATIONS
from .sources import Model
from .units import cpus_text, duration_text, size_text

_Convert = t.Callable[[t.Any], t.Any]


def render(model: Model, shown: t.Collection[str] = ()) -> str:
    """YAML that says what the stack's files say together, redacted; ``shown`` are patterns of variables that may be shown."""
    file = as_file(model)
    redacted = {section: {key: redact("", item, shown) for key, item in items.items()} for section, items in file.items()}
    return dump(escaped(redacted))


def dump(data: Model) -> str:
    """YAML of the data of a file."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def as_file(model: Model) -> Model:
    """The model as the data of a Compose Spec file that means the same, but for what secrets and configs hold.

    A ``$`` is not doubled yet.
    """
    convert = {"services": _service, "secrets": _data, "configs": _data}
    return {
        section: {key: convert.get(section, dict)(item) for key, item in sorted(items.items())} for section, items in model.items() if items
    }


def _service(service: Model) -> Model:
    return _converted(
        service,
        stop_grace_period=duration_text,
        extra_hosts=lambda hosts: ["=".join(reversed(host.split(" ", 1))) for host in hosts],
        healthcheck=lambda check: _converted(check, **dict.fromkeys(CHECK_DURATIONS, duration_text)),
        security_opt=as_texts,
        networks=lambda networks: {name: attachment or None for name, attachment in networks.items()},
        deploy=_deploy,
    )


def _deploy(deploy: Model) -> Model:
    def policy(given: Model) -> Model:
        return _converted(given, delay=duration_text, monitor=duration_text, window=duration_text)

    def side(given: Model) -> Model:
        return _converted(given, cpus=cpus_text, memory=size_text)

    return _converted(
        deploy,
        update_config=policy,
        rollback_config=policy,
        restart_policy=policy,
        resources=lambda resources: _converted(resources, limits=side, reservations=side),
    )


def _data(item: Model) -> Model:
    return _converted(item, content=lambda _content: HIDDEN)


def _converted(given: Model, **converters: _Convert) -> Model:
    return {key: converters[key](value) if key in converters else value for key, value in given.items()}


class _Dumper(yaml.SafeDumper):
    """Quotes every text that the docker CLI would take for something else; PyYAML does so for YAML 1.1."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    block = "\n" in text and not any(line != line.rstrip() for line in text.split("\n"))
    style = "|" if block else None if plain(text) == text and text != "<<" else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _octal(dumper: yaml.SafeDumper, number: Octal) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:int", f"{'-' if number < 0 else ''}0{abs(number):o}")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Octal, _octal)
