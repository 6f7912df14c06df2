# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every action of ours runs a module: what comes back is compared with the module's own documentation before anything uses it."""

from __future__ import annotations

import functools
import re
import typing as t
from pathlib import Path

import yaml

from .answers import AnswerError, Documented, read_answer

_MODULES = Path(__file__).parents[1] / "modules"
_RETURN = re.compile(r'^RETURN = r?"""(.*?)^"""', re.MULTILINE | re.DOTALL)


@functools.cache
def find_documented(module: str) -> Documented | None:
    """The return values of one of our modules, from its documentation; None for a module of somebody else."""
    path = _MODULES / f"{module.removeprefix('flotilla.swarm.')}.py"
    if "." in path.stem or not path.is_file():
        return None
    found = _RETURN.search(path.read_text(encoding="utf-8"))
    return yaml.load(found.group(1), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if found else {}


class Asking:
    """Stands before ``ActionBase`` among the bases of an action."""

    _task: t.Any

    def _execute_module(self, module_name: str | None = None, *args: t.Any, **more: t.Any) -> dict[str, t.Any]:
        name = str(module_name or self._task.action)
        answer = super()._execute_module(module_name, *args, **more)  # type: ignore[misc]  # ActionBase has it, which comes later
        documented = find_documented(name)
        if documented is None:
            return t.cast("dict[str, t.Any]", answer)
        host = str(self._task.delegate_to or (more.get("task_vars") or {}).get("inventory_hostname") or "the host")
        try:
            return read_answer(name, documented, answer, host)
        except AnswerError as error:
            return {"failed": True, "changed": False, "msg": str(error)}
