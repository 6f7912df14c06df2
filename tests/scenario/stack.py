# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying through the public module."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from . import ROOT, Run, Scenario, Seen, finish

_scenario = Scenario()
address, lab, on = _scenario.address, _scenario.lab, _scenario.on
SCENARIO = ROOT / "molecule/stack"
NODES = ("m1", "m2", "m3")


def start(
    *arguments: str,
    stacks: list[dict[str, Any]],
    through: str = "m1",
    registry_auth: list[dict[str, str]] | None = None,
    user: str = "ann",
) -> subprocess.Popen[str]:
    """A deploy by ``user``, whom its lock names."""
    environ = {"REGISTRY_AUTH": json.dumps(registry_auth or []), "LOGNAME": user}
    return _scenario.start("molecule/stack/deploy.yml", *arguments, environ=environ, through=through, stacks=stacks)


def deploy(*arguments: str, **given: Any) -> Run:
    return finish(start(*arguments, **given))


def look(node: str = "m1") -> Seen:
    """What a manager says while the swarm has a leader."""
    seen = _scenario.look(node)
    assert seen["leader"], f"{node} knows of no leader"
    return seen


def requests_since(node: str) -> list[str]:
    """Method and path of each request to the engine of a node since this was last asked: the engines log them."""
    said = on(node, "journalctl -u docker -o cat --cursor-file=/run/flotilla-requests")
    return [line.split('msg="Calling ', 1)[1].split('"')[0] for line in said.splitlines() if 'msg="Calling ' in line]


def specs(seen: Seen) -> dict[str, Any]:
    """Everything that a deploy could have changed, without what counts its requests."""
    return {
        "services": {name: service["spec"] for name, service in seen["services"].items()},
        "configs": seen["configs"],
        "secrets": seen["secrets"],
        "networks": seen["networks"],
    }
