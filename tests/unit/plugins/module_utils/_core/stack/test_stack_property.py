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

Json = dict[str, t.Any]

KEYS = st.sampled_from(["a", "b", "c", "d"])
WORDS = st.text("abc123", min_size=1, max_size=3)


def subset(values: list[t.Any], most: int = 3) -> st.SearchStrategy[list[t.Any]]:
    return st.lists(st.sampled_from(values), unique_by=str, max_size=most)


DEPLOY = st.fixed_dictionaries(
    {"mode": st.sampled_from(["replicated", "replicated", "global"])},
    optional={
        "labels": st.dictionaries(KEYS, WORDS),
        "placement": st.fixed_dictionaries(
            {"constraints": subset(["node.role == manager", "node.labels.x != y", "node.platform.os==linux"])}
        ),
        "resources": st.fixed_dictionaries({"limits": st.fixed_dictionaries({"memory": st.sampled_from(["64M", "1G"])})}),
        "update_config": st.fixed_dictionaries({"parallelism": st.integers(0, 3), "order": st.sampled_from(["start-first", "stop-first"])}),
        "restart_policy": st.fixed_dictionaries({"condition": st.just("any"), "delay": st.sampled_from(["1s", "5s"])}),
    },
)
SERVICE = st.fixed_dictionaries(
    {"image": st.sampled_from(["x:1", "x:2", "y"]), "deploy": DEPLOY},
    optional={
        "environment": st.dictionaries(KEYS, st.none() | WORDS | st.just("")),
        "command": WORDS,
        "networks": subset(["n1", "n2"]),
        "secrets": subset(["s1", "s2"]),
        "configs": subset(["c1", "c2"]),
        "volumes": subset(["v:/a", "/tmp:/b", "/c"]),
        "ports": subset([{"target": 80, "published": 0, "mode": "ingress"}, {"target": 81, "mode": "host"}]),
        "extra_hosts": subset(["h1:1.1.1.1", "h2:2.2.2.2"]),
        "healthcheck": st.fixed_dictionaries({"test": st.just("true"), "interval": st.sampled_from(["5s", "10s"])}),
        "init": st.booleans(),
        "stop_grace_period": st.sampled_from(["1s", "10s"]),
        "cap_add": subset(["NET_ADMIN", "SYS_TIME"]),
    },
)
STACK = st.builds(
    lambda services, contents: {
        "services": services,
        "networks": {"n1": {}, "n2": {}},
        "volumes": {"v": {}},
        "secrets": {name: {"environment": name} for name in ("s1", "s2")},
        "configs": {name: {"content": contents[name]} for name in ("c1", "c2")},
        "_env": {name: contents[name] for name in ("s1", "s2")},
    },
    st.dictionaries(KEYS, SERVICE, min_size=1),
    st.fixed_dictionaries({name: st.sampled_from(["1", "2"]) for name in ("s1", "s2", "c1", "c2")}),
)


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
