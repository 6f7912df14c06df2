# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose Python lies: it runs the module, and answers something else. The controller neither obeys it nor falls over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine, node

ROOT = Path(__file__).parents[2]
# In the place of the host's Python. LIE is the source of a function from the module's result to what is printed.
PYTHON = f"""#!{sys.executable}
import json, os, subprocess, sys

done = subprocess.run([{sys.executable!r}, *sys.argv[1:]], stdin=sys.stdin, capture_output=True, text=True)
result = json.loads(done.stdout[done.stdout.index("{{"):])


def texts(value, change):
    if isinstance(value, dict):
        return {{name: texts(item, change) for name, item in value.items() if name != "invocation"}}
    return [texts(item, change) for item in value] if isinstance(value, list) else change(value) if isinstance(value, str) else value


said = eval(os.environ["LIE"])(result)
print(said if isinstance(said, str) else json.dumps(said))
"""
TEMPLATE = "{{ lookup('pipe', 'touch %s') }}"
# Each lie is to be survived, so that the next task is tried with one as well.
PLAYS = """
- hosts: w1
  gather_facts: false
  tasks:
    - flotilla.swarm.host_info: {record: [engine, mounts], exposure: true}
      register: preflight_seen
      ignore_errors: true
    - flotilla.swarm.path_info: {paths: [/etc]}
      register: paths
      ignore_errors: true
      vars: {preflight_reuse: true}
    - flotilla.swarm.swarm_info: {nodes: true}
      register: told
      ignore_errors: true
- hosts: m1
  gather_facts: false
  vars:
    seen: "{{ hostvars['w1'].preflight_seen }}"
    limits: {manager_counts: [1], distributions: {}, min_memory_mb: 1, min_disk_free_mb: 1, max_clock_skew_seconds: 1}
    faults: "{{ {'w1': seen} | flotilla.swarm.preflight_faults(['m1'], ['w1'], limits) }}"
  tasks:
    - ansible.builtin.debug: {msg: "{{ faults }} {{ swarm_name }} {{ hostvars['w1'].ansible_connection }}"}
    - ansible.builtin.debug: {msg: "{{ item }} {{ loops }}"}
      loop: "{{ faults | map(attribute='message') | list }}"
      vars: {loops: "{{ item }}"}
    - ansible.builtin.debug: {msg: "{{ [hostvars['w1'].told] | flotilla.swarm.meant_cluster }}"}
      ignore_errors: true
    - ansible.builtin.assert: {that: false, fail_msg: "{{ faults | map(attribute='message') | join(' ') }}"}
      ignore_errors: true
"""
LIES = {
    "templates": "lambda result: texts(result, lambda _text: TEMPLATE)",
    "orders to the terminal": "lambda result: texts(result, lambda text: text + '\\x1b]0;x\\x07\\x1b[2J\\x9b1m')",
    "numbers": "lambda result: texts(result, len)",
    "no JSON": "lambda _result: '\\x1b]0;x\\x07 Traceback (most recent call last): ' + TEMPLATE",
    "facts": "lambda result: {**result, 'ansible_facts': {'swarm_name': TEMPLATE, 'ansible_connection': 'ssh'}, 'add_host': {'name': 'x'}}",
    "no answer": "lambda result: {'changed': False}",
    "a broken record": "lambda result: {**result, **({'record': {'host': [], 'engine': 5}} if 'record' in result else {})}",
}


@pytest.mark.parametrize("lie", LIES)
def test_nothing_that_it_says_is_obeyed(lie: str, tmp_path: Path, fake_engine: Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")])
    python, taken = tmp_path / "python", tmp_path / "taken"
    python.write_text(PYTHON)
    python.chmod(0o755)
    hosts = {"m1": {}, "w1": {"ansible_python_interpreter": str(python)}}
    shared = {"ansible_connection": "local", "swarm_name": "lab", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"vars": shared, "hosts": hosts}}))
    (tmp_path / "play.yml").write_text(PLAYS)
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "DOCKER_HOST": fake.docker_host,
        "LIE": LIES[lie].replace("TEMPLATE", repr(TEMPLATE % taken)),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and not taken.exists(), said
    assert not set(said) & {"\x1b", "\x07", "\x9b"} and "2 hosts ok" in said, said
    assert "error occurred during" not in said and "Unexpected" not in said, said
    assert "lab local" in said and "w1" in said, said
    if lie in ("numbers", "no answer"):
        assert "reading what w1 answers to flotilla.swarm.host_info: " in " ".join(said.split()), said
