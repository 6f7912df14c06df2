# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack files with known answers, from the task to the requests: both halves of the module, against a recording engine.

FLOTILLA_SHUFFLES is how often each file is shuffled, once unless set.
"""

from __future__ import annotations

import json
import os
import random
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.action import stack as action
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.yaml_reader import read_yaml
from corpus import CORPUS, MISSING, TAKEN, Case, by_name, find_cases, outside
from fake_engine import FakeEngine, node
from module_runner import run_module_main

Json = dict[str, t.Any]
# Words of a command, servers that are asked in turn, files and variables of which the later ones win.
ORDERED = {"command", "entrypoint", "test", "dns", "dns_search", "env_file", "preferences"}
SHUFFLES = int(os.environ.get("FLOTILLA_SHUFFLES", "1"))
OPTIONS = {"undefined": "blank", "content_names": False, "resolve_image": "never", "wait": False}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=MISSING)


def run(case: Case, fake: FakeEngine, check: bool = False) -> Json:
    """What the task gives. Raises AnsibleActionFail where the files are refused."""
    loader = DataLoader()
    task = Task()
    task.args = {"name": case.stack, "files": list(case.files), "env": dict(case.env), "docker_host": fake.docker_host, **OPTIONS}
    task.check_mode = check
    plugin = action.ActionModule(task, mock.Mock(), mock.Mock(), loader, Templar(loader), None)
    plugin._display = mock.Mock()

    def execute(module_args: Json, **_more: t.Any) -> Json:
        return run_module_main(stack.main, module_args, check=check)

    with mock.patch.object(plugin, "_execute_module", execute):
        result: Json = plugin.run(task_vars={})
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.parametrize("case", find_cases(), ids=lambda case: case.name)
def test_a_task_asks_the_engine_for_what_the_cli_asks_for(case: Case, fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], **outside(case))
    if case.rejected:
        if case.name not in TAKEN:
            with pytest.raises(AnsibleActionFail) as error:
                run(case, fake)
            assert str(Path(case.files[0]).parent) in str(error.value)
        assert not fake.writes
        return
    run(case, fake)
    created = [request.body for request in fake.writes if request.path.endswith("/create") and request.body["Name"] != f"lock.{case.stack}"]
    assert by_name(named(created, fake)) == case.expected
    fake.forget()
    again = run(case, fake)
    assert not again["changed"] and not fake.writes


@pytest.mark.parametrize("seed", range(SHUFFLES))
@pytest.mark.parametrize("case", [case for case in find_cases() if not case.rejected], ids=lambda case: case.name)
def test_the_order_of_lists_and_keys_means_nothing(case: Case, seed: int, fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], **outside(case))
    run(case, fake)
    fake.forget()
    chance = random.Random(seed)
    texts = [json.dumps(shuffled(read_yaml(Path(file).read_text(), file).data, chance)) for file in case.files]
    folder = str(Path(case.files[0]).parent)
    model = load_stack(content=texts, project_dir=folder, env=case.env, undefined="blank").model
    options = {"name": case.stack, "model": json.dumps({"model": model}), "docker_host": fake.docker_host, **OPTIONS}
    del options["undefined"]
    assert run_module_main(stack.main, options, diff=True)["plan"] == [] and not fake.writes


def shuffled(value: t.Any, chance: random.Random, key: str = "") -> t.Any:
    if isinstance(value, dict):
        items = [(name, shuffled(item, chance, name)) for name, item in value.items()]
        return dict(chance.sample(items, len(items)))
    if not isinstance(value, list):
        return value
    names = [str(item).partition("=")[0] for item in value]
    if key in ORDERED or (key == "environment" and len(set(names)) < len(names)):
        return value
    return chance.sample([shuffled(item, chance) for item in value], len(value))


def named(bodies: list[Json], fake: FakeEngine) -> list[Json]:
    """With the names of networks, which services are sent with the IDs of."""
    names = {item["Id"]: item["Name"] for item in fake.cluster.networks.values()}
    for body in bodies:
        for attachment in body.get("TaskTemplate", {}).get("Networks", []):
            attachment["Target"] = names.get(attachment["Target"], attachment["Target"])
    return bodies
