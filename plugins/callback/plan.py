# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One list of all changes at the end of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
type: aggregate
short_description: One list of all changes at the end of a run
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Gathers what the modules of this collection planned or did on all hosts, and prints it once when the run ends, with its time.
    Where P(flotilla.swarm.glance#callback) is chosen, that one prints it.
  - Tasks of other collections that changed something are listed by their name.
  - Where the variable C(plan_file) is set, the list is written to that file on the controller as JSON, at the start of each play and at
    the end of the run. It holds C(plan_changes), the changes as the modules return them; C(plan_complete), whether no host failed;
    and C(stacks_plan_ids), with which O(flotilla.swarm.stack#module:plan_id) lets a later run do that plan and no other.
  - It counts what P(flotilla.swarm.run_metrics#lookup) tells.
requirements:
  - To be enabled, by C(callbacks_enabled = flotilla.swarm.plan) in C(ansible.cfg) or E(ANSIBLE_CALLBACKS_ENABLED).
"""

import json
import os
import tempfile
import time
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.play import is_checking, variables_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_plan import RUN_PLAN, gather
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_tally import TALLY


def write_json(path: str, data: t.Mapping[str, t.Any]) -> None:
    """Put the data in the place of a file, which only its owner can read. Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".plan-", delete=False) as file:
        json.dump(data, file, indent=2)
    os.replace(file.name, path)


class CallbackModule(CallbackBase):
    """Prints the plan when the statistics are printed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "flotilla.swarm.plan"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._checking = False
        self._file = ""
        self._began = time.monotonic()
        self._stacks_plan_ids: dict[str, str] = {}

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = result._task
        stats = (result._result.get("ansible_stats") or {}).get("data") or {}
        self._stacks_plan_ids.update(stats.get("stacks_plan_ids") or {})
        if result._result.get("changed"):
            TALLY.changed += 1
            RUN_PLAN.note(result._host.get_name(), task.get_name(), bool(task.run_once), result._result, self._checking)

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        TALLY.playbook, TALLY.began = os.path.splitext(os.path.basename(playbook._file_name))[0], time.time()

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        TALLY.failed += not ignore_errors

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        TALLY.failed += 1

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        variables, templar = variables_of(play)
        self._checking = is_checking(play, templar)
        RUN_PLAN.is_planned |= self._checking
        if variables.get("plan_file"):
            self._file = os.path.abspath(os.path.expanduser(str(templar.template(variables["plan_file"]))))
            self._write(gather(RUN_PLAN.results), complete=False)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        lost = {*stats.failures, *stats.dark}
        self._write(gather(RUN_PLAN.results), complete=not lost)
        lines = RUN_PLAN.end(sorted(lost), f"{time.monotonic() - self._began:.0f} s")
        for title in lines[:1]:
            self._display.banner(title)
        for line in lines[1:]:
            self._display.display(line)

    def _write(self, changes: list[dict[str, t.Any]], complete: bool) -> None:
        if not self._file:
            return
        data = {"plan_changes": changes, "plan_complete": complete, "stacks_plan_ids": self._stacks_plan_ids}
        try:
            write_json(self._file, data)
        except OSError as error:
            self._display.warning(f"plan_file: {self._file} can't be written: {error.strerror}")
            self._file = ""
