# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the argument specs of the roles: the schema of an inventory's variables, and the tables in the roles' READMEs.

``python -m tests.role_options`` writes them. A list or mapping that a role hands to a module has the sub-options of that module: a
description refers to them as ``as O(flotilla.swarm.network#module:networks)``, and nobody writes them twice.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.daemon_schema import KEYS

Json = dict[str, Any]
ROOT = Path(__file__).parents[1]
PLUGINS = "ansible_collections.flotilla.swarm.plugins"
SCHEMA = ROOT / "plugins/plugin_utils/schemas/inventory.json"
PLAYBOOK_VARIABLES = ROOT / "meta/playbook_variables.yml"
BEGIN, END = "<!-- Made by `make schema`; edit meta/argument_specs.yml. -->\n", "<!-- End of what is made. -->\n"

TEMPLATE = r"\{\{|\{%"
REFERENCE = re.compile(r"\bas O\(flotilla\.swarm\.(\w+)#(module|role):(?:(\w+):)?(\w+)\)", re.IGNORECASE)
MARKUP = re.compile(r"\b([A-Z])\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
OF_PLUGIN = re.compile(r"flotilla\.swarm\.(\w+)#(\w+)(?::(.*))?")
# What a value may be before Ansible converts it. Texts may hold a template.
SCALARS: Json = {
    "str": {"type": ["string", "number", "boolean"]},
    "path": {"type": "string"},
    "bytes": {"type": ["string", "number"]},
    "int": {"type": ["integer", "string"], "pattern": rf"^\s*[-+]?[0-9]+\s*$|{TEMPLATE}"},
    "float": {"type": ["number", "string"], "pattern": rf"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*$|{TEMPLATE}"},
    "bool": {
        "type": ["boolean", "string", "integer"],
        "pattern": rf"^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|[YyNnTtFf]|[01])$|{TEMPLATE}",
        "minimum": 0,
        "maximum": 1,
    },
    "raw": {},
}
TEXT_OR_NOTHING: Json = {"type": ["string", "number", "boolean", "null"]}
TEXTS: Json = {"type": ["object", "string"], "pattern": TEMPLATE, "additionalProperties": TEXT_OR_NOTHING}
# Mappings whose keys are the user's: the schema of each value.
VALUES: dict[str, Json] = {
    "edge_log_rotation": TEXT_OR_NOTHING,
    "migrate_env": TEXT_OR_NOTHING,
    "monitoring_overrides": {},
    "monitoring_rules": {"type": ["object", "null", "string"], "pattern": TEMPLATE},
    "monitoring_scrape": {},
    "nodes_availability": {"anyOf": [{"enum": ["active", "pause", "drain", "previous"]}, {"type": "string", "pattern": TEMPLATE}]},
    "nodes_labels": TEXTS,
    "nvidia_kinds": {"type": "string"},
    "preflight_distributions": {"type": ["array", "string"], "items": {"type": ["string", "number"]}},
    "registry_environment": TEXT_OR_NOTHING,
    "services_environment": TEXT_OR_NOTHING,
    "services_labels_selector": TEXT_OR_NOTHING,
    "status_labels_selector": TEXT_OR_NOTHING,
    "services_replicas": SCALARS["int"],
    "services_secret_environment": TEXT_OR_NOTHING,
    "stacks_plan_ids": {"type": "string"},
    "directories_node_labels": TEXT_OR_NOTHING,
    "engine_log_rotation": TEXT_OR_NOTHING,
}
INTERNAL = {"packages"}
"""Roles for other roles alone, whose variables are in nobody's inventory."""
DAEMON_JSON = {"engine_daemon_config", "engine_keys"}
BY_HOST = {"nodes_labels", "nodes_availability"}
"""Mappings whose keys are hosts of the inventory."""


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain text."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: str(getattr(node, "value", "")))


def read(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)  # a SafeLoader


@functools.cache
def specs() -> dict[str, Json]:
    """Role -> entry point -> spec."""
    found = {path.parts[-3]: read(path)["argument_specs"] for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml"))}
    return {role: spec for role, spec in found.items() if role not in INTERNAL}


def options_of(role: str) -> Json:
    """The variables of a role. One that several entry points take is described as by the first."""
    found: Json = {}
    for entry in specs()[role].values():
        for name, option in (entry.get("options") or {}).items():
            found.setdefault(name, option)
    return found


@functools.cache
def module_options(module: str) -> Json:
    """The options of a module as documented, those of its doc fragments included."""
    document = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").DOCUMENTATION)
    options: Json = {}
    for fragment in document.get("extends_documentation_fragment", []):
        name, _dot, part = fragment.removeprefix("flotilla.swarm.").partition(".")
        code = importlib.import_module(f"{PLUGINS}.doc_fragments.{name}").ModuleDocFragment
        options |= yaml.safe_load(getattr(code, part.upper() or "DOCUMENTATION")).get("options") or {}
    return {**options, **(document.get("options") or {})}


def arguments_of(module: str) -> Json:
    """The argument spec of a module, which knows what its documentation can't say. One that acts on the controller has it there."""
    code = importlib.import_module(f"{PLUGINS}.modules.{module}")
    return dict(getattr(code, "ARGUMENTS", None) or importlib.import_module(f"{PLUGINS}.action.{module}").ARGUMENTS)


def text_of(description: str | list[str]) -> str:
    return " ".join([description] if isinstance(description, str) else description)


def resolve(option: Json) -> Json:
    """The option, with the sub-options of the module or role that its description refers to."""
    found = REFERENCE.search(text_of(option["description"]))
    if not found:
        return {**option, "options": option["suboptions"]} if "suboptions" in option else option
    plugin, kind, entry, name = found.groups()
    if kind == "role":
        other = resolve(specs()[plugin][entry]["options"][name])
    else:
        other = {**arguments_of(plugin)[name], **module_options(plugin)[name]}
    inner = other.get("suboptions") or other.get("options") or {}
    described = option["description"] if option.get("type") != "raw" else other["description"]
    own: Json = {key: value for key, value in option.items() if key != "type" or value != "raw"}
    merged: Json = {**other, **own, "description": described}
    if inner:
        merged["options"] = inner
    return merged


def plain_text(description: str | list[str]) -> str:
    return markdown(description).replace("`", "")


def markdown(description: str | list[str]) -> str:
    return MARKUP.sub(lambda found: _said(found[1], found[2]) if found[1] in "CVOMPRE" else found[2], text_of(description))


def _said(mark: str, reference: str) -> str:
    """``flotilla.swarm.network#module:networks`` as people say it. Of an option of another entry point its name says enough."""
    found = OF_PLUGIN.fullmatch(reference)
    if not found:
        parts = re.split("[:#]", reference) if mark in "MOPR" else [reference]
        return f"`{parts[-1 if mark == 'O' else 0]}`"
    plugin, kind, option = found.groups()
    name = f"{kind} `{plugin}`" if kind == "role" else f"`flotilla.swarm.{plugin}`"
    return f"`{option.rpartition(':')[2]}` of {name}" if option else name


def schema_of(option: Json, name: str = "") -> Json:
    """JSON Schema of one option. ``x-type`` is Ansible's type, ``x-hosts`` tells that hosts of the inventory are named."""
    option = resolve(option)
    kind = option.get("type", "str")
    schema: Json = {"description": plain_text(option["description"]), "x-type": kind, **_form(option, kind, name)}
    if option.get("default") is not None:
        schema["default"] = option["default"]
    if option.get("no_log"):
        schema["x-secret"] = True
    said = text_of(option["description"])
    if name in BY_HOST or ("by inventory name" in said and "node id" not in said):
        schema["x-hosts"] = True
    return schema


def _form(option: Json, kind: str, name: str) -> Json:
    if kind == "list":
        items: Json = {key: option[key] for key in ("choices", "options") if key in option}
        items["type"] = option.get("elements", "raw")
        if items["type"] in ("dict", "list"):
            return {"type": ["array", "string"], "pattern": TEMPLATE, "items": _element(items, option)}
        return {"type": ["array", "string", "number"], "items": _element(items, option)}
    if kind == "dict":
        return {"type": ["object", "string"], "pattern": rf"{TEMPLATE}|^\s*\{{|=", **_mapping(option, name)}
    if "choices" in option:
        return {"anyOf": [{"enum": option["choices"]}, {"type": "string", "pattern": TEMPLATE}]}
    return dict(SCALARS[kind])


def _element(item: Json, option: Json) -> Json:
    kind = item["type"]
    if kind == "dict":
        return {"x-type": "dict", "type": ["object", "string"], "pattern": TEMPLATE, **_mapping({**option, **item}, "")}
    if kind == "list":
        return {"x-type": "list", "type": ["array", "string"], "items": dict(TEXT_OR_NOTHING)}
    return {"x-type": kind, **_form(item, kind, "")}


def _mapping(option: Json, name: str) -> Json:
    if name in DAEMON_JSON:
        shapes = {key: _shape(known.shape) for key, known in KEYS.items()}
        return {"properties": shapes, "additionalProperties": False}
    if name in VALUES:
        return {"additionalProperties": VALUES[name]}
    inner = option.get("options")
    if not inner:
        return {}
    schema: Json = {"properties": {key: _inner(sub) for key, sub in inner.items()}, "additionalProperties": False}
    if required := [key for key, sub in inner.items() if sub.get("required")]:
        schema["required"] = required
    if exclusive := option.get("mutually_exclusive"):
        schema["allOf"] = [{"not": {"required": list(pair)}} for pair in exclusive]
    return schema


def _inner(option: Json) -> Json:
    """A key of a mapping. Nothing in the place of its value leaves it out, unless it is required."""
    schema = schema_of(option)
    if not option.get("required"):
        if "type" in schema:
            schema["type"] = [*([schema["type"]] if isinstance(schema["type"], str) else schema["type"]), "null"]
        elif "anyOf" in schema:
            schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema


def _shape(shape: Any) -> Json:
    """A key of daemon.json, where nothing asks for its removal. The engine converts no value."""
    return {"anyOf": [_strict(shape), {"type": "null"}, {"type": "string", "pattern": TEMPLATE}]}


def _strict(shape: Any) -> Json:
    if isinstance(shape, dict):
        known = {key: _strict(part) for key, part in shape.items() if key != "*"}
        return {"type": "object", "properties": known, "additionalProperties": _strict(shape["*"]) if "*" in shape else False}
    if isinstance(shape, list):
        return {"type": "array", "items": _strict(shape[0])}
    if isinstance(shape, set):
        return {"enum": sorted(shape)}
    return {} if shape is object else {"type": {str: "string", int: "integer", bool: "boolean"}[shape]}


def tasks_in(value: Any) -> Iterator[Json]:
    """Every mapping in tasks and plays, however deep."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from tasks_in(part)


def run_names() -> list[str]:
    """What roles and playbooks leave for later plays, and for later jobs of a workflow."""
    found: set[str] = set()
    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        for task in tasks_in(read(path)):
            found |= {task["register"]} if isinstance(task.get("register"), str) else set()
            found |= set(task.get("ansible.builtin.set_fact") or {})
            found |= set((task.get("ansible.builtin.set_stats") or {}).get("data") or {})
    return sorted(name for name in found if not name.startswith("__"))


def groups() -> list[str]:
    """The groups of hosts that plays name, or that roles look for."""
    hosts = [play.get("hosts", "") for path in ROOT.glob("playbooks/*.yml") for play in read(path)]
    named = {name for each in hosts if "{{" not in each for name in each.split(":")} - {"", "all", "localhost"}
    named |= {name for each in hosts for name in re.findall(r"groups\.(\w+)", each)}
    defaults = {option.get("default") for role in specs() for name, option in options_of(role).items() if name.endswith("_group")}
    return sorted(named | {str(name) for name in defaults if name})


def inventory_schema() -> Json:
    properties = {name: schema_of(option, name) for role in specs() for name, option in options_of(role).items()}
    properties |= {name: schema_of(option, name) for name, option in read(PLAYBOOK_VARIABLES)["options"].items()}
    properties |= {f"update_{name}": _survey(name) for name in resolve(options_of("services")["services_update"])["options"]}
    later = [name for name in run_names() if name not in properties]
    known = "|".join(sorted([*properties, *later, "swarm_node"]))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by `make schema` from the argument specs of the roles and meta/playbook_variables.yml.",
        "title": "Variables of flotilla.swarm, in group_vars and host_vars",
        "type": ["object", "null"],
        "properties": dict(sorted(properties.items())),
        "patternProperties": {rf"^(?!(?:{known})$)(?:{'|'.join(specs())})_": False},
        "x-roles": list(specs()),
        "x-later": [*later, "swarm_node"],
        "x-groups": groups(),
    }


def _survey(name: str) -> Json:
    """What a survey asks for ``update.yml``: texts, some of JSON, which the playbook reads."""
    return {"description": f"{name} of services_update, as the answer of a survey.", "x-type": "raw"}


def as_json() -> str:
    """One line for each variable, so that a change of one is a change of one line."""
    schema = inventory_schema()
    properties = ",\n".join(f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in schema["properties"].items())
    rest = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in schema.items() if key != "properties"]
    return "{\n" + ",\n".join([*rest, f'  "properties": {{\n{properties}\n  }}']) + "\n}\n"


def table_of(role: str) -> str:
    """The table of a role's variables, as Markdown."""
    entries: dict[str, list[str]] = {}
    for entry, spec in specs()[role].items():
        for name in spec.get("options") or {}:
            entries.setdefault(name, []).append(entry)
    several = len(specs()[role]) > 1
    rows = [["variable", "default", *(["of"] if several else []), "meaning"]]
    rows.append(["---"] * len(rows[0]))
    for name, option in options_of(role).items():
        of = [", ".join(entries[name])] if several else []
        rows.append([f"`{name}`", _default(option), *of, _meaning(option)])
        if option.get("options") and not any(sub.get("type") == "raw" for sub in option["options"].values()):
            rows += [[f"`{name}.{key}`", _default(sub), *of, _meaning(sub)] for key, sub in option["options"].items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("| --- | --- ", "|---|---").replace("|--- |", "|---|")


def _meaning(option: Json) -> str:
    meaning = markdown(option["description"])
    if "choices" in option and not all(f"`{choice}`" in meaning for choice in option["choices"] if choice):
        meaning += f" One of {', '.join(f'`{choice}`' for choice in option['choices'] if choice)}."
    return meaning.replace("|", r"\|")


def _default(option: Json) -> str:
    if option.get("required"):
        return "required"
    if option.get("default") is None:
        return ""
    default = option["default"]
    if isinstance(default, str):
        text = default if default and "{{" not in default else json.dumps(default)
        return "computed" if "{{" in default else f"`{text}`"
    return f"`{yaml.safe_dump(default, default_flow_style=True, width=10**6).strip().removesuffix('...').strip()}`"


def readme_of(role: str) -> str:
    """The role's README with its table as it has to be."""
    text = (ROOT / "roles" / role / "README.md").read_text()
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"roles/{role}/README.md has no place for its table: {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{table_of(role)}\n{END}{after}"


def outputs() -> dict[Path, str]:
    return {SCHEMA: as_json(), **{ROOT / "roles" / role / "README.md": readme_of(role) for role in specs()}}


if __name__ == "__main__":
    for path, text in outputs().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path.relative_to(ROOT))
