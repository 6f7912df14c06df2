# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for every unit test."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import bare
from ansible_collections.flotilla.swarm.plugins.module_utils._io import member
from fake_engine import FakeEngine
from image_builder import Builder


@pytest.fixture
def fake_engine() -> t.Iterator[t.Callable[..., FakeEngine]]:
    """A factory of fake engines, closed after the test; its arguments are FakeEngine's."""
    made: list[FakeEngine] = []

    def make(**state: t.Any) -> FakeEngine:
        made.append(FakeEngine(**state))
        return made[-1]

    yield make
    for fake in made:
        fake.close()


@pytest.fixture
def builder(tmp_path: Path) -> t.Iterator[Builder]:
    """An engine that builds, and its registry."""
    made = Builder(tmp_path)
    yield made
    made.server.close()


@pytest.fixture
def bare_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """The docker_host of a host on which no engine is installed, whatever is on the one that runs the tests."""
    address = "unix:///nonexistent/docker.sock"
    monkeypatch.setattr(bare, "DEFAULT_ADDRESSES", (address,))
    monkeypatch.setattr(member, "SIGNS", ())
    return address


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the summary of `make test` that the tests on nodes did not run, and why (tests/on_nodes.sh)."""
    reason = Path(__file__).parents[2] / ".cache/no-nodes.txt"
    if reason.exists():
        terminalreporter.section("tests on nodes were skipped: this machine cannot hold nodes")
        terminalreporter.write_line(reason.read_text().strip())
