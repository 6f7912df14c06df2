# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.lookup.survey_update import LookupModule
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.survey import read_answers

PARTS = ("image", "environment", "constraints", "mounts")


@pytest.mark.parametrize(
    ("variables", "answers"),
    [
        ({}, {}),
        ({"a_image": "", "a_environment": "{}", "a_constraints": " ", "a_mounts": "[]"}, {}),
        ({"a_image": " nginx:2 ", "image": "other", "a_other": "x"}, {"image": "nginx:2"}),
        ({"a_environment": '{"LEVEL": "debug", "OLD": null}'}, {"environment": {"LEVEL": "debug", "OLD": None}}),
        ({"a_environment": {"LEVEL": "debug"}, "a_mounts": None}, {"environment": {"LEVEL": "debug"}}),
        ({"a_constraints": "node.role == worker, a == b"}, {"constraints": "node.role == worker, a == b"}),
        ({"a_mounts": ' [{"target": "/x"}]'}, {"mounts": [{"target": "/x"}]}),
    ],
)
def test_answers_are_put_together(variables: dict[str, Any], answers: dict[str, Any]) -> None:
    assert read_answers(variables, "a_", PARTS) == answers


@pytest.mark.parametrize("text", ['{"PASSWORD": "hush"', "{PASSWORD: hush}", '["hush",]'])
def test_what_is_no_json_is_told_without_the_text(text: str) -> None:
    with pytest.raises(PlanError, match=r"^a_environment is not JSON\. .*line 1 column") as told:
        read_answers({"a_environment": text}, "a_", PARTS)
    assert "hush" not in str(told.value)


def look_up(**variables: Any) -> Any:
    loader = DataLoader()
    return LookupModule(loader=loader, templar=Templar(loader, variables=variables)).run([], variables)


def test_the_lookup_reads_the_parts_of_an_update() -> None:
    answered = {"update_image": "nginx:2", "update_window": "sunday", "update_update_config": '{"parallelism": 2}'}
    assert look_up(**answered, update_labels="{}") == [{"image": "nginx:2", "update_config": {"parallelism": 2}}]
    assert look_up() == [{}]
    with pytest.raises(AnsibleError, match="update_ports is not JSON"):
        look_up(update_ports="[80:80]")
