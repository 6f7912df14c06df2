# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published port goes from one service to another on real engines, which let no two services have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.stack import address, deploy, look

PORT = 8093


def put(*arguments: str, command: str = "sleep 900", **published: list[int]) -> Run:
    """The stack ``ports`` with services that publish these ports."""
    common = {"image": f"{address('m1')}:5000/busybox:1", "command": command, "stop_grace_period": "1s"}
    services = {name: {**common, "ports": [f"{port}:80" for port in ports]} for name, ports in published.items()}
    content = json.dumps({"services": services})
    return deploy(*arguments, stacks=[{"name": "ports", "content": content, "prune": True}])


def holders() -> dict[str, list[int]]:
    """The ports that the stack's services publish."""
    found: dict[str, Any] = {name: service["spec"] for name, service in look()["services"].items() if name.startswith("ports_")}
    return {name: sorted(port["PublishedPort"] for port in spec.get("EndpointSpec", {}).get("Ports") or []) for name, spec in found.items()}


@pytest.fixture(autouse=True)
def removed() -> Iterator[None]:
    yield
    assert deploy(stacks=[{"name": "ports", "state": "absent"}]).rc == 0


def test_a_service_under_another_name_gets_the_port_of_the_one_before() -> None:
    assert put(zoo=[PORT]).rc == 0
    planned = put("--check", ant=[PORT])
    assert (planned.rc, holders()) == (0, {"ports_zoo": [PORT]}) and any(planned.changed.values()), planned.out
    failed = put(ant=[PORT], command="false")
    assert failed.rc != 0 and "ports_ant failed" in failed.text and holders() == {"ports_zoo": [PORT]}, failed.out
    moved = put(ant=[PORT])
    assert (moved.rc, holders()) == (0, {"ports_ant": [PORT]}), moved.out
    assert not any(put(ant=[PORT]).changed.values())


def test_a_port_moves_between_two_services_that_stay() -> None:
    assert put(ant=[PORT], zoo=[PORT + 1]).rc == 0
    moved = put(ant=[PORT + 2], zoo=[PORT + 1, PORT])
    assert (moved.rc, holders()) == (0, {"ports_ant": [PORT + 2], "ports_zoo": [PORT, PORT + 1]}), moved.out
    back = put(ant=[PORT], zoo=[PORT + 1])
    assert (back.rc, holders()) == (0, {"ports_ant": [PORT], "ports_zoo": [PORT + 1]}), back.out
    swapped = put(ant=[PORT + 1], zoo=[PORT])
    assert swapped.rc != 0 and "move in a cycle" in swapped.text and holders() == {"ports_ant": [PORT], "ports_zoo": [PORT + 1]}
