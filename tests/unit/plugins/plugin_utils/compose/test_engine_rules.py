# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the engine: what we say of what breaks each of them, and that we say nothing of what keeps them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose import load
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.check import broken_rules
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.object_rules import DATA, NETWORK, VOLUME
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.rule import Rule
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.service_rules import SERVICE

from tests.engine_cases import REFUSED, TAKEN, WARNED, Case

ENV = {"SECRET": "hunter2"}
RULES = (*SERVICE, *NETWORK, *VOLUME, *DATA)
ROOT = Path(__file__).parents[5]


def warnings(case: Case, *silence: str) -> list[str]:
    return list(load_stack(content=case.stack(), project_dir="/stack", env=ENV, silence=silence).warnings)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_the_engine_refuses_is_refused_with_place_and_cure(case: Case) -> None:
    with pytest.raises(ComposeError) as caught:
        warnings(case)
    assert case.message in str(caught.value) and re.match(r"content:\d+: [a-z]+\.", str(caught.value))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("case", WARNED, ids=str)
def test_what_has_another_effect_than_meant_is_said(case: Case) -> None:
    (warning,) = warnings(case)
    assert warning.startswith("content: ") and case.message in warning
    word = warning.rpartition("(")[2].rstrip(")")
    assert warnings(case, word) == warnings(case, f"{word}:a") == []
    assert warnings(case, f"{word}:b*") == [warning]
    assert f"| `{word}` |" in (ROOT / "docs/stack-differences.md").read_text()


@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_what_the_engine_takes_is_taken(case: Case) -> None:
    assert warnings(case) == []


def test_each_rule_is_shown_to_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[dict[str, t.Any]] = []

    def keep(model: dict[str, t.Any], *_more: t.Any) -> list[str]:
        models.append(model)
        return []

    monkeypatch.setattr(load, "check_model", keep)
    for case in (*REFUSED, *WARNED):
        warnings(case)
    seen = {id(rule) for model in models for rule, _value, _path in broken_rules(model)}
    assert [rule.where for rule in RULES if id(rule) not in seen] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.where} {rule.source}")
def test_each_rule_has_a_source_and_says_who_refuses_or_why_we_do(rule: Rule) -> None:
    assert rule.source.split()[0] in ("moby", "swarmkit", "runc", "cli", "kernel")
    assert rule.by or rule.stricter


def test_a_rule_names_the_file_that_has_the_value(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text("services:\n  a:\n    image: i\n    healthcheck:\n      test: ['true']\n")
    (tmp_path / "two.yml").write_text("services:\n  a:\n    working_dir: /x\n")
    with pytest.raises(ComposeError, match=r"one\.yml:5: services\.a\.healthcheck\.test: found \['true'\]"):
        load_stack([str(tmp_path / "one.yml"), str(tmp_path / "two.yml")])


def test_networks_that_no_service_uses_are_not_created_and_need_not_be_right() -> None:
    (warning,) = warnings(Case("", "", "networks: {n: {driver: macvlan}}"))
    assert "no service uses this network" in warning
