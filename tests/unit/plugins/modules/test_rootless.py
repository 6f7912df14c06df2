# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rootless engine is refused by its name, before it makes or joins a swarm whose networks would not work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import swarm
from fake_engine import FakeEngine
from module_runner import CONFIRMED, run_module_main

ALONE: dict[str, Any] = {"host": "m1", "role": "manager", "managers": [{"item": "m1", "state": "inactive"}], "advertise_addr": "10.0.0.1"}


@pytest.mark.parametrize("check", [False, True])
def test_it_is_no_node(fake_engine: Callable[..., FakeEngine], check: bool) -> None:
    fake = fake_engine(info={"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]})
    refused = run_module_main(swarm.main, {"docker_host": fake.docker_host, **ALONE}, check=check)
    assert refused["exit_code"] == 1 and "the engine of m1 is rootless" in refused["msg"] and not fake.writes, refused
    assert "unix:///var/run/docker.sock" in refused["msg"] and refused["msg"].endswith("Nothing was changed.")


def test_it_may_leave(fake_engine: Callable[..., FakeEngine]) -> None:
    fake = fake_engine(info={"SecurityOptions": ["name=rootless"]})
    gone = run_module_main(swarm.main, {"docker_host": fake.docker_host, "state": "absent", **CONFIRMED})
    assert gone["exit_code"] == 0 and not gone["changed"], gone


def test_another_becomes_one(fake_engine: Callable[..., FakeEngine]) -> None:
    fake = fake_engine(info={"SecurityOptions": ["name=seccomp,profile=builtin"]})
    made = run_module_main(swarm.main, {"docker_host": fake.docker_host, **ALONE, "advertise_addr": "fd00::5"})
    assert made["exit_code"] == 0 and made["action"] == "initialise", made
    (request,) = [each for each in fake.writes if each.path == "/swarm/init"]
    assert request.body["AdvertiseAddr"] == "fd00::5"
