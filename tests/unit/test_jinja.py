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
VARS = sorted(path for folder in ("vars", "defaults") for path in (ROOT / "roles").glob(f"*/{folder}/*.yml"))
TASKS = sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "roles").glob("*/handlers/*.yml"), *(ROOT / "playbooks").glob("*.yml")])
PARSER = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])

# Each of them keeps a part of a list by a condition.
CHOOSING = {"select", "reject", "selectattr", "rejectattr", "flotilla.swarm.having"}
# Keywords whose values are expressions without braces.
BARE = {"when", "that", "until", "failed_when", "changed_when"}
# What says nothing but how something is shown.
SHOWN = {"msg", "fail_msg", "success_msg", "label", "name"}


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags, such as !vault and !unsafe, as plain text."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))


def count_conditions(tree: nodes.Node) -> int:
    """``a and b`` are two; ``a or b`` is one, whether to take b where a is empty; each filter that keeps a part of a list is one."""
    found = [tree, *tree.find_all(nodes.Node)]  # find_all leaves its own node out
    weights = {nodes.CondExpr: 1, nodes.If: 1, nodes.And: 2, nodes.Or: 1}
    choosing = [node for node in found if isinstance(node, nodes.Filter) and node.name in CHOOSING]
    return sum(weights.get(type(node), 0) for node in found) + len(choosing)


def problems(template: str) -> list[str]:
    """Of each expression of a template; what is around it in braces with percent signs belongs to all of them."""
    tree = PARSER.parse(template)
    loops = ["a loop"] * (tree.find(nodes.For) is not None)
    parts = tree.body[0].nodes if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) else tree.body
    counts = [count_conditions(part) for part in parts]
    return loops + [f"{count} conditions" for count in counts if count > 1]


def expressions(value: Any, path: str = "", bare: bool = False) -> Iterator[tuple[str, str]]:
    """Path and text of every template within a value."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key in SHOWN:
                continue
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


@pytest.mark.parametrize("path", VARS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_variables_of_roles_are_data(path: Path) -> None:
    assert found_in(path) == {}


@pytest.mark.parametrize("path", TASKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_decide_nothing(path: Path) -> None:
    assert found_in(path) == {}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{% for a in b %}{{ a }}{% endfor %}", ["a loop"]),
        ("{%- set a = [] -%}{%- for b in c -%}{%- set _ = a.append(b) -%}{%- endfor -%}{{ a }}", ["a loop"]),
        ("{{ a if b else c if d else e }}", ["2 conditions"]),
        ("{{ a and b }}", ["2 conditions"]),
        ("{{ a or b or c }}", ["2 conditions"]),
        ("{{ a if b and c else d }}", ["3 conditions"]),
        ("{{ a | selectattr('b', 'defined') | selectattr('b') | list }}", ["2 conditions"]),
        ("{{ a | flotilla.swarm.having('b') | rejectattr('c') }}", ["2 conditions"]),
        ("{% if a %}{% if b %}x{% endif %}{% endif %}", ["2 conditions"]),
        ("", []),
        ("text", []),
        ("{{ a if b else c }}", []),
        ("{{ a or b }} and {{ c or d }}", []),
        ("{{ a | map(attribute='b') | select('in', c) | list }}", []),
        ("{{ dict(a | zip(b | map('extract', hostvars))) | combine(c) }}", []),
    ],
)
def test_decisions_are_seen(template: str, found: list[str]) -> None:
    assert problems(template) == found


def test_every_expression_of_a_task_is_found() -> None:
    act = {"ansible.builtin.assert": {"that": "d", "fail_msg": "{{ e }}"}}
    task = {"name": "T {{ a }}", "when": ["b", "{{ c }}"], **act, "vars": {"f": "{{ g }}"}}
    assert dict(expressions([{"block": [task]}])) == {
        "[0].block[T {{ a }}].when[0]": "{{ b }}",
        "[0].block[T {{ a }}].when[1]": "{{ c }}",
        "[0].block[T {{ a }}].ansible.builtin.assert.that": "{{ d }}",
        "[0].block[T {{ a }}].vars.f": "{{ g }}",
    }
