# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``image``: hashes build contexts, and sends those that must be built."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import Asking
from ansible_collections.flotilla.swarm.plugins.plugin_utils.build_context import BuildContext, ContextError, Recipe
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import holds_stand_in
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories

from ..module_utils._core.image_build import as_texts
from ..module_utils.errors import FlotillaError, with_account


def _checked(images: Any) -> list[Any]:
    """What is read here, before the module checks the rest."""
    sound = isinstance(images, list) and all(isinstance(image, Mapping) for image in images)
    if not sound or not all(isinstance(image.get(key) or {}, Mapping) for image in images for key in ("args", "labels")):
        raise AnsibleActionFail("images: expected a list of mappings such as {name: app:1, context: app, args: {VERSION: 1}}.")
    return list(images)


class ActionModule(Asking, ActionBase):
    """Runs the module as in check mode first. When that finds something to do, sends contexts and runs it for real."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        images = [dict(image) for image in _checked(self._task.args.get("images") or [])]
        if not self._task.check_mode and holds_stand_in(json.dumps(images, default=str)):
            problem = "an image is built with a secret of secrets_generated that is not made yet"
            raise AnsibleActionFail(with_account(FlotillaError(problem, "Run playbooks/secrets.yml, which makes it.")))
        try:
            contexts = {image["name"]: self._context(image) for image in images if image.get("context")}
            for image in images:
                if context := contexts.get(image["name"]):
                    image["context_hash"] = context.hash()
        except (ContextError, KeyError) as error:
            raise AnsibleActionFail(str(error) if isinstance(error, ContextError) else f"an image has no {error}") from None
        result = self._module(images, variables, check_mode=True)
        if result.get("failed") or not result.get("changed") or self._task.check_mode:
            return result
        try:
            self._send(images, contexts, result["plan"])
            return self._module(images, variables, check_mode=False)
        except ContextError as error:
            raise AnsibleActionFail(str(error)) from None

    def _context(self, image: dict[str, Any]) -> BuildContext:
        recipe = Recipe(
            image.get("dockerfile") or "Dockerfile",
            as_texts(image.get("args") or {}),
            image.get("target") or "",
            as_texts(image.get("labels") or {}),
            [str(platform) for platform in image.get("platforms") or ()],
            boolean(image.get("buildkit") or False, strict=False),
        )
        return BuildContext(self._find(Path(image["context"])), recipe)

    def _find(self, path: Path) -> Path:
        """A relative path starts at the playbook, beside a directory of playbooks, or where Ansible was started."""
        starts = directories(self._loader.get_basedir())
        return next((start / path for start in starts if (start / path).is_dir()), starts[0] / path)

    def _send(self, images: list[dict[str, Any]], contexts: dict[str, BuildContext], plan: list[dict[str, Any]]) -> None:
        """Pack and transfer the contexts that the plan wants built."""
        wanted = {change["name"] for change in plan if any(field["path"] == "context" for field in change["fields"])}
        for number, image in enumerate(images):
            if image["name"] not in wanted:
                continue
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, f"context-{number}.tar.gz")
            with tempfile.TemporaryDirectory(prefix="flotilla-context-") as directory:
                local = os.path.join(directory, "context.tar.gz")
                contexts[image["name"]].pack(Path(local))
                image["context_archive"] = self._transfer_file(local, remote)
                self._fixup_perms2((self._connection._shell.tmpdir, remote))

    def _module(self, images: list[dict[str, Any]], task_vars: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        asked = self._task.check_mode
        self._task.check_mode = check_mode
        try:
            result: dict[str, Any] = self._execute_module(
                module_name="flotilla.swarm.image",
                module_args={**self._task.args, "images": images},
                task_vars=task_vars,
            )
        finally:
            self._task.check_mode = asked
        return result
