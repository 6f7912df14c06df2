# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's halves of service, job and service_logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.action import job, service, service_logs

Json = dict[str, Any]


class Run:
    """An action with the module's answers given; what it printed and what it called the module with."""

    def __init__(self, half: Any, answers: list[Json], check: bool = False, no_log: bool = False, **options: Any) -> None:
        loader = DataLoader()
        task = Task()
        task.args, task.check_mode, task.no_log = options, check, no_log
        plugin = half.ActionModule(task, mock.Mock(), mock.Mock(), loader, Templar(loader), None)
        self.calls: list[Json] = []
        self.said: list[str] = []
        plugin._display = mock.Mock(display=self.said.append)

        def execute(module_name: str, module_args: Json, **_more: Any) -> Json:
            self.calls.append({"module": module_name, **module_args})
            return dict(answers[len(self.calls) - 1])

        with mock.patch.object(plugin, "_execute_module", execute):
            self.result: Json = plugin.run(task_vars={})


WAITING: Json = {"changed": True, "pending": True, "session": {"began": 1.0}, "progress": {"web": "0/1 running"}, "plan": []}


def test_an_operation_tells_how_it_goes_on() -> None:
    end = {"changed": True, "session": {}, "progress": {"web": "1/1 running, stable"}, "summary": "scale: done", "plan": []}
    run = Run(service, [WAITING, end], scale={"replicas": {"web": 1}})
    assert run.said == ["web  0/1 running", "web  1/1 running, stable", "scale: done"]
    assert [call["module"] for call in run.calls] == ["flotilla.swarm.service"] * 2 and run.calls[1]["session"] == {"began": 1.0}
    assert all(call["scale"] == {"replicas": {"web": 1}} for call in run.calls)


def test_check_mode_tells_nothing_and_sums_up_the_plan() -> None:
    change = {"kind": "service", "name": "web", "action": "update", "fields": [], "cost": "nothing", "reason": ""}
    run = Run(service, [{"changed": True, "plan": [change]}], check=True, scale={"replicas": {"web": 1}})
    assert run.said == [] and run.result["summary"] == "scale: 1 to change"


ENDED: Json = {"changed": True, "rc": 0, "stdout": "out\n", "stderr": "err\n", "summary": "the job exited 0 on w1 after 1 s", "plan": []}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ["out", "err", "the job exited 0 on w1 after 1 s"]),
        ({"no_log": True}, []),
        ({"check": True}, []),
    ],
)
def test_a_job_shows_what_it_wrote_where_that_may_be_shown(more: Json, said: list[str]) -> None:
    assert Run(job, [ENDED], service="web", command="x", **more).said == said


def test_a_job_that_failed_is_told_by_its_message() -> None:
    run = Run(job, [{**ENDED, "failed": True, "rc": 3, "msg": "exited 3", "session": {}}], service="web", command="x")
    assert run.said == [] and (run.result["rc"], run.result["msg"]) == (3, "exited 3") and "plan" not in run.result


def logs() -> Json:
    log = {"service": "web", "slot": 2, "task": "t1", "node": "w1", "state": "running", "lines": 1, "text": "a line\n"}
    return {"changed": False, "logs": [log, {**log, "service": "agent", "slot": 0, "task": "t2"}], "invocation": {}}


def test_logs_are_shown() -> None:
    run = Run(service_logs, [logs()], name=["web"])
    assert run.said == ["==> web.2 on w1 (running, task t1)", "a line", "==> agent on w1 (running, task t2)", "a line"]
    assert Run(service_logs, [logs()], name=["web"], no_log=True).said == []


def test_logs_are_kept_in_a_file_for_each_task(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert not Run(service_logs, [logs()], check=True, dest=str(folder)).result["changed"] and not folder.exists()
    run = Run(service_logs, [logs()], dest=str(folder))
    assert run.said == [] and run.result["changed"] and all("text" not in log for log in run.result["logs"])
    file = folder / "web.2.w1.t1.log"
    assert file.read_text() == "a line\n" and run.result["logs"][0]["file"] == str(file)
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AnsibleActionFail, match="writing logs to .*file.*Give another dest"):
        Run(service_logs, [logs()], dest=str(tmp_path / "file/below"))


def test_what_the_module_refuses_is_handed_on() -> None:
    refused = {"failed": True, "msg": "there is no service x"}
    assert Run(service_logs, [refused], name=["x"]).result["msg"] == "there is no service x"
