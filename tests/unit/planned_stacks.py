# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task of a stack plans against a fake engine, by both its halves."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.action import stack as action
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_engine import FakeEngine
from module_runner import run_module_main


def images_of(options: dict[str, Any]) -> set[str]:
    loaded = load_stack(options["files"], env=options["env"], project_dir=str(Path(options["files"][0]).parent))
    images = {service["image"] for service in loaded.model["services"].values()}
    return {image if ":" in image.rpartition("/")[2] else f"{image}:latest" for image in images}


def plan(fake: FakeEngine, options: dict[str, Any]) -> dict[str, Any]:
    """The result of the task in check mode, with the warnings of both its halves."""
    loader = DataLoader()
    task = Task()
    task.args = {**options, "docker_host": fake.docker_host}
    task.check_mode = True
    plugin = action.ActionModule(task, mock.Mock(), mock.Mock(), loader, Templar(loader), None)
    display = mock.Mock()
    plugin._display = display
    with mock.patch.object(plugin, "_execute_module", lambda module_args, **_more: run_module_main(stack.main, module_args, check=True)):
        result: dict[str, Any] = plugin.run(task_vars={})
    assert not result.get("failed"), result["msg"]
    return {**result, "warnings": [*(call.args[0] for call in display.warning.call_args_list), *result["warnings"]]}
