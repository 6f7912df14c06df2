# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of inventories and the tables of the roles' READMEs are those that the argument specs give."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.role_options import BY_HOST, DAEMON_JSON, ROOT, SCHEMA, VALUES, module_options, options_of, outputs, resolve, specs, tasks_in

EXAMPLES = sorted(ROOT.glob("inventories/*/group_vars/all/*.yml"))
MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$", re.MULTILINE)
# Mappings of which only the user knows the keys.
FREE = set(VALUES) | DAEMON_JSON | BY_HOST
JINJA = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("path", outputs(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_made_is_current(path: Path) -> None:
    assert path.read_text() == outputs()[path], "run make schema"


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("role", specs())
def test_every_list_and_mapping_says_what_is_in_it(role: str) -> None:
    open_ones = [
        name
        for name, option in options_of(role).items()
        if "dict" in (option.get("type"), option.get("elements")) and not resolve(option).get("options") and name not in FREE
    ]
    assert open_ones == []


@pytest.mark.parametrize("role", specs())
def test_what_a_module_takes_as_it_is_has_the_modules_keys(role: str) -> None:
    """A variable that a task hands to an option of our module with sub-options refers to that option or repeats its keys."""
    for path in (ROOT / "roles" / role / "tasks").glob("*.yml"):
        for task in tasks_in(yaml.safe_load(path.read_text())):
            for action, given in task.items():
                if action.startswith("flotilla.swarm.") and isinstance(given, dict):
                    _compare(role, action.rpartition(".")[2], given)


def _compare(role: str, module: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        found = JINJA.fullmatch(str(value))
        theirs = (module_options(module).get(name) or {}).get("suboptions")
        if found and theirs and found[1] in options_of(role):
            assert set(resolve(options_of(role)[found[1]])["options"]) == set(theirs), found[1]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_are_right(path: Path) -> None:
    assert [error.message for error in validator().iter_errors(read(path))] == []


@pytest.mark.parametrize("path", [*EXAMPLES, *ROOT.glob("examples/*/*.yml")], ids=lambda path: str(path.relative_to(ROOT)))
def test_an_editor_finds_the_schema_of_an_example(path: Path) -> None:
    (schema,) = MODELINE.findall(path.read_text())
    kind = "inventory" if path in EXAMPLES else "stack"
    assert (path.parent / schema).resolve() == ROOT / f"plugins/plugin_utils/schemas/{kind}.json"


@pytest.mark.parametrize(
    ("variables", "right"),
    [
        ({"engine_packages": "docker"}, True),
        ({"engine_packages": "{{ packages }}"}, True),
        ({"engine_packages": "debian"}, False),
        ({"engine_package": "docker"}, False),
        ({"swarm_advertise_address": "eth0"}, False),
        ({"swarm_acting_manager": "m1"}, True),
        ({"swarm_node": {}}, True),
        ({"own_engine": 1}, True),
        ({"engine_hold": "yes"}, True),
        ({"engine_hold": "perhaps"}, False),
        ({"engine_nofile": "1000"}, True),
        ({"engine_nofile": "many"}, False),
        ({"engine_nofile": "{{ many }}"}, True),
        ({"engine_nofile": None}, False),
        ({"engine_daemon_config": {"debug": True, "mtu": None}}, True),
        ({"engine_daemon_config": {"debug": "yes"}}, False),
        ({"engine_daemon_config": {"log-opt": {}}}, False),
        ({"networks_present": [{"name": "a", "subnet": None}]}, True),
        ({"networks_present": [{"nme": "a"}]}, False),
        ({"networks_present": "{{ networks }}"}, True),
        ({"networks_present": "a"}, False),
        ({"volumes_present": [{"name": "a", "nfs": {"server": "s", "path": "/p"}, "options": {}}]}, False),
        ({"volumes_present": [{"name": "a", "nfs": {"server": "s"}}]}, False),
        ({"swarm_settings": {"task_history": 3}}, False),
        ({"stacks_present": [{"name": "a", "files": ["a.yml"], "prune": "yes"}]}, True),
        ({"stacks_present": [{"name": "a", "files": ["a.yml"], "prune": []}]}, False),
        ({"nodes_labels": {"m1": {"gpu": True, "zone": None, "rank": 3}}}, True),
        ({"nodes_labels": {"m1": ["gpu"]}}, False),
        ({"nodes_label_policies": {"exactly_one": ["a"], "at_most_one_of": [["a", "b"]]}}, True),
        ({"nodes_label_policies": {"only_one": ["a"]}}, False),
        ({"nodes_availability": {"m1": "drained"}}, False),
    ],
)
def test_values_are_judged(variables: dict[str, Any], right: bool) -> None:
    assert validator().is_valid(variables) is right


def test_what_surveys_ask_for_is_in_the_schema() -> None:
    asked = set(re.findall(r"^ +variable: (\w+)$", (ROOT / "awx/templates.yml").read_text(), re.MULTILINE))
    known = json.loads(SCHEMA.read_text())
    assert asked and asked <= {*known["properties"], *known["x-later"]}
