# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs that tell a real HTTP server and a real SMTP server of themselves."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[4]
SECRET = "hook-5c1f"
COPY = {"name": "Write", "ansible.builtin.copy": {"content": "x", "dest": "{{ playbook_dir }}/new"}}
FAIL = {"name": "Stop", "ansible.builtin.fail": {"msg": "the disk is full"}}


# Both servers have a list `got` besides, which their types do not know.
class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


class Mail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        def say(text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        say("220 here")
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.got.append("\n".join(lines))  # type: ignore[attr-defined]
            say("221 bye" if line.upper() == "QUIT" else "250 ok")


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    yield from serve(HTTPServer(("127.0.0.1", 0), Hook))


@pytest.fixture
def post() -> Iterator[socketserver.TCPServer]:
    yield from serve(socketserver.TCPServer(("127.0.0.1", 0), Mail))


def serve(server: Any) -> Iterator[Any]:
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def play(folder: Path, tasks: list[dict[str, Any]], *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    (folder / "group_vars").mkdir(exist_ok=True)
    (folder / "group_vars/all.yml").write_text(yaml.safe_dump({"swarm_name": "prod", **variables}))
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"h1": {}, "h2": {}}}}))
    (folder / "site.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    (folder / "ansible.cfg").write_text("[defaults]\ncallbacks_enabled = flotilla.swarm.notify\n")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvvv", "-i", "hosts.yml", "-c", "local", "site.yml", *arguments]
    command += ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    return subprocess.run(command, env=environment, cwd=folder, text=True, capture_output=True, check=False)


def address(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/{SECRET}"


def test_a_change_is_told_and_a_silent_run_is_not(tmp_path: Path, hook: Any) -> None:
    done = play(tmp_path, [COPY], notify_webhook=address(hook))
    [(path, body)] = hook.got
    assert done.returncode == 0 and path == f"/{SECRET}"
    assert (body["playbook"], body["swarm"], body["event"], body["failed"]) == ("site", "prod", "changed", [])
    assert body["text"].startswith("site of prod: changed\n~ task     Write  on h")
    assert SECRET not in done.stdout + done.stderr
    play(tmp_path, [COPY], notify_webhook=address(hook))
    assert len(hook.got) == 1


def test_a_plan_and_the_start_are_told_on_demand(tmp_path: Path, hook: Any) -> None:
    play(tmp_path, [COPY], "--check", notify_webhook=address(hook), notify_events=["started", "planned"])
    assert [body["event"] for _path, body in hook.got] == ["started", "planned"]


def test_the_cause_of_a_failure_is_told_and_what_was_rescued_is_not(tmp_path: Path, hook: Any) -> None:
    rescued = {"block": [{**FAIL, "ansible.builtin.fail": {"msg": "never mind"}}], "rescue": [{"ansible.builtin.meta": "noop"}]}
    hidden = {**FAIL, "no_log": True, "when": "inventory_hostname == 'h2'", "ansible.builtin.fail": {"msg": SECRET}}
    play(tmp_path, [rescued, hidden, FAIL], notify_webhook=address(hook))
    [(_path, body)] = hook.got
    assert body["failed"] == [
        {"hosts": ["h1"], "cause": "the disk is full"},
        {"hosts": ["h2"], "cause": "The task has no_log, so its message is hidden."},
    ]


def test_a_letter_has_the_same_text(tmp_path: Path, post: Any) -> None:
    email = {"to": "ops@example.org", "from": "swarm@example.org", "host": "127.0.0.1", "port": post.server_address[1], "tls": False}
    play(tmp_path, [FAIL], notify_email=email)
    [letter] = post.got
    assert "Subject: site of prod: failed" in letter and "To: ops@example.org" in letter and "h1, h2: the disk is full" in letter


def test_who_can_not_be_told_is_warned_of_and_the_run_goes_on(tmp_path: Path) -> None:
    done = play(tmp_path, [COPY], notify_webhook=f"http://127.0.0.1:1/{SECRET}")
    assert done.returncode == 0 and "Nobody is told of this run: notify_webhook: " in " ".join(done.stderr.split())
    assert SECRET not in done.stdout + done.stderr


def test_wrong_settings_are_warned_of(tmp_path: Path) -> None:
    done = play(tmp_path, [], notify_events=["broken"])
    assert "notify_events is ['broken'], expected a list of started" in " ".join(done.stderr.split())
