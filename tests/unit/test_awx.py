# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX objects fit together and name only what exists. molecule/default/tests runs their playbooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.lookup.survey_update import PREFIX
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.service_options import UPDATE

ROOT = Path(__file__).parents[2]
OWN_TYPES = {"Machine", "Vault"}  # AWX brings them along
QUESTION_TYPES = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
OF_PLAYBOOKS = {"confirm", "plan_fail_on_drift", "plan_file", "teardown_variant", "teardown_stacks"}
SECRETS = {"password", "ssh_key_data", "vault_password"}


class Loader(yaml.SafeLoader):
    """Reads !unsafe as plain text."""


Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))

OBJECTS: dict[str, list[dict[str, Any]]] = {}
for file in sorted((ROOT / "awx").glob("*.yml")):
    OBJECTS |= yaml.load(file.read_text(), Loader)

TEMPLATES = OBJECTS["controller_templates"]
QUESTIONS = [
    pytest.param(question, id=f"{template['name']}-{question['variable']}")
    for template in TEMPLATES
    for question in template["survey_spec"].get("spec", [])
]


def names(kind: str) -> set[str]:
    return {item["name"] for item in OBJECTS[f"controller_{kind}"]}


def role_options() -> set[str]:
    """Every input of every role."""
    specs = [yaml.safe_load(path.read_text())["argument_specs"] for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    return {name for spec in specs for entry in spec.values() for name in entry.get("options") or {}}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["name"])
def test_a_template_names_what_exists(template: dict[str, Any]) -> None:
    assert (ROOT / template["playbook"]).is_file()
    assert template["project"] in names("projects")
    assert template["inventory"] in names("inventories")
    assert template["execution_environment"] in names("execution_environments")
    assert set(template["credentials"]) <= names("credentials")
    assert template["survey_enabled"] is bool(template["survey_spec"].get("spec"))
    assert set(template.get("extra_vars", {})) <= role_options()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_survey_asks_for_inputs_that_exist(question: dict[str, Any]) -> None:
    assert question["variable"] in role_options() | OF_PLAYBOOKS | {f"{PREFIX}{part}" for part in UPDATE}
    assert question["type"] in QUESTION_TYPES
    assert ("choices" in question) == question["type"].startswith("multi")
    assert "choices" not in question or question.get("default") in question["choices"]


def test_teardown_cannot_be_launched_by_mistake() -> None:
    (teardown,) = [template for template in TEMPLATES if template["name"] == "teardown"]
    *_others, confirm = teardown["survey_spec"]["spec"]
    assert (confirm["variable"], confirm["required"], confirm.get("default")) == ("confirm", True, None)


def test_inventories_come_from_folders_that_exist() -> None:
    for source in OBJECTS["controller_inventory_sources"]:
        assert source["inventory"] in names("inventories") and source["source_project"] in names("projects")
        assert (ROOT / source["source_path"]).is_dir()


def test_credential_types_inject_their_fields_into_inputs_that_exist() -> None:
    for kind in OBJECTS["controller_credential_types"]:
        fields = {field["id"] for field in kind["inputs"]["fields"]}
        assert set(re.findall(r"{{ (\w+) }}", str(kind["injectors"]))) == fields == set(kind["inputs"]["required"])
        assert set(kind["injectors"]["extra_vars"]) <= role_options()


def test_credentials_are_of_a_type_that_exists_and_hold_no_secret() -> None:
    kinds = {kind["name"]: kind["inputs"]["fields"] for kind in OBJECTS["controller_credential_types"]}
    for credential in OBJECTS["controller_credentials"]:
        kind = credential["credential_type"]
        assert kind in kinds or kind in OWN_TYPES
        hidden = {field["id"] for field in kinds.get(kind, []) if field.get("secret")}
        assert not (hidden | SECRETS) & set(credential["inputs"])


def test_the_workflow_deploys_only_after_an_approved_plan() -> None:
    (workflow,) = OBJECTS["controller_workflows"]
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    assert {node["unified_job_template"] for node in nodes.values() if "approval_node" not in node} <= names("templates")
    path = ["plan"]
    while following := nodes[path[-1]].get("success_nodes"):
        path += following
    assert path == ["plan", "approve", "deploy"] and "approval_node" in nodes["approve"]
    assert [node for node in nodes.values() if node.get("always_nodes") or node.get("failure_nodes")] == []


def test_a_node_sets_only_what_its_template_asks_for() -> None:
    asks = {template["name"]: template for template in TEMPLATES}
    for node in OBJECTS["controller_workflows"][0]["simplified_workflow_nodes"]:
        if "job_tags" in node:
            assert asks[node["unified_job_template"]]["ask_tags_on_launch"]


def plays_of(playbook: Path) -> Iterator[dict[str, Any]]:
    """The plays of a playbook and of those that it imports."""
    for play in yaml.safe_load(playbook.read_text()):
        imported = play.get("ansible.builtin.import_playbook")
        yield from plays_of(playbook.parent / imported) if imported else [play]


def tasks_of(tasks: list[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """The tasks, those in blocks, in files that are read and in roles that are used."""
    for task in tasks:
        yield task
        yield from tasks_of([*task.get("block", []), *task.get("rescue", []), *task.get("always", [])], folder)
        for how in ("import", "include"):
            file, role = task.get(f"ansible.builtin.{how}_tasks"), task.get(f"ansible.builtin.{how}_role")
            if file and isinstance(file, str) and "{{" not in file:
                yield from tasks_of(yaml.safe_load((folder / file).read_text()), folder)
            if role:
                yield from tasks_of_role(role["name"], role.get("tasks_from", "main"))


def tasks_of_role(name: str, entry: str = "main") -> Iterator[dict[str, Any]]:
    folder = ROOT / "roles" / name.rpartition(".")[2] / "tasks"
    yield from tasks_of(yaml.safe_load((folder / f"{entry}.yml").read_text()), folder)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["name"])
def test_every_playbook_tells_a_workflow_something(template: dict[str, Any]) -> None:
    """AWX makes artifacts of the stats of a run. Those of one host it does not see."""
    told: set[str] = set()
    for play in plays_of(ROOT / template["playbook"]):
        roles = [task for role in play.get("roles", []) for task in tasks_of_role(role["role"])]
        own = [task for part in ("pre_tasks", "tasks", "post_tasks") for task in tasks_of(play.get(part, []), ROOT)]
        stats = [task["ansible.builtin.set_stats"] for task in (*roles, *own) if "ansible.builtin.set_stats" in task]
        assert [each for each in stats if each.get("per_host")] == []
        told |= {name for each in stats for name in each["data"]}
    assert told, "its roles set no stats"
