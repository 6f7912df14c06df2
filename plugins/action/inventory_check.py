# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ``inventory_check``: it reads variables and files on the controller, and lets ``inventory_check`` of plugin_utils judge them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.vars import load_extra_vars
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_check import (
    NOT_GIVEN,
    find_empty,
    find_faults,
    find_given,
    find_missing_managers,
)
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_files import InventoryFiles, shown
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_model import Finding, Inventory
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_report import Report, as_text
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_schema import known_names
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import fill_in, words_in_templates
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_check import Declared, StackSeen, see_stack, stacks_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import bind_sources
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_images import images_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_loading import load_for, trust_as_template

ARGUMENTS = {
    "scope": {"type": "str", "choices": ["all", "given"], "default": "all"},
    "needs": {"type": "list", "elements": "str", "default": []},
    "own_variables": {"type": "list", "elements": "str", "default": []},
    "report": {"type": "str", "choices": ["text", "json", "none"], "default": "text"},
}


class ActionModule(ActionBase):
    """Contacts no host: what it knows of hosts is what their inventory says."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _checked, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        self.variables = task_vars or {}
        self.given = load_extra_vars(self._loader)
        groups: dict[str, list[str]] = self.variables["groups"]
        self.stacks: list[StackSeen] = []
        report = self._look(options, groups)
        self._show(report, options["report"])
        models = [stack.models[0] for stack in self.stacks if stack.declared.is_deployed and stack.models]
        sources = sorted(set[str]().union(*map(bind_sources, models)))
        return {"changed": False, "faults": report.faults, "notes": report.notes, "bind_sources": sources}

    def _look(self, options: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> Report:
        absent = [shown(path) for path in _sources() if "," not in path and not Path(path).exists()]
        found = find_missing_managers(groups, absent)
        if found:
            return Report.of(found, self._source)
        if options["scope"] == "given":
            return Report.of(self._of_given(options, groups), self._source)
        raw = {host: self.variables["hostvars"].raw_get(host) for host in groups["all"]}
        variables = fill_in(raw, _Fill(self, raw).template)
        inventory = Inventory(groups, variables, words_in_templates(raw), options["own_variables"], self.given.keys())
        self.stacks = [
            see_stack(each, partial(self._load, each))
            for each in stacks_of(inventory.all_of("stacks_present"), inventory.all_of("images_from_stacks"))
        ]
        report = Report.of(find_faults(inventory.with_stacks(self.stacks)), partial(self._place, self._files(), groups))
        return report.with_counts(hosts=len(raw), variables=len({each.name for each in variables}), stacks=len(self.stacks))

    def _of_given(self, options: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> list[Finding]:
        manager = groups["swarm_managers"][0]
        raw = {manager: self.variables["hostvars"].raw_get(manager)}
        fill = _Fill(self, raw)
        needed = {name for need in options["needs"] for name in need.split(" or ")}
        chosen = {name: value for name, value in raw[manager].items() if name in self.given or name in needed}
        variables = fill_in({manager: chosen}, fill.template)
        given = [each for each in variables if each.name in self.given]
        inventory = Inventory(groups, given, (), options["own_variables"], self.given.keys())
        return [*find_given(inventory), *find_empty(options["needs"], {each.name: each.value for each in variables})]

    def _load(self, declared: Declared, stand_ins: Mapping[str, str], absent: Collection[str]) -> LoadedStack:
        stack = declared.options
        options = {**stack, "env": {**(stack.get("env") or {}), **stand_ins}}
        loaded = load_for(self, options, stack.get("template") is True, builds=declared.builds, absent=absent)
        if declared.builds:
            images_of(stack["name"], loaded.model)
        return loaded

    def _files(self) -> InventoryFiles:
        given = [text[1:] for text in context.CLIARGS.get("extra_vars") or () if str(text).startswith("@")]
        return InventoryFiles(_sources(), self._loader.get_basedir(), self._loader._vault.secrets or (), given)

    def _place(self, files: InventoryFiles, groups: Mapping[str, Sequence[str]], finding: Finding) -> str:
        place = files.place(finding.name, finding.path, finding.hosts, groups, finding.name in self.given) if finding.name else None
        if place is None:
            return self._source(finding)
        return f"{place.file}:{place.line}" if place.line else place.file

    def _source(self, finding: Finding) -> str:
        """Where a finding is that stands in no file that can be read."""
        if finding.check == NOT_GIVEN:
            return "this run"
        if finding.name in self.given:
            return "-e"
        sources = _sources()
        return "inventory" if len(sources) != 1 or sources[0].endswith(",") else f"inventory {shown(sources[0])}"

    def _show(self, report: Report, kind: str) -> None:
        if kind == "json":
            self._display.display(json.dumps({"faults": report.faults, "notes": report.notes}, indent=2))
        elif kind == "text":
            self._display.display(as_text(report, str(Path.cwd())))


class _Fill:
    """Fills in templates as they are on each host, with the defaults of the roles beneath."""

    def __init__(self, action: ActionModule, raw: Mapping[str, Mapping[str, Any]]) -> None:
        self.action, self.raw = action, raw
        self.templars: dict[str, Templar] = {}
        options = known_names().items()
        self.defaults = {name: _trusted(option["default"]) for name, option in options if "default" in option}

    def template(self, host: str, value: Any) -> Any:
        if host not in self.templars:
            variables: dict[str, Any] = {**self.defaults, **self.raw[host]}
            variables.update((name, self.action.variables[name]) for name in ("hostvars", "omit") if name in self.action.variables)
            self.templars[host] = Templar(loader=self.action._loader, variables=variables)
        return self.templars[host].template(value)


def _sources() -> list[str]:
    """The inventories that were named."""
    return [str(source) for source in context.CLIARGS.get("inventory") or ()]


def _trusted(value: Any) -> Any:
    return trust_as_template(value) if isinstance(value, str) else value
