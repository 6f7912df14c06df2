# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any two stacks: the plan is what the run does, and after it there is nothing to do."""

from __future__ import annotations

import json
import random
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, node
from hypothesis import given, settings
from hypothesis import strategies as st
from module_runner import run_module_main
from random_stacks import STACK

Json = dict[str, t.Any]


def run(fake: FakeEngine, wanted: Json, check: bool = False, **options: t.Any) -> Json:
    document = {key: value for key, value in wanted.items() if key != "_env"}
    model = load_stack(content=json.dumps(document), env=wanted["_env"], project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), "resolve_image": "never"}
    result = run_module_main(stack.main, {**given, **options}, check=check, diff=True)
    assert not result.get("failed"), result["msg"]
    return result


def shuffled(value: t.Any, chance: random.Random) -> t.Any:
    """The same document with every list and mapping in another order; commands have an order that matters."""
    if isinstance(value, dict):
        items = [(key, item if key in ("command", "test") else shuffled(item, chance)) for key, item in value.items()]
        return dict(chance.sample(items, len(items)))
    return chance.sample(value, len(value)) if isinstance(value, list) else value


@settings(max_examples=settings().max_examples // 2)  # 50, thoroughly 1000
@given(before=STACK, after=STACK, prune=st.booleans(), keep=st.integers(0, 2), seed=st.integers())
def test_the_plan_is_what_the_run_does_and_nothing_is_left(before: Json, after: Json, prune: bool, keep: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch, FakeEngine(nodes=[node("m1", role="manager", leader=True), node("w1")]) as fake:
        patch.setattr(deployment, "time", Clock())
        run(fake, before)
        fake.forget()
        options: Json = {"prune": prune, "keep_versions": keep}
        planned = run(fake, after, check=True, **options)
        assert not fake.writes
        done = run(fake, after, **options)
        assert done["plan"] == planned["plan"] and done["diff"] == planned["diff"]
        writes = [request for request in fake.writes if "lock.app" not in str(request.body)]
        assert bool(writes) == done["changed"]
        fake.forget()
        again = run(fake, shuffled(after, random.Random(seed)), **options)
        assert again["plan"] == [] and not again["changed"] and not fake.writes
