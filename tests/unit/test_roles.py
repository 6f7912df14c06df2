# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles and playbooks may use, held by reading their YAML and the Jinja in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jinja2.nodes
import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted([*ROOT.glob("*.yml"), *(ROOT / "playbooks").glob("*.yml")])

COLLECTIONS = ("ansible.builtin", "ansible.posix", "community.general", "flotilla.swarm")
NEVER = {f"ansible.builtin.{name}" for name in ("shell", "raw", "script", "expect", "pause")}
# Commands of roles, each with the reason why no module does it: {("role", "task"): "reason"}.
COMMANDS: dict[tuple[str, str], str] = {
    ("runner", "Checkout | Take the newest commit"): "as another user, also where root connects and there is no sudo",
}
# A host on which nothing is to be done leaves a play by meta, which costs less than a task that is skipped.
PLAYBOOK_ACTIONS = {f"ansible.builtin.{name}" for name in ("assert", "set_stats", "include_role", "import_role", "meta", "debug")}

EXPRESSIONS = {"when", "that", "var", "until", "failed_when", "changed_when"}
MAGIC = set(
    "groups group_names hostvars inventory_dir inventory_file inventory_hostname inventory_hostname_short item omit play_hosts "
    "playbook_dir role_name role_path lookup query q now undef range dict namespace loop".split()
)
# 'all' is no group of the user's; an attribute that is a method of mappings is no group.
GROUP_LITERAL = re.compile(
    r"""groups\s*(?:\[\s*['"](?!all['"])|\.get\(\s*['"](?!all['"])|\.(?!get\b|values\b|keys\b|items\b|all\b)\w)"""
    r"""|['"]\w+['"]\s+(?:not\s+)?in\s+group_names"""
)
# A module goes by its name alone, an option by its own or by plugin, type and name.
BAD_REFERENCE = re.compile(r"M\([\w.]*#\w*\)|O\(\w+#[\w.]+\)")
TASK_KEYWORDS = set(
    "action any_errors_fatal args async become become_user block always rescue changed_when check_mode collections connection "
    "debugger delay delegate_facts delegate_to diff environment failed_when ignore_errors ignore_unreachable listen local_action "
    "loop loop_control module_defaults name no_log notify poll port register remote_user retries run_once tags throttle timeout "
    "until vars when with_items".split()
)

Task = dict[str, Any]


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags, such as !vault and !unsafe, as plain text."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))


def read(text: str) -> Any:
    return yaml.load(text, Loader)  # a SafeLoader


def flat(tasks: list[Task] | None) -> Iterator[Task]:
    """Every task, blocks and what is in them included."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from flat(task.get(part))


def actions(task: Task) -> list[str]:
    return [key for key in task if key not in TASK_KEYWORDS]


def names_in(template: str) -> set[str]:
    """Variables that a Jinja template reads and doesn't itself bind."""
    tree = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(template)
    names = list(tree.find_all(jinja2.nodes.Name))
    bound = {name.name for name in names if name.ctx != "load"}
    return {name.name for name in names if name.ctx == "load"} - bound


def names_of(value: Any, is_expression: bool = False) -> set[str]:
    """Variables that a YAML value reads; an expression, such as a ``when``, is Jinja without braces."""
    if isinstance(value, str):
        return names_in(f"{{{{ {value} }}}}" if is_expression and "{{" not in value else value)
    if isinstance(value, dict):
        parts = [names_of(part, key in EXPRESSIONS or is_expression) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [names_of(part, is_expression) for part in value]
    else:
        return set()
    return set().union(*parts)


def foreign_names(value: Any, role: str, local: set[str] | None = None) -> list[str]:
    """Variables that belong neither to the role, nor to Ansible, nor to the task itself."""
    own = (f"{role}_", f"__{role}_", "ansible_")
    return sorted(name for name in names_of(value) - MAGIC - (local or set()) if not name.startswith(own))


def task_problems(tasks: list[Task] | None, role: str) -> list[str]:
    """What the tasks of a role do against the rules; ``local`` are variables of a task or of the block around it."""
    found: list[str] = []
    facts = {name for task in flat(tasks) for name in task.get("ansible.builtin.set_fact") or {}}
    local = {name for task in flat(tasks) for name in task.get("vars") or {}}
    loops = [task["loop_control"] for task in flat(tasks) if "loop_control" in task]
    local |= {loop[key] for loop in loops for key in ("loop_var", "index_var") if key in loop}
    for task in flat(tasks):
        title = task.get("name", "a task without a name")
        for action in actions(task):
            if not action.startswith(COLLECTIONS) or action.count(".") != 2:
                found.append(f"{title}: {action} is of no allowed collection")
            if action in NEVER or (action == "ansible.builtin.command" and (role, title) not in COMMANDS):
                found.append(f"{title}: {action} is not for roles")
            if action == "ansible.builtin.set_fact" and names_of(task[action]) & facts:
                found.append(f"{title}: set_fact builds on another set_fact")
        if not task.get("register", f"__{role}_").startswith((f"__{role}_", f"{role}_")):
            found.append(f"{title}: registers {task['register']}")
        here = {key: part for key, part in task.items() if key not in ("block", "rescue", "always")}
        found += [f"{title}: uses {name}" for name in foreign_names(here, role, local)]
    return found


def play_problems(plays: list[dict[str, Any]]) -> list[str]:
    """What a playbook does that belongs into a role."""
    found: list[str] = []
    for play in plays:
        title = play.get("name", "a play without a name")
        for task in flat([task for part in ("pre_tasks", "tasks", "post_tasks", "handlers") for task in play.get(part, [])]):
            found += [f"{title}: {action}" for action in actions(task) if action not in PLAYBOOK_ACTIONS]
            if any(key in task for key in ("loop", "register", "until", "block")):
                found.append(f"{title}: logic in {task.get('name')!r}")
    return found


def spec_problems(defaults_text: str, options: dict[str, Any], role: str) -> list[str]:
    """Where defaults/main.yml and the options of meta/argument_specs.yml tell different things."""
    defaults = read(defaults_text) or {}
    commented = set(re.findall(rf"^# ?({role}_\w+):", defaults_text, re.MULTILINE))
    found = [f"{name} does not begin with {role}_" for name in [*defaults, *options] if not name.startswith(f"{role}_")]
    found += [f"{name} is in one of both only" for name in sorted((set(defaults) | commented) ^ set(options))]
    for name in sorted(set(options) & set(defaults)):
        if options[name].get("required"):
            found.append(f"{name} is required and has a default")
        elif options[name].get("default") != defaults[name] and "{{" not in str(defaults[name]):
            found.append(f"{name} defaults to {defaults[name]!r}, and to {options[name].get('default')!r} in the specs")
    return found


def role_files(role: str, *folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / "roles" / role / folder).rglob("*")) if path.is_file()]


@pytest.mark.parametrize("role", ROLES)
def test_tasks_use_what_roles_may(role: str) -> None:
    found = {path.name: task_problems(read(path.read_text()), role) for path in role_files(role, "tasks", "handlers")}
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("role", ROLES)
def test_variables_and_templates_use_only_the_roles_own_names(role: str) -> None:
    found = {path.name: foreign_names(read(path.read_text()), role) for path in role_files(role, "defaults", "vars")}
    found |= {path.name: foreign_names(path.read_text(), role) for path in role_files(role, "templates")}
    assert {name: problems for name, problems in found.items() if problems} == {}
    private = [name for path in role_files(role, "vars") for name in read(path.read_text()) or {}]
    assert [name for name in private if not name.startswith(f"__{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_inventory_group_is_named(role: str) -> None:
    texts = {path.name: path.read_text() for path in role_files(role, "tasks", "handlers", "defaults", "vars", "templates")}
    assert [(name, found.group()) for name, text in texts.items() for found in GROUP_LITERAL.finditer(text)] == []


@pytest.mark.parametrize("role", ROLES)
def test_inputs_are_documented_as_they_are(role: str) -> None:
    folder = ROOT / "roles" / role
    assert [name for name in ("README.md", "meta/main.yml", "tasks/main.yml") if not (folder / name).is_file()] == []
    specs = read((folder / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = folder / "defaults/main.yml"
    text = defaults.read_text() if defaults.exists() else ""
    options = {name: option for entry in specs.values() for name, option in (entry.get("options") or {}).items()}
    assert spec_problems(text, options, role) == []


def page_problems(specs: dict[str, Any]) -> list[str]:
    """What keeps antsibull-docs from making a page of them."""
    found = [f"{name} has no description" for name, entry in specs.items() if not entry.get("description")]
    for name, entry in specs.items():
        booleans = [option for option, spec in (entry.get("options") or {}).items() if spec["type"] == "bool"]
        found += [
            f"{name}: the default of {option} is a template" for option in booleans if "{{" in str(entry["options"][option].get("default"))
        ]
        found += [f"{name}: {reference}" for reference in BAD_REFERENCE.findall(str(entry))]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_specs_can_be_made_a_page_of(role: str) -> None:
    assert page_problems(read((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]) == []


def test_specs_that_can_not_be_made_a_page_of_are_seen() -> None:
    option = {"type": "bool", "default": "{{ x }}", "description": "O(other#a), M(a.b.c#module), O(a.b.c#module:x) and O(a)"}
    assert page_problems({"main": {"options": {"a": option}}}) == [
        "main has no description",
        "main: the default of a is a template",
        "main: O(other#a)",
        "main: M(a.b.c#module)",
    ]


def test_the_options_of_a_stack_are_those_that_are_handed_on() -> None:
    folder = ROOT / "roles/stacks"
    stacks = read((folder / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]["stacks_present"]["options"]
    (task,) = read((folder / "tasks/deploy.yml").read_text())
    handed_on = set(task["flotilla.swarm.stack"]) - {"differing_volumes", "missing_paths", "routes"}
    assert set(stacks) == handed_on


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_playbooks_are_lists_of_roles(playbook: Path) -> None:
    content = read(playbook.read_text())
    if isinstance(content, list):  # other YAML files lie at the root as well
        assert play_problems(content) == []


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ("ansible.builtin.shell: echo", "ansible.builtin.shell is not for roles"),
        ("ansible.builtin.command: echo", "ansible.builtin.command is not for roles"),
        ("copy: {dest: /x}", "copy is of no allowed collection"),
        ("community.docker.docker_node: {}", "community.docker.docker_node is of no allowed collection"),
        ("ansible.builtin.debug: {msg: '{{ engine_version }}'}", "uses engine_version"),
        ("ansible.builtin.debug: {var: engine_version}", "uses engine_version"),
        ("{ansible.builtin.meta: noop, when: __engine_x.a | length}", "uses __engine_x"),
        ("{ansible.builtin.assert: {that: [nodes_a, volumes_b]}}", "uses volumes_b"),
        ("{ansible.builtin.meta: noop, register: __nodes}", "registers __nodes"),
        ("{block: [{name: T, when: swarm_name == 'x', ansible.builtin.meta: noop}]}", "uses swarm_name"),
        ("{ansible.builtin.set_fact: {nodes_b: '{{ nodes_c }}', nodes_c: 1}}", "set_fact builds on another set_fact"),
    ],
)
def test_bad_tasks_are_seen(task: str, problem: str) -> None:
    assert [found.removeprefix("T: ") for found in task_problems([{"name": "T", **read(task)}], "nodes")] == [problem]


def test_good_tasks_pass() -> None:
    tasks = """
    - name: Nodes | Label
      flotilla.swarm.nodes: {labels: "{{ nodes_labels | combine(__nodes_x.y) }}", to: "{{ hostvars[item.key].ansible_host }}"}
      loop: "{{ groups[nodes_group] | map('extract', hostvars) }}"
      when: [item.key in nodes_labels, wanted is defined, not ansible_check_mode]
      vars: {wanted: "{% for x in nodes_labels %}{{ x }}{% endfor %}"}
      register: __nodes_labelled
    """
    assert task_problems(read(tasks), "nodes") == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("groups['swarm_managers']", True),
        ('groups.get("swarm_managers")', True),
        ("groups.swarm_managers", True),
        ("'gpu' in group_names", True),
        ("'gpu' not in group_names", True),
        ("groups[nodes_group]", False),
        ("groups['all']", False),
        ("groups.get(nodes_group, [])", False),
        ("nodes_group in group_names", False),
    ],
)
def test_named_groups_are_seen(text: str, seen: bool) -> None:
    assert bool(GROUP_LITERAL.search(text)) is seen


@pytest.mark.parametrize(
    ("defaults", "options", "problem"),
    [
        ("nodes_a: 1", {}, "nodes_a is in one of both only"),
        ("", {"nodes_a": {}}, "nodes_a is in one of both only"),
        ("nodes_a: 1", {"nodes_a": {"default": 2}}, "nodes_a defaults to 1, and to 2 in the specs"),
        ("nodes_a: 1", {"nodes_a": {"required": True}}, "nodes_a is required and has a default"),
        ("labels: {}", {"labels": {"default": {}}}, "labels does not begin with nodes_"),
    ],
)
def test_inputs_that_differ_are_seen(defaults: str, options: dict[str, Any], problem: str) -> None:
    assert problem in spec_problems(defaults, options, "nodes")


def test_inputs_that_agree_pass() -> None:
    options = {"nodes_a": {"default": 1}, "nodes_b": {"required": True}}
    assert spec_problems("# Needed.\n# nodes_b:\nnodes_a: 1\n", options, "nodes") == []


@pytest.mark.parametrize(
    "task",
    [
        {"name": "T", "ansible.builtin.copy": {}},
        {"name": "T", "ansible.builtin.assert": {}, "loop": []},
        {"name": "T", "block": []},
    ],
)
def test_logic_in_playbooks_is_seen(task: Task) -> None:
    assert play_problems([{"name": "P", "tasks": [task]}]) != []
