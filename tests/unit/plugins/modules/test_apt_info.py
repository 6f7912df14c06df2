# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module makes of apt's answers; test_apt_cache asks the library itself."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.apt_cache import Unavailable
from ansible_collections.flotilla.swarm.plugins.modules import apt_info
from module_runner import run_module_main


def change(name: str, after: str) -> dict[str, str]:
    return {"name": name, "action": "upgrade", "before": "1", "after": after}


class Cache:
    def install(self, wanted: list[str], newest: bool) -> list[dict[str, str]]:
        if "nix" in wanted:
            raise Unavailable("apt has no package nix")
        return [change("engine", "2" if newest else "3")] * bool(wanted)

    def upgrade(self) -> list[dict[str, str]]:
        return [change("bash", "5"), change("engine", "9")]


@pytest.mark.parametrize(
    ("given", "changes", "problem"),
    [
        ({}, [], ""),
        ({"packages": ["engine"]}, [change("engine", "3")], ""),
        ({"packages": ["engine"], "state": "latest"}, [change("engine", "2")], ""),
        ({"packages": ["engine"], "upgrade_system": True}, [change("bash", "5"), change("engine", "3")], ""),
        ({"packages": ["nix"], "upgrade_system": True}, [], "apt has no package nix"),
    ],
)
def test_answers(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], changes: list[dict[str, str]], problem: str) -> None:
    monkeypatch.setattr(apt_info, "AptCache", Cache)
    result = run_module_main(apt_info.main, given, check=True)
    assert (result["changes"], result["problem"], result["changed"]) == (changes, problem, False)


def test_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apt_pkg", None)
    assert "Install python3-apt." in run_module_main(apt_info.main, {})["msg"]


def test_sources_that_can_not_be_reached_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        port = here.getsockname()[1]
        sources = [f"http://127.0.0.1:{port}/debian", "https://mirror.invalid/debian", "file:/srv/newer", "http://u:secret@127.0.0.1:1/x"]
        monkeypatch.setattr(Cache, "sources", lambda _self: sources, raising=False)
        monkeypatch.setattr(apt_info, "AptCache", Cache)
        result = run_module_main(apt_info.main, {"check_sources": True})
    refused, unknown = result["unreached"]
    assert refused == "127.0.0.1 could not be reached at port 1 (Connection refused)"
    assert unknown.startswith("mirror.invalid could not be resolved (")
    assert "unreached" not in run_module_main(apt_info.main, {})
