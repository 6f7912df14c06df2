# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of ours in which somebody wrote something else: no defect, nothing that blocks for ever."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.surge import MARK
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.session import Session
from ansible_collections.flotilla.swarm.plugins.module_utils._core.timestamps import read_time
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.lock import LEASE_SECONDS, LockedError, Locks
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.modules import image, job, network, nodes, prune, service, stack, stack_info, swarm_info
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, config, node
from fake_engine import service as a_service
from hypothesis import example, given, settings
from hypothesis import strategies as st
from module_runner import run_module_main

Json = dict[str, t.Any]
OURS = "io.flotilla.swarm"
APP = {"com.docker.stack.namespace": "app"}


def labels_of_lock(**given: str) -> Json:
    return {f"{OURS}.lock": "app", f"{OURS}.lock.holder": "x", **{f"{OURS}.lock.{name}": text for name, text in given.items()}}


@pytest.mark.parametrize("run", ["", "soon", "nan"])
@pytest.mark.parametrize("written", ["", "yesterday", "nan"])
def test_a_lock_that_nobody_can_read_ends_a_lease_after_it_is_looked_at(
    fake_engine: t.Callable[..., FakeEngine], run: str, written: str
) -> None:
    made = config("lock.app", labels=labels_of_lock(until="1e308", since="nan", run=run))
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], configs=[made])
    (lock,) = fake.cluster.configs.values()
    clock = Clock()
    clock.swarms.append(fake)
    locks = Locks(Engine.connect(fake.docker_host), ["app"], Session(holder="me", run="mine"), clock)
    with pytest.raises(
        LockedError, match=r"stack app is being deployed by x since .*its lock ends in \d+ s at most, or remove the config lock.app"
    ):
        locks.hold()
    clock.sleep(LEASE_SECONDS + 1)
    locks.hold()
    assert lock["ID"] not in fake.cluster.configs


GARBAGE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(["", "nan", "-inf", "1e999", "null", "[]", "{}", "7", "²", "true", "{", '{"placement": 1}', "[" * 5000]),
    st.builds(json.dumps, st.dictionaries(st.sampled_from(["placement", "update_config", "x"]), st.sampled_from([None, 1, "x", [], {}]))),
)
STACK = "services: {web: {image: web, configs: [c]}}\nconfigs: {c: {content: x}}"


@settings(max_examples=10, deadline=None)
@given(text=GARBAGE)
@example(text="soon")
@example(text="{")
def test_garbage_in_any_label_of_ours(text: str) -> None:
    model = load_stack(content=STACK, env={}, project_dir="/").model
    mine = {**APP, "com.docker.stack.image": text, f"{OURS}.run_id": text, MARK: text}
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        clock.now = read_time("2027-01-01T00:00:00Z")  # long after the swarm of the fake
        patch.setattr(deployment, "time", clock)
        patch.setattr(time, "sleep", lambda _seconds: None)
        fake = FakeEngine(
            nodes=[
                node("m1", role="manager", leader=True),
                node("w1", availability="drain", labels={"flotilla.availability": text, f"{OURS}.turn": text}),
                node("w2"),
            ],
            configs=[
                config("lock.app", labels=labels_of_lock(until=text, since=text)),
                config("lock.job", labels={f"{OURS}.lock": text, f"{OURS}.lock.until": text}),
                config("app_c", labels={**APP, f"{OURS}.key": text}),
            ],
            services=[
                a_service("app_web", replicas=2, labels=mine),
                a_service("left", mode="replicated-job", labels={f"{OURS}.job": text}),
            ],
            images={"local": {"Config": {"Labels": {f"{OURS}.context": text}}}},
        )
        try:
            fake.settle()
            fake.cluster.now += 3600  # long after the locks were written
            for module, options in (
                (stack_info, {}),
                (swarm_info, {"tasks": True}),
                (nodes, {"availability": {"w1": "previous"}, "surge": "all"}),
                (nodes, {"availability": {"w2": "drain"}, "surge": "all"}),
                (service, {"restart": {}, "name": ["app_web"]}),
                (stack, {"name": "app", "model": json.dumps({"model": model})}),
                (stack, {"name": "app", "state": "absent"}),
                (job, {"like": "app_web", "command": ["true"]}),
                (network, {"networks": [{"name": "n"}]}),
                (prune, {}),
                (image, {"images": [{"name": "local"}]}),
            ):
                result = run_module_main(module.main, {"docker_host": fake.docker_host, **options})
                assert "defect" not in result.get("msg", ""), (module.__name__, result["msg"])
                if module is nodes:
                    assert not result.get("failed"), result["msg"]
        finally:
            fake.close()


def test_a_mark_that_nobody_can_read_is_told(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True), node("w1")], services=[a_service("web", labels={MARK: "{"})])
    result = run_module_main(nodes.main, {"docker_host": fake.docker_host, "availability": {"w1": "drain"}, "surge": "all"}, check=True)
    assert any("service web" in warning and MARK in warning for warning in result["warnings"]), result
