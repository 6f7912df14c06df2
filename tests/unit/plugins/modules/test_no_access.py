# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that can't be asked is never taken for one that has nothing, in check mode either."""

from __future__ import annotations

import json
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import bare
from ansible_collections.flotilla.swarm.plugins.module_utils._io import engine, member
from ansible_collections.flotilla.swarm.plugins.modules import image, network, nodes, service, stack, swarm, swarm_info, volume
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from module_runner import run_module_main

Json = dict[str, t.Any]
MODEL = load_stack(content="services: {web: {image: web}}", env={}, project_dir="/").model
MANAGERS = [{"item": "m1", "state": "no engine"}]
MODULES: list[tuple[t.Any, Json]] = [
    (stack, {"name": "app", "model": json.dumps({"model": MODEL})}),
    (stack, {"name": "app", "state": "absent"}),
    (service, {"restart": {}, "name": ["*"]}),
    (network, {"networks": [{"name": "n"}]}),
    (nodes, {"labels": {"w1": {"a": 1}}}),
    (swarm, {"host": "m1", "role": "manager", "managers": MANAGERS}),
    (swarm, {"state": "absent", "force": True, "confirm": "mine", "swarm_name": "mine"}),
    (volume, {"volumes": [{"name": "v"}]}),
    (image, {"images": [{"name": "r:5000/app", "context": "app", "context_hash": f"sha256:{'a' * 64}"}]}),
]


@pytest.fixture(params=["another address", "a dead host", "a socket that refuses", "an engine that is stopped", "no SDK"])
def no_access(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an engine that is there, or may be, and does not answer."""
    place = tmp_path / "docker.sock"
    address = f"unix://{place}"
    if request.param == "another address":
        return address
    if request.param == "a dead host":
        return "ssh://root@127.0.0.1:1"
    monkeypatch.setattr(bare, "DEFAULT_ADDRESSES", (address,))
    monkeypatch.setattr(member, "SIGNS", (str(place),))
    if request.param == "an engine that is stopped":
        place.touch()
        return address
    with socket.socket(socket.AF_UNIX) as left:  # nobody listens any more
        left.bind(str(place))
    if request.param == "no SDK":
        monkeypatch.setattr(engine, "SDK_PROBLEM", "No module named 'docker'")
    return address


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("module", "options"), MODULES)
def test_without_access_is_an_error(no_access: str, module: t.Any, options: Json, check: bool) -> None:
    result = run_module_main(module.main, {"docker_host": no_access, **options}, check=check)
    assert (result["exit_code"], f"connecting to the engine at {no_access}" in result["msg"]) == (1, True)


def test_it_has_a_state_of_its_own(no_access: str) -> None:
    assert run_module_main(swarm_info.main, {"docker_host": no_access})["state"] == "unreachable"


@pytest.mark.parametrize(("module", "options"), MODULES)
def test_check_mode_predicts_a_bare_host(bare_host: str, module: t.Any, options: Json) -> None:
    result = run_module_main(module.main, {"docker_host": bare_host, **options}, check=True)
    assert result["exit_code"] == 0, result["msg"]


@pytest.mark.parametrize(
    ("address", "found", "expected"),
    [
        ("unix:///var/run/docker.sock", [], True),
        ("unix:///run/docker.sock", [], True),
        ("unix:///var/run/docker.sock", ["/var/run/docker.sock"], False),
        ("unix:///var/run/docker.sock", ["/usr/bin/dockerd"], False),
        ("unix:///var/run/docker.sock", ["/lib/systemd/system/docker.service"], False),
        ("unix:///tmp/none.sock", [], False),
        ("tcp://127.0.0.1:2375", [], False),
        ("ssh://root@m1", [], False),
    ],
)
def test_what_counts_as_no_engine(address: str, found: list[str], expected: bool) -> None:
    assert bare.is_bare(address, found) is expected
    assert set(found) <= set(bare.SIGNS)
