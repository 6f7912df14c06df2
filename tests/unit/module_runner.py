# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a whole module in the test's process, on any ansible-core from 2.15 on.

from module_runner import run_module_main

result = run_module_main(nodes.main, {"docker_host": fake.docker_host, "nodes": [...]}, check=True, diff=True)
assert result["changed"] and not fake.writes
"""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.flotilla.swarm.plugins.plugin_utils.answers import read_answer
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import find_documented

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core before 2.19

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, t.Any] | None = None) -> t.Iterator[None]:
        with mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": args or {}}).encode()):
            yield


try:
    from ansible.module_utils import _internal
except ImportError:  # ansible-core before 2.19
    _internal = None


# Options of the doc fragment guard, as a play hands them over that was confirmed.
CONFIRMED: dict[str, t.Any] = {"confirm": "lab", "swarm_name": "lab"}


def _as_on_a_target() -> t.ContextManager[t.Any]:
    """Warnings go into the result, although other tests have made the controller's half of Ansible known to this process."""
    return mock.patch.object(_internal, "is_controller", False, create=True) if _internal else contextlib.nullcontext()


def run_module_main(main: t.Callable[[], t.Any], args: t.Mapping[str, t.Any], check: bool = False, diff: bool = False) -> dict[str, t.Any]:
    """What the module printed, with its exit code added as ``exit_code``: 0 for exit_json, 1 for fail_json.

    ``warnings`` is a list of texts. Anything else that ends ``main`` (an exception, a return) fails the test, and so does
    anything more on standard output than the one document.
    """
    extra = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    warnings._global_warnings.clear()  # they outlive the module, because its process is ours
    warnings._global_deprecations.clear()
    code: t.Any = "no exit"
    with _as_on_a_target(), patch_module_args({**args, **extra}), contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    if code == "no exit":
        raise AssertionError(f"{main} returned without exit_json or fail_json; it printed {out.getvalue()!r}")
    result: dict[str, t.Any] = json.loads(out.getvalue())
    _require_documented(main, result)
    return {**result, "exit_code": code, "warnings": [_text(warning) for warning in result.get("warnings", [])]}


def _require_documented(main: t.Callable[[], t.Any], result: dict[str, t.Any]) -> None:
    """Actions refuse what a module returns otherwise than it says, so that no module may."""
    name = f"flotilla.swarm.{main.__module__.rpartition('.')[2]}"
    documented = find_documented(name)
    if documented is not None:
        read = read_answer(name, documented, result, "the test")
        undocumented = set(result) - set(read) - {"ansible_facts"}
        assert not undocumented, f"{name} returns {', '.join(sorted(undocumented))}, which it does not document"


def _text(warning: t.Any) -> str:
    """ansible-core 2.19 and later send a structure, the older ones the text."""
    return warning if isinstance(warning, str) else str(warning["event"]["msg"])
