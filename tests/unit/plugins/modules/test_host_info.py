# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import exposure as exposure_probe
from ansible_collections.flotilla.swarm.plugins.module_utils._io import host as host_io
from ansible_collections.flotilla.swarm.plugins.modules import host_info
from module_runner import run_module_main

COMMANDS = {
    "dockerd": "echo 'Docker version 26.1.5, build x'",
    "dpkg-query": "echo 'bash 5.2 install installed'; echo 'no packages found matching nix' >&2; exit 1",
    "systemctl": "echo 'Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled'",
    "ip": "echo '2: eth0    inet 10.1.1.1/24 scope global eth0'",
}


@pytest.fixture(autouse=True)
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in COMMANDS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_this_host(tmp_path: Path) -> None:
    args = {"packages": ["bash", "nix"], "units": ["a.service"], "asked_at": time.time(), "data_root": str(tmp_path / "a/b")}
    result = run_module_main(host_info.main, args, check=True)
    host = result["host"]
    assert result["packages"] == {"bash": {"version": "5.2", "hold": False}}
    assert result["units"] == {"a.service": {"active": True, "enabled": True}}
    assert (host["engine"], host["addresses"], host["python"]) == ("26.1", ["10.1.1.1"], platform.python_version())
    assert host["root"] is (os.geteuid() == 0)
    assert host["memory_mb"] > 0
    assert host["disk_free_mb"] > 0
    assert host["disk_free_inodes_percent"] is None or 0 <= host["disk_free_inodes_percent"] <= 100
    assert host["asked_at"] <= host["time"] <= time.time()
    assert not result["changed"]


def test_a_plan_without_root_says_what_it_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    for uid, check, told in ((1000, True, True), (1000, False, False), (0, True, False)):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        warnings = run_module_main(host_info.main, {}, check=check)["warnings"]
        assert any("don't run as root" in warning for warning in warnings) == told


def test_packages_of_el(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rpm").write_text(
        "#!/bin/sh\necho 'docker-ce 29.1.3-1.el9 install installed'; echo 'package nix is not installed'; exit 1\n"
    )
    (tmp_path / "rpm").chmod(0o755)
    find = host_io.Host.find_command
    monkeypatch.setattr(host_io.Host, "find_command", lambda host, name: None if name == "dpkg-query" else find(host, name))
    result = run_module_main(host_info.main, {"packages": ["docker-ce", "nix"]})
    assert result["packages"] == {"docker-ce": {"version": "29.1.3-1.el9", "hold": False}}


@pytest.mark.parametrize(("text", "live_restore"), [('{"live-restore": true}', True), ("{}", False), ("{", False), (None, False)])
def test_live_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, live_restore: bool) -> None:
    file = tmp_path / "daemon.json"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(exposure_probe, "DAEMON_JSON", str(file))
    assert run_module_main(host_info.main, {})["host"]["live_restore"] is live_restore


def look(tmp_path: Path, **args: Any) -> dict[str, Any]:
    return dict(run_module_main(host_info.main, {"data_root": str(tmp_path), **args})["host"])


@pytest.mark.parametrize(
    ("args", "address", "problem"),
    [
        ({}, "10.1.1.1", ""),
        ({"peers": ["127.0.0.1"]}, "10.1.1.1", ""),
        ({"advertise_addr": "eth0"}, "10.1.1.1", ""),
        ({"advertise_addr": "192.0.2.7:2377"}, "192.0.2.7", ""),
        ({"advertise_addr": "127.0.0.1", "peers": ["m2"]}, "10.1.1.1", "advertise_addr: 127.0.0.1 is a loopback address"),
        ({"advertise_addr": "eth7"}, "10.1.1.1", "advertise_addr: this host has no interface eth7"),
        ({"advertise_addr": "203.0.113.0/24"}, "10.1.1.1", "advertise_addr: this host has no address in 203.0.113.0/24"),
    ],
)
def test_the_address_for_the_others(tmp_path: Path, args: dict[str, Any], address: str, problem: str) -> None:
    host = look(tmp_path, **args)
    assert (host["address"], host["data_path_address"], host["member"]) == (address, address, False)
    assert host["address_problem"].startswith(problem) and bool(host["address_problem"]) == bool(problem) == bool(host["address_cure"])
    assert host["address_problem"].endswith("; it has 10.1.1.1 on eth0") == bool(problem), "the candidates"


def test_two_networks(tmp_path: Path) -> None:
    host = look(tmp_path, advertise_addr="192.0.2.7", data_path_addr="eth0")
    assert (host["address"], host["data_path_address"]) == ("192.0.2.7", "10.1.1.1")


def test_in_a_swarm_the_address_is_the_one_that_it_has_there(tmp_path: Path) -> None:
    (tmp_path / "swarm").mkdir()
    (tmp_path / "swarm/docker-state.json").write_text('{"LocalAddr": "10.7.0.1", "DataPathPort": 4800}')
    host = look(tmp_path, advertise_addr="192.0.2.7")
    assert (host["address"], host["data_path_port"], host["member"]) == ("10.7.0.1", 4800, True)


def test_the_kernel_and_the_sdk(tmp_path: Path) -> None:
    host = look(tmp_path, kernel_modules=["no_such_module"])
    assert host["kernel_modules"]["no_such_module"] in (False, None)
    assert host["sdk"]["docker"] == importlib.metadata.version("docker")
    assert look(tmp_path)["kernel_modules"] == {}


@pytest.mark.parametrize("by", ["file", "flag"])
def test_the_engines_data_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    root, file = tmp_path / "moved", tmp_path / "daemon.json"
    (root / "swarm").mkdir(parents=True)
    (root / "swarm/docker-state.json").write_text('{"LocalAddr": "10.7.0.1"}')
    monkeypatch.setattr(exposure_probe, "DAEMON_JSON", str(file))
    if by == "file":
        file.write_text(json.dumps({"data-root": str(root)}))
    else:
        (tmp_path / "systemctl").write_text(f"#!/bin/sh\necho 'ExecStart={{ argv[]=dockerd --data-root {root} ; }}'\n")
    host = run_module_main(host_info.main, {})["host"]
    assert (host["member"], host["address"]) == (True, "10.7.0.1")
