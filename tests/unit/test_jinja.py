# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No decision stands in Jinja: an expression has no loop and at most one condition, what needs more is Python behind a filter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from jinja2 import nodes

ROOT = Path(__file__).parents[2]
VARS = sorted((ROOT / "roles").glob("*/vars/*.yml"))
TASKS = sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "roles").glob("*/handlers/*.yml"), *(ROOT / "playbooks").glob("*.yml")])
PARSER = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])

# Each of them keeps a part of a list by a condition.
CHOOSING = {"select", "reject", "selectattr", "rejectattr"}
# Keywords whose values are expressions without braces.
BARE = {"when", "that", "until", "failed_when", "changed_when"}


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags, such as !vault and !unsafe, as plain text."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))


def count_conditions(tree: nodes.Node) -> int:
    """``a and b`` are two conditions; ``a or b`` is one, what is taken where a is empty."""
    weights = {nodes.CondExpr: 1, nodes.If: 1, nodes.And: 2, nodes.Or: 1}
    found = sum(weight * len(list(tree.find_all(kind))) for kind, weight in weights.items())
    return found + sum(each.name in CHOOSING for each in tree.find_all(nodes.Filter))


def problems(expression: str) -> list[str]:
    tree = PARSER.parse(expression)
    found = ["a loop"] if tree.find(nodes.For) else []
    conditions = count_conditions(tree)
    return found + [f"{conditions} conditions"] * (conditions > 1)


def expressions(value: Any, path: str = "", bare: bool = False) -> Iterator[tuple[str, str]]:
    """Path and text of every template within a value."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from expressions(part, f"{path}.{key}".lstrip("."), key in BARE)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            name = part.get("name", number) if isinstance(part, dict) else number
            yield from expressions(part, f"{path}[{name}]", bare)
    elif isinstance(value, str):
        yield path, f"{{{{ {value} }}}}" if bare and "{{" not in value else value


def found_in(path: Path) -> dict[str, list[str]]:
    content = yaml.load(path.read_text(), Loader)  # a SafeLoader
    return {place: found for place, text in expressions(content) if (found := problems(text))}


@pytest.mark.parametrize("path", VARS, ids=lambda path: path.parts[-3])
def test_variables_of_roles_are_data(path: Path) -> None:
    assert found_in(path) == {}
