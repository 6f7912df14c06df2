# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.action import stack as action
from ansible_collections.flotilla.swarm.plugins.plugin_utils import follow

Json = dict[str, t.Any]
STACK = "services: {web: {image: 'web:${TAG}', hostname: '{{.Node.Hostname}}', volumes: ['/srv/a:/a']}}\n"


class Run:
    """The action with the module's answers given; what it printed and what it called the module with."""

    def __init__(self, folder: Path, answers: list[Json], check: bool = False, **options: t.Any) -> None:
        (folder / "stack.yml").write_text(STACK)
        loader = DataLoader()
        loader.set_basedir(str(folder))
        task = Task()
        task.args = {"name": "app", "files": ["stack.yml"], "env": {"TAG": 42, "SECRET": "geheim"}, **options}
        task.args = {key: value for key, value in task.args.items() if value is not None}
        task.check_mode = check
        self.plugin = action.ActionModule(task, mock.Mock(), mock.Mock(), loader, Templar(loader), None)
        self.calls: list[Json] = []
        self.said: list[str] = []
        self.plugin._display = mock.Mock(display=self.said.append, warning=self.said.append)

        def execute(module_args: Json, **_more: t.Any) -> Json:
            self.calls.append(json.loads(json.dumps(module_args)))
            return dict(answers[len(self.calls) - 1])

        with mock.patch.object(self.plugin, "_execute_module", execute), mock.patch.object(follow, "OUTAGE_PAUSE_SECONDS", 0):
            self.result: Json = self.plugin.run(task_vars={})


DONE = {"changed": False, "plan": [], "summary": "app: done", "session": {}, "invocation": {"module_args": {}}}
PLAN = [{"kind": "service", "name": "app_web", "action": "create", "fields": [], "cost": "nothing", "reason": ""}]


def waiting(text: str, **more: t.Any) -> Json:
    session = {"began": 1.0, "holder": "x"}
    return {"changed": True, "plan": PLAN, "pending": True, "session": session, "progress": {"app_web": text}, **more}


def test_the_module_gets_the_loaded_stack_and_nothing_else_of_the_files(tmp_path: Path) -> None:
    run = Run(tmp_path, [DONE], prune=True, docker_host="unix:///x")
    (call,) = run.calls
    model = json.loads(call["model"])["model"]
    assert model["services"]["web"]["image"] == "web:42"
    assert model["services"]["web"]["hostname"] == "{{.Node.Hostname}}"
    assert (call["prune"], call["docker_host"]) == (True, "unix:///x")
    assert not {"env", "files", "content", "registry_auth"} & set(call)
    assert "geheim" not in json.dumps(call)


def test_it_calls_until_the_deploy_has_ended_and_tells_what_is_new(tmp_path: Path) -> None:
    answers = [waiting("0/1 running"), waiting("0/1 running", plan=[]), waiting("1/1 running", plan=[]), DONE]
    run = Run(tmp_path, answers)
    assert run.said == ["app_web  0/1 running", "app_web  1/1 running", "app: done"]
    assert [call["session"].get("began") for call in run.calls] == [None, 1.0, 1.0, 1.0]
    assert run.result["changed"] and run.result["plan"] == PLAN
    assert not {"session", "progress", "pending", "invocation"} & set(run.result)


def test_an_engine_that_restarts_between_two_calls_is_waited_for(tmp_path: Path) -> None:
    away = {"failed": True, "msg": "connecting to the engine: refused", "changed": False, "plan": []}
    run = Run(tmp_path, [waiting("0/1 running"), away, away, DONE])
    assert not run.result.get("failed") and len(run.calls) == 4


def test_warnings_of_the_first_and_the_last_call_are_kept_once(tmp_path: Path) -> None:
    run = Run(tmp_path, [waiting("0/1 running", warnings=["a", "b"]), {**DONE, "warnings": ["b", "c"]}])
    assert run.result["warnings"] == ["a", "b", "c"]


def test_a_failed_deploy_is_not_repeated(tmp_path: Path) -> None:
    failed = {"failed": True, "msg": "app_web failed", "session": {}, "undone": ["x"], "changed": True, "plan": [], "applied": []}
    run = Run(tmp_path, [waiting("0/1 running"), failed])
    assert run.result["failed"] and run.result["changed"] and run.result["undone"] == ["x"]
    assert not {"plan", "applied", "session"} & set(run.result)


def test_a_first_call_that_fails_is_not_repeated(tmp_path: Path) -> None:
    run = Run(tmp_path, [{"failed": True, "msg": "not a manager", "changed": False, "plan": []}])
    assert len(run.calls) == 1 and run.result["failed"]


def test_check_mode_tells_no_summary(tmp_path: Path) -> None:
    run = Run(tmp_path, [{"changed": True, "plan": PLAN}], check=True)
    assert run.said == [] and run.result["summary"] == "app: 1 to add"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env": {}}, "TAG"),
        ({"files": ["gone.yml"]}, r"file gone.yml was not found. Looked for .*gone.yml"),
        ({"content": "services: {}"}, "found both, expected either files or content"),
        ({"files": []}, "found neither"),
        ({"undefined": "maybe"}, "undefined must be one of"),
        ({"registry_auth": [{"registry": "x"}]}, "username"),
    ],
)
def test_what_is_wrong_is_told_before_the_module_is_called(tmp_path: Path, options: Json, message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        Run(tmp_path, [], **options)


def test_a_template_is_filled_in_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "made.yml").write_text("services: {web: {image: 'web:{{ 40 + 2 }}'}}")
    run = Run(tmp_path, [DONE], files=["made.yml"], template=True)
    assert json.loads(run.calls[0]["model"])["model"]["services"]["web"]["image"] == "web:42"


def test_the_files_are_shown_merged_and_filled_in(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("services: {web: {environment: {SECRET: '${SECRET}', MODE: prod}}}")
    failed = {"failed": True, "msg": "app_web failed", "changed": True, "plan": [], "session": {}}
    for answer in (DONE, failed):
        run = Run(tmp_path, [answer], files=["stack.yml", "more.yml"], render=True, show_environment=["MODE"])
        text = run.result["rendered"]
        assert "image: web:42" in text and "MODE: prod" in text and "geheim" not in text
        assert text in run.said and "render" not in run.calls[0]


def test_silence_is_for_both_halves(tmp_path: Path) -> None:
    content = "services: {web: {image: web, container_name: x}}"
    run = Run(tmp_path, [DONE], files=None, content=content, unsupported="error", silence=["container_name", "no_node"])
    assert run.calls[0]["silence"] == ["container_name", "no_node"]


def test_absent_needs_no_files(tmp_path: Path) -> None:
    run = Run(tmp_path, [DONE], state="absent", files=None, env=None)
    assert "model" not in run.calls[0]
