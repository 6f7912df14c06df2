# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The printed stack says what its files say."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose import render as rendering
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.render import render
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.units import (
    cpus_text,
    duration_ns,
    duration_text,
    nano_cpus,
    size_bytes,
    size_text,
)
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.yaml_reader import read_yaml
from corpus import CORPUS, MISSING, Case, find_cases
from hypothesis import given
from hypothesis import strategies as st

Json = dict[str, t.Any]
SECRET = "geheim-4711"


def without_data(model: Json) -> Json:
    model = copy.deepcopy(model)
    for section in ("secrets", "configs"):
        for item in model.get(section, {}).values():
            item.pop("content", None)
    return {section: items for section, items in model.items() if items}


@pytest.mark.skipif(not CORPUS.is_dir(), reason=MISSING)
@pytest.mark.parametrize("case", [case for case in find_cases() if not case.rejected], ids=lambda case: case.name)
def test_it_loads_to_the_same_stack(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "redact", lambda _path, value, _shown: value)
    model = load_stack(case.files, env=case.env, undefined="blank", profiles=["*"]).model
    data = read_yaml(render(model), "rendered").data
    for item in data.get("secrets", {}).values():  # no file holds a secret itself
        if item.pop("content", None):
            item["environment"] = "DATA"
    folder = str(Path(case.files[0]).parent)
    again = load_stack(content=json.dumps(data), project_dir=folder, env={"DATA": "x"}, profiles=["*"]).model
    assert without_data(json.loads(json.dumps(again))) == without_data(json.loads(json.dumps(model)))


def test_it_is_read_by_people_and_tells_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    base = f"""
        services:
          web:
            image: web:${{TAG}}
            command: [serve, --token={SECRET}]
            environment: {{PASSWORD: {SECRET}, PRICE: 5$$, WORD: "yes", NUMBER: "1e3", NODE: "{{{{.Node.Hostname}}}}"}}
            extra_hosts: ["db:10.0.0.5"]
            stop_grace_period: 90s
            secrets: [key]
            deploy: {{resources: {{limits: {{cpus: "1.50", memory: 512M}}}}}}
        secrets: {{key: {{file: ./key}}}}
        volumes: {{data: {{driver_opts: {{type: cifs, o: "username=u,password={SECRET}"}}}}}}
        """
    over = "services: {web: {deploy: {replicas: 3}}}"
    loaded = load_stack(content=[base, over], project_dir=str(tmp_path), env={"TAG": "42"})
    text = render(loaded.model, ["PRICE", "WORD", "NUMBER", "NODE", "PASSWORD"])
    assert SECRET not in text
    for line in (
        "image: web:42",
        "replicas: 3",
        "PRICE: 5$$",
        "WORD: 'yes'",
        "NUMBER: '1e3'",
        "NODE: '{{.Node.Hostname}}'",
        "- db=10.0.0.5",
        "stop_grace_period: 1m30s",
        "cpus: '1.5'",
        "memory: 512m",
        "PASSWORD: (hidden)",
        "content: (hidden)",
        "o: username=(hidden),password=(hidden)",
    ):
        assert line in text, text
    assert "PRICE: (hidden)" in render(loaded.model)


@given(st.integers(0, 2**63 - 1))
def test_units_are_read_as_they_are_written(number: int) -> None:
    assert duration_ns(duration_text(number)) == number
    assert duration_ns(duration_text(-number)) == -number
    assert size_bytes(size_text(number)) == number
    assert nano_cpus(cpus_text(number)) == number
