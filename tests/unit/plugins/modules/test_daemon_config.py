# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files and real processes: systemctl, dockerd and journalctl are small scripts in front of the PATH."""

from __future__ import annotations

import errno
import itertools
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import daemon_json
from ansible_collections.flotilla.swarm.plugins.modules import daemon_config
from module_runner import run_module_main

SYSTEMCTL = """#!/bin/sh
cd "{bin}"
case "$1" in
  show) cat show; echo "InvocationID=$(cat invocation)";;
  is-active) test ! -e dead;;
  restart|reload)
    echo "$1" >> verbs
    if [ -e refuse-all ] || grep -q fatal-key "{config}"; then touch dead; echo "Job for docker.service failed" >&2; exit 1; fi
    rm -f dead; [ "$1" = reload ] || echo "x$(cat invocation)" > invocation;;
  *) echo "$1" >> verbs;;
esac
"""
DOCKERD = """#!/bin/sh
if [ "$1" = --version ]; then echo "Docker version $(cat "{bin}/version"), build x"; exit; fi
echo "$@" >> "{bin}/validated"
if grep -q refused-by-dockerd "$3"; then echo "unable to configure the Docker daemon with file $3: no way" >&2; exit 1; fi
"""
JOURNALCTL = """#!/bin/sh
echo "Started something"
echo "failed to start daemon: fatal-key is not allowed"
echo "docker.service: Failed with result exit-code."
"""
SHOW = "LoadState=loaded\nActiveState={state}\nExecStart={{ path=x ; argv[]=/usr/bin/dockerd {flags} ; ignore_errors=no }}\n"


class Machine:
    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self.config = directory / "etc" / "docker" / "daemon.json"
        self.pending = directory / "pending.json"
        self.bin.mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("dockerd", DOCKERD), ("journalctl", JOURNALCTL)):
            (self.bin / name).write_text(text.format(bin=self.bin, config=self.config))
            (self.bin / name).chmod(0o755)
        (self.bin / "invocation").write_text("first")
        self.set(version="26.1.5")

    def set(self, version: str = "", state: str = "active", flags: str = "-H fd://") -> None:
        if version:
            (self.bin / "version").write_text(version)
        (self.bin / "show").write_text(SHOW.format(state=state, flags=flags))

    def write(self, text: str) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)

    def read(self) -> t.Any:
        return json.loads(self.config.read_text())

    def verbs(self) -> list[str]:
        verbs = self.bin / "verbs"
        return verbs.read_text().split() if verbs.exists() else []

    def files(self) -> list[str]:
        return sorted(path.name for path in self.config.parent.glob("*")) if self.config.parent.exists() else []

    def run(self, config: dict[str, t.Any], check: bool = False, **args: t.Any) -> dict[str, t.Any]:
        return run_module_main(daemon_config.main, {"config": config, "path": str(self.config), **args}, check=check, diff=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(daemon_json, "PENDING", str(made.pending))
    return made


def test_a_new_file(machine: Machine) -> None:
    result = machine.run({"debug": True, "log-opts": {"max-size": "1m"}})
    assert (result["changed"], result["cost"], result["exit_code"]) == (True, "restarts engine", 0)
    assert machine.read() == {"debug": True, "log-opts": {"max-size": "1m"}}
    assert machine.config.stat().st_mode & 0o777 == 0o644
    assert "backup" not in result
    assert machine.verbs() == []


def test_a_second_run_finds_nothing(machine: Machine) -> None:
    machine.run({"debug": True}, activate="always")
    first = machine.config.stat().st_mtime_ns
    result = machine.run({"debug": True}, activate="always")
    assert (result["changed"], result["plan"], result["cost"]) == (False, [], "nothing")
    assert machine.config.stat().st_mtime_ns == first
    assert machine.verbs() == ["reload"]


def test_check_mode_shows_and_writes_nothing(machine: Machine) -> None:
    machine.write('{"debug": false, "bip": "10.0.0.1/24"}')
    result = machine.run({"debug": True}, check=True, activate="always")
    assert result["changed"]
    assert "debug: false -> true" in result["diff"]["prepared"]
    assert "[reload]" in result["diff"]["prepared"]
    assert machine.read() == {"debug": False, "bip": "10.0.0.1/24"}
    assert (machine.files(), machine.verbs(), machine.pending.exists()) == (["daemon.json"], [], False)


def test_foreign_keys_order_indent_and_mode_stay(machine: Machine) -> None:
    machine.write('{\n    "bip": "10.0.0.1/24",\n    "debug": false,\n    "future-key": 1\n}')
    machine.config.chmod(0o600)
    result = machine.run({"debug": True, "mtu": 1400})
    assert machine.config.read_text() == ('{\n    "bip": "10.0.0.1/24",\n    "debug": true,\n    "future-key": 1,\n    "mtu": 1400\n}\n')
    assert machine.config.stat().st_mode & 0o777 == 0o600
    assert json.loads(Path(result["backup"]).read_text())["debug"] is False


PROXY = {"proxies": {"http-proxy": "http://me:quiet-otter@proxy:3128"}}
TOKEN = {"log-opts": {"splunk-token": "quiet-otter"}}


@pytest.mark.parametrize("config", [PROXY, TOKEN])
def test_a_new_file_with_a_credential_is_for_root_alone(machine: Machine, config: dict[str, t.Any]) -> None:
    result = machine.run(config)
    assert machine.config.stat().st_mode & 0o777 == 0o600 and machine.read() == config
    assert "quiet-otter" not in json.dumps(result)


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o666, 0o660), (0o640, 0o640), (0o600, 0o600)])
def test_others_lose_their_rights_on_a_file_that_gets_a_credential(machine: Machine, before: int, after: int) -> None:
    machine.write(json.dumps(TOKEN))
    machine.config.chmod(before)
    shown = machine.run(PROXY, check=True)
    assert machine.config.stat().st_mode & 0o777 == before
    result = machine.run(PROXY)
    assert (f'mode: "{before:04o}" -> "{after:04o}"' in result["diff"]["prepared"]) is (before != after)
    assert (result["plan"], result["diff"]) == (shown["plan"], shown["diff"])
    assert [path.stat().st_mode & 0o777 for path in (machine.config, Path(result["backup"]))] == [after, after]
    assert not machine.run(PROXY)["changed"]


def test_a_file_that_holds_a_credential_already_is_closed(machine: Machine) -> None:
    machine.write(json.dumps(TOKEN))
    machine.config.chmod(0o644)
    result = machine.run(TOKEN, activate="always")
    assert result["changed"] and machine.config.stat().st_mode & 0o777 == 0o640 and machine.read() == TOKEN
    assert (result["cost"], machine.verbs()) == ("nothing", [])


@pytest.mark.parametrize(
    "config", [{"proxies": {"http-proxy": ["http://me:quiet-otter@proxy:3128"]}}, {"log-opts": {"splunk-token": ["quiet-otter"]}}]
)
def test_a_value_that_may_be_secret_is_in_no_refusal(machine: Machine, config: dict[str, t.Any]) -> None:
    result = machine.run(config)
    assert result["failed"] and next(iter(config)) in result["msg"] and "otter" not in json.dumps(result)


def test_what_dockerd_says_of_a_proxy_is_told_without_its_login(machine: Machine) -> None:
    (machine.bin / "dockerd").write_text(
        '#!/bin/sh\n[ "$1" != --version ] || { echo "Docker version 26.1.5, build x"; exit; }\ncat "$3" >&2; exit 1\n'
    )
    result = machine.run(PROXY)
    assert result["failed"] and "proxy:3128" in result["msg"] and "quiet-otter" not in json.dumps(result)


def test_null_removes(machine: Machine) -> None:
    machine.write('{"debug": true, "mtu": 1400}')
    assert machine.run({"debug": None})["changed"]
    assert machine.read() == {"mtu": 1400}


@pytest.mark.parametrize(
    ("text", "config", "found"),
    [
        ("{}", {"log-optz": {}}, "Did you mean log-opts?"),
        ("{}", {"debug": "yes"}, "debug: is"),
        ("{}", {"firewall-backend": "nftables"}, "needs engine 29.0, this host has 26.1"),
        ("{}", {"hosts": ["tcp://10.0.0.1:2376"]}, "systemctl cat docker.service"),
        ('{"log-driver": "journald"}', {"log-opts": {"max-size": "1m"}}, "journald does not know max-size"),
        ('{"debug": true', {"mtu": 1400}, "invalid JSON at line 1"),
        ("[]", {"mtu": 1400}, "expected an object"),
        ("{}", {"bip": "refused-by-dockerd"}, "dockerd --validate refuses the configuration"),
    ],
)
def test_refused_with_nothing_changed(machine: Machine, text: str, config: dict[str, t.Any], found: str) -> None:
    machine.write(text)
    result = machine.run(config, activate="always")
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert found in result["msg"]
    assert "othing was changed" in result["msg"]
    assert "Traceback" not in result["msg"]
    assert machine.config.read_text() == text
    assert (machine.files(), machine.verbs()) == (["daemon.json"], [])


def test_the_words_of_dockerd_do_not_name_the_temporary_file(machine: Machine) -> None:
    result = machine.run({"bip": "refused-by-dockerd"})
    assert result["msg"].endswith("unable to configure the Docker daemon with file the file: no way. Nothing was changed.")


def test_an_engine_without_validate_is_not_asked(machine: Machine) -> None:
    machine.set(version="20.10.24+dfsg1")
    assert machine.run({"bip": "refused-by-dockerd"})["changed"]
    assert not (machine.bin / "validated").exists()


@pytest.mark.parametrize(
    ("config", "verbs"),
    [({"debug": True}, ["reload"]), ({"mtu": 1400}, ["restart"]), ({"debug": True, "mtu": 1400}, ["restart"])],
)
def test_activation_does_what_the_keys_need(machine: Machine, config: dict[str, t.Any], verbs: list[str]) -> None:
    machine.run(config, activate="always")
    assert machine.verbs() == verbs
    assert not machine.pending.exists()


def test_a_stopped_engine_costs_nothing(machine: Machine) -> None:
    machine.set(state="inactive")
    assert machine.run({"mtu": 1400}, activate="always")["cost"] == "nothing"
    assert machine.verbs() == []


def test_an_engine_that_does_not_start_gets_its_file_back(machine: Machine) -> None:
    machine.write('{"mtu": 1400}')
    result = machine.run({"bip": "fatal-key"}, activate="always")
    assert result["exit_code"] == 1
    assert "failed to start daemon: fatal-key is not allowed" in result["msg"]
    assert "The former file was restored, and the engine runs with it again." in result["msg"]
    assert machine.read() == {"mtu": 1400}
    assert machine.verbs() == ["restart", "reset-failed", "restart"]
    assert not (machine.bin / "dead").exists()
    assert not machine.pending.exists()


def test_an_engine_that_never_had_a_file_has_none_again(machine: Machine) -> None:
    assert machine.run({"bip": "fatal-key"}, activate="always")["exit_code"] == 1
    assert not machine.config.exists()
    assert not (machine.bin / "dead").exists()


def test_it_says_when_the_former_file_does_not_help(machine: Machine) -> None:
    (machine.bin / "refuse-all").touch()
    result = machine.run({"mtu": 1400}, activate="always")
    assert "but the engine does not start with that either" in result["msg"]


def test_a_run_that_was_cut_off_is_finished_by_the_next(machine: Machine) -> None:
    machine.run({"mtu": 1400})
    assert machine.verbs() == []
    result = machine.run({"mtu": 1400}, activate="always")
    assert result["changed"]
    assert result["plan"][0]["reason"] == "written by an earlier run, not loaded by the engine yet"
    assert machine.verbs() == ["restart"]
    assert not machine.run({"mtu": 1400}, activate="always")["changed"]


def test_what_is_pending_is_no_change_without_activate(machine: Machine) -> None:
    machine.run({"mtu": 1400})
    result = machine.run({"mtu": 1400})
    assert (result["changed"], result["cost"]) == (False, "restarts engine")


def test_a_reload_key_after_a_pending_restart_restarts(machine: Machine) -> None:
    machine.run({"mtu": 1400})
    assert machine.run({"debug": True}, activate="always")["cost"] == "restarts engine"
    assert machine.verbs() == ["restart"]


def test_an_engine_that_was_restarted_by_hand_has_nothing_pending(machine: Machine) -> None:
    machine.run({"mtu": 1400})
    (machine.bin / "invocation").write_text("second")
    assert not machine.run({"mtu": 1400}, activate="always")["changed"]
    assert machine.verbs() == []


def test_a_node_in_a_swarm(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "data/swarm").mkdir(parents=True)
    (tmp_path / "data/swarm/docker-state.json").touch()
    machine.write(json.dumps({"data-root": str(tmp_path / "data")}))
    result = machine.run({"mtu": 1400}, check=True)
    assert result["in_swarm"]
    assert "[restarts engine of a node in a swarm]" in result["diff"]["prepared"]
    assert "an engine in a swarm can't use it" in machine.run({"live-restore": True})["msg"]


def test_a_node_in_a_swarm_whose_data_root_is_a_flag(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "data/swarm").mkdir(parents=True)
    (tmp_path / "data/swarm/docker-state.json").touch()
    machine.set(flags=f"-H fd:// --data-root {tmp_path / 'data'}")
    result = machine.run({"mtu": 1400}, activate="outside_swarm")
    assert (result["in_swarm"], result["pending"], machine.verbs()) == (True, "restarts engine", [])


def test_a_restart_in_a_swarm_is_left_to_a_later_call(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "data/swarm").mkdir(parents=True)
    (tmp_path / "data/swarm/docker-state.json").touch()
    text = json.dumps({"data-root": str(tmp_path / "data")})
    machine.write(text)
    shown = machine.run({"mtu": 1400}, activate="outside_swarm", check=True)
    assert (shown["changed"], shown["pending"]) == (True, "restarts engine")
    result = machine.run({"mtu": 1400}, activate="outside_swarm")
    assert (result["changed"], result["cost"], result["pending"]) == (False, "restarts engine", "restarts engine")
    assert (machine.config.read_text(), machine.files(), machine.verbs()) == (text, ["daemon.json"], [])
    last = machine.run({"mtu": 1400}, activate="always")
    assert (last["changed"], last["pending"], machine.verbs()) == (True, "nothing", ["restart"])
    assert not machine.run({"mtu": 1400}, activate="outside_swarm")["changed"]
    assert machine.run({"debug": True}, activate="outside_swarm")["pending"] == "nothing"
    assert machine.verbs() == ["restart", "reload"]


def test_what_comes_back_is_the_file_that_the_engine_has_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", itertools.count(1000).__next__)  # it makes the names of backups differ
    machine.write('{"mtu": 1300}')
    machine.run({"bip": "fatal-key"})
    machine.run({"mtu": 1400})
    assert machine.run({"debug": True}, activate="always")["exit_code"] == 1
    assert machine.read() == {"mtu": 1300}
    assert not machine.pending.exists()


def test_a_file_that_is_pending_comes_back_too(machine: Machine) -> None:
    machine.write('{"mtu": 1300}')
    machine.run({"bip": "fatal-key"})
    assert machine.run({}, activate="always")["exit_code"] == 1
    assert machine.read() == {"mtu": 1300}


def test_outside_a_swarm_it_restarts_at_once(machine: Machine) -> None:
    assert machine.run({"mtu": 1400}, activate="outside_swarm")["pending"] == "nothing"
    assert machine.verbs() == ["restart"]


def test_a_bare_host(machine: Machine) -> None:
    for name in ("systemctl", "dockerd", "journalctl"):
        (machine.bin / name).write_text("#!/bin/sh\nexit 127\n")
    result = machine.run({"mtu": 1400}, check=True, activate="always")
    assert (result["exit_code"], result["changed"], result["cost"]) == (0, True, "nothing")


def test_a_directory_that_can_not_be_made(machine: Machine) -> None:
    machine.config.parent.parent.mkdir()
    machine.config.parent.write_text("a file where the directory should be")
    result = machine.run({"mtu": 1400})
    assert result["exit_code"] == 1
    assert str(machine.config) in result["msg"]
    assert "Traceback" not in result["msg"]


@pytest.mark.parametrize(
    ("function", "code"),
    [("tempfile.mkstemp", errno.EROFS), ("os.fsync", errno.ENOSPC), ("os.replace", errno.EACCES), ("os.chmod", errno.EPERM)],
)
def test_a_disk_that_takes_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch, function: str, code: int) -> None:
    def refuse(*_args: t.Any, **_kwargs: t.Any) -> t.NoReturn:
        raise OSError(code, os.strerror(code))

    machine.write('{"mtu": 1300}')
    monkeypatch.setattr(function, refuse)
    result = machine.run({"mtu": 1400}, activate="always")
    monkeypatch.undo()
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert os.strerror(code) in result["msg"]
    assert str(machine.config) in result["msg"]
    assert machine.read() == {"mtu": 1300}
    assert [name for name in machine.files() if not name.endswith("~")] == ["daemon.json"]
    assert machine.verbs() == []
