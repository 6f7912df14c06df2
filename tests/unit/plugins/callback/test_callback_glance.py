# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself lets the callback see, with each of its kinds of tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playbook_runs import play_in

GLANCE = "flotilla.swarm.glance"
SECRET = "hunter2"
QUIET = {"changed_when": False}


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"name": "Say", "ansible.builtin.debug": {"msg": text}, **more}


def refuse(text: str, **more: Any) -> dict[str, Any]:
    return {"name": f"Refuse {text}", "ansible.builtin.fail": {"msg": f"{text}."}, **more}


def change(**more: Any) -> dict[str, Any]:
    return {"name": "Change", "ansible.builtin.command": "true", **more}


FIRST = {
    "name": "All kinds",
    "hosts": "h1,h2,h3",
    "serial": [1, 2],
    "handlers": [{"name": "Restart it", "ansible.builtin.command": "true"}],
    "tasks": [
        refuse("ignored", ignore_errors=True),
        {"block": [refuse("rescued")], "rescue": [say("mended")], "always": [change(**QUIET)]},
        {"block": [{"ansible.builtin.include_tasks": "inner.yml"}], "rescue": [say("mended, too")]},
        {"block": [{"block": [refuse("deep")], "always": [change(**QUIET)]}], "rescue": [say("mended deep")]},
        {"block": [{"ansible.builtin.import_role": {"name": "inner"}}], "rescue": [say("mended role")]},
        change(notify="Restart it", when="inventory_hostname != 'h1'"),
        say("{{ item }}", loop=["a", "b"], run_once=True, when="inventory_hostname == 'h1'"),
        say(SECRET, no_log=True, when="inventory_hostname == 'h1'"),
    ],
}
SECOND = {
    "name": "Freely",
    "hosts": "all",
    "strategy": "free",
    "tasks": [change(), {"block": [refuse("rescued freely")], "rescue": [say("hello\nyou")]}],
}
THIRD = {
    "name": "Failing",
    "hosts": "all",
    "tasks": [
        {"name": "Loop", "ansible.builtin.shell": "exit {{ item }}", "loop": [0, 1, 2], "when": "inventory_hostname == 'h1'"},
        refuse(SECRET, no_log=True, when="inventory_hostname == 'h2'"),
        {
            "block": [refuse("first")],
            "rescue": [refuse("the rescue failed, too")],
            "when": "inventory_hostname == 'h3'",
        },
    ],
}
NEVER = {"name": "Nobody's", "hosts": "all", "tasks": [{"ansible.builtin.meta": "end_host"}, change()]}
FOURTH = {
    "name": "Far",
    "hosts": "h4",
    "vars": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    "tasks": [{"name": "Reach", "ansible.builtin.ping": {}}],
}
TEXT = """
All kinds                                                            3 hosts
h1: mended
h1: mended, too
h1: mended deep
h1: mended role
a
b
h1: The task has no_log, so its message is hidden.
h2, h3: mended
h2, h3: mended, too
h2, h3: mended deep
h2, h3: mended role
  changed  Change: h2, h3
  changed  Restart it: h2, h3
Freely                                                               4 hosts
  changed  Change: h1, h2, h3, h4
hello
you
Failing                                                              4 hosts
  failed  Loop: h1
  failed  Refuse {secret}: h2
  failed  Refuse the rescue failed, too: h3
Far                                                                   1 host
  unreachable  Reach: h4

h1, h2, h3 failed; h4 can't be reached: 4 of 4 hosts, in N s.

Loop: h1
  {command}. -v shows what it wrote.

Refuse {secret}: h2
  The task has no_log, so its message is hidden.

Refuse the rescue failed, too: h3
  the rescue failed, too.

no connection: h4
  {connection}
  Start it, or check how Ansible connects.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    hosts: dict[str, Any] = {f"h{number}": {} for number in range(1, 5)}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "inner.yml").write_text(json.dumps([refuse("inner")]))
    (tmp_path / "roles/inner/tasks").mkdir(parents=True)
    (tmp_path / "roles/inner/tasks/main.yml").write_text(json.dumps([refuse("in a role")]))
    return tmp_path


def run(project: Path, plays: list[dict[str, Any]], *arguments: str, callback: str = GLANCE, **environ: str) -> tuple[int, str]:
    (project / "play.yml").write_text(json.dumps([{"gather_facts": False, **play} for play in plays]))
    done = play_in(project, "play.yml", "-i", "hosts.json", "-c", "local", *arguments, ANSIBLE_STDOUT_CALLBACK=callback, **environ)
    return done.returncode, done.stdout + done.stderr


def test_every_kind_of_task(project: Path) -> None:
    rc, said = run(project, [FIRST, SECOND, NEVER, THIRD, FOURTH])
    assert rc == 4
    said = re.sub(r"in \d+ s\.", "in N s.", said)
    said = re.sub(r"  (The command exited with a )?non-zero return code\.", "  {command}.", said)
    said = re.sub(r"  .*ssh: .*refused.*", "  {connection}", said)
    assert said.replace(f"Refuse {SECRET}", "Refuse {secret}").strip() == TEXT.strip()
    assert SECRET not in said.replace(f"Refuse {SECRET}", ""), "but for the task's name"


def test_verbose_is_what_ansible_itself_shows(project: Path) -> None:
    plays = [{"name": "Plain", "hosts": "h1", "tasks": [say("hello"), say(SECRET, no_log=True), refuse("no")]}]
    ours, stock = run(project, plays, "-v"), run(project, plays, "-v", callback="ansible.builtin.default")
    assert ours == stock and ours[0] == 2 and "fatal: [h1]" in ours[1]


def test_differences_are_shown_to_who_asks_for_them(project: Path) -> None:
    copy = {"name": "Copy", "ansible.builtin.copy": {"content": "hello\n", "dest": str(project / "copied")}, "diff": True}
    plays = [{"name": "Copying", "hosts": "h1", "tasks": [copy]}]
    assert run(project, plays, "--check")[1].splitlines()[1:2] == ["  would change  Copy: h1"]
    rc, said = run(project, plays, "--diff")
    assert rc == 0 and said.count("+hello") == 1 and said.splitlines()[1].startswith("--- before") and "  changed  Copy: h1" in said


def test_a_warning_is_shown_once(project: Path) -> None:
    (project / "library").mkdir()
    (project / "library/warn.py").write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({}, supports_check_mode=True)\n"
        "module.warn('mind the gap')\n"
        "module.deprecate('so old', version='9.0.0', collection_name='a.b')\n"
        "module.exit_json(changed=False)\n"
    )
    rc, said = run(project, [{"name": "Warning", "hosts": "all", "tasks": [{"name": "Warn", "warn": {}}, {"name": "Again", "warn": {}}]}])
    assert rc == 0 and said.count("mind the gap") == 1 and said.count("so old") == 1


def test_the_changes_stand_above_the_verdict(project: Path) -> None:
    rc, said = run(project, [{"hosts": "h1", "tasks": [change()]}], ANSIBLE_CALLBACKS_ENABLED="flotilla.swarm.plan")
    end = re.sub(r"in \d+ s\.", "in N s.", said).splitlines()[-6:]
    assert rc == 0 and end == ["", "CHANGES", "~ task     Change  on h1", "1 to change.", "", "1 host ok, in N s."]
