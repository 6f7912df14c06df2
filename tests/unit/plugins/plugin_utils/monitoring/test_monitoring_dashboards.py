# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards as Grafana's own library reads them, whose classes are made of Grafana's schema."""

from __future__ import annotations

import copy
import enum
import importlib
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS, dashboard

pytest.importorskip("grafana_foundation_sdk", reason="requirements-test.txt has it")
encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
plugins = pytest.importorskip("grafana_foundation_sdk.cog.plugins")
models = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
plugins.register_default_plugins()

Json = dict[str, t.Any]


def lost(given: t.Any, kept: t.Any, path: str = "") -> t.Iterator[str]:
    """What the library did not take over: it knows no such key, or makes something else of the value."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from lost(value, kept[key], f"{path}.{key}") if key in kept else (f"{path}.{key}",)
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (before, after) in enumerate(zip(given, kept, strict=True)):
            yield from lost(before, after, f"{path}[{index}]")
    elif given != kept:
        yield path


def misfits(value: t.Any, hint: t.Any, path: str = "") -> t.Iterator[str]:
    """Values of another type than the schema has; the library itself does not compare them."""
    origin, inner = t.get_origin(hint), t.get_args(hint)
    if origin is t.Union:
        if all(any(True for _wrong in misfits(value, each)) for each in inner):
            yield path
    elif origin is t.Literal:
        if value not in inner:
            yield path
    elif origin is list:
        yield from (path,) if not isinstance(value, list) else ()
        for index, each in enumerate(value if isinstance(value, list) else ()):
            yield from misfits(each, inner[0], f"{path}[{index}]")
    elif origin is dict:
        yield from (path,) if not isinstance(value, dict) else ()
    elif hint in (object, t.Any):
        return
    elif hint is float:
        yield from (path,) if isinstance(value, bool) or not isinstance(value, (int, float)) else ()
    elif not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        yield path
    elif not isinstance(value, (str, int, enum.Enum, type(None))):
        for name, each in t.get_type_hints(type(value)).items():
            yield from misfits(getattr(value, name), each, f"{path}.{name}")


def problems(made: Json) -> list[str]:
    read = models.Dashboard.from_json(copy.deepcopy(made))
    return [*lost(made, json.loads(encoder.JSONEncoder().encode(read))), *misfits(read, models.Dashboard)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_one_of_grafanas_schema(name: str) -> None:
    made = dashboard(name)
    assert problems(made) == []
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    for panel in made["panels"]:  # a kind of panel of which the library has a module
        importlib.import_module(f"grafana_foundation_sdk.models.{panel['type']}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("panels", 0, "targets", 0, "exprr"), "up"),
        (("panels", 0, "targets", 0, "expr"), 5),
        (("panels", 0, "fieldConfig", "defaults", "units"), "short"),
        (("panels", 0, "fieldConfig", "defaults", "min"), "none"),
        (("panels", 0, "gridPos", "w"), "wide"),
        (("panels", 0, "title"), ["a"]),
        (("tags",), "flotilla"),
        (("schemaVersion",), "39"),
        (("refresh",), True),
    ],
)
def test_what_is_not_of_the_schema_is_seen(path: tuple[t.Any, ...], value: t.Any) -> None:
    made: t.Any = dashboard("node")
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert problems(made)
