# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of bind mounts are paths of the nodes, whatever the controller keeps them under."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

STACK = """
include: [{path: part/part.yml, project_directory: part}]
services:
  a:
    image: i
    volumes: ["./data:/a", "../up:/b", "/abs:/c", "~/home:/d", "named:/e"]
    env_file: vars.env
volumes: {named: {}}
"""
PART = "services: {b: {image: i, volumes: [./more:/a]}}"


def sources(bind_dir: str | None) -> dict[str, list[str]]:
    files = {"/ctl/part/part.yml": PART.encode(), "/ctl/vars.env": b"A=1"}
    model = load_stack(content=STACK, project_dir="/ctl", bind_dir=bind_dir, env={"HOME": "/home/me"}, read=files.__getitem__).model
    return {name: [m["source"] for m in service["volumes"]] for name, service in model["services"].items()}


def test_relative_sources_start_on_the_nodes() -> None:
    assert sources("/srv/app") == {
        "a": ["/srv/app/data", "/srv/up", "/abs", "/home/me/home", "named"],
        "b": ["/srv/app/part/more"],
    }


def test_without_it_they_start_where_the_controller_has_the_file() -> None:
    assert sources(None)["a"][:2] == ["/ctl/data", "/up"]
    assert sources(None)["b"] == ["/ctl/part/more"]


def test_a_relative_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="stack s: project_dir is 'srv/app', expected an absolute path of the nodes"):
        load_model({"name": "s", "content": "services: {a: {image: i}}", "project_dir": "srv/app"}, [tmp_path])
