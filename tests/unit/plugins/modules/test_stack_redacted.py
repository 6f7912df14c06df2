# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of a stack hides, and that nobody can guess it."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy import deployment
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_clock import Clock
from fake_engine import FakeEngine, node
from module_runner import run_module_main

Json = dict[str, t.Any]
INNOCENT = """
services:
  web:
    image: web:1
    environment: {MODE: "4711"}
    secrets: [pin]
secrets: {pin: {environment: PIN}}
"""


@pytest.fixture
def fake(fake_engine: t.Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(deployment, "time", Clock())
    return fake_engine(nodes=[node("m1", role="manager", leader=True)])


def run(fake: FakeEngine, text: str, check: bool = False, **options: t.Any) -> Json:
    model = load_stack(content=text, env={"PIN": "4711"}, project_dir="/").model
    given = {"docker_host": fake.docker_host, "name": "app", "model": json.dumps({"model": model}), "resolve_image": "never", **options}
    return run_module_main(stack.main, given, check=check, diff=True)


def data_names(fake: FakeEngine) -> list[str]:
    return [item["Spec"]["Name"] for item in fake.cluster.secrets.values()]


def plain_hash(text: str) -> str:
    """What who knows how names were made would try for each PIN."""
    facts = ("app", "pin", base64.b64encode(text.encode()).decode(), "")
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]


def test_innocent_names_are_hidden_and_may_be_shown(fake: FakeEngine) -> None:
    run(fake, INNOCENT)
    changed = INNOCENT.replace("4711", "0815")
    hidden = run(fake, changed, check=True)["plan"]
    assert hidden[0]["fields"] == [{"path": "environment.MODE", "before": "(hidden)", "after": "(hidden, changed)"}]
    shown = run(fake, changed, check=True, show_environment=["MO*"])["plan"]
    assert shown[0]["fields"] == [{"path": "environment.MODE", "before": "4711", "after": "0815"}]


def test_no_content_is_guessed_from_a_name(fake: FakeEngine) -> None:
    run(fake, INNOCENT)
    (name,) = data_names(fake)
    assert name.startswith("app_pin_") and name.rpartition("_")[2] != plain_hash("4711")


def test_names_stay_when_tokens_are_rotated(fake: FakeEngine) -> None:
    run(fake, INNOCENT)
    fake.cluster.swarm["JoinTokens"]["Manager"] += "rotated"
    fake.forget()
    assert not run(fake, INNOCENT)["changed"] and fake.calls("GET /swarm") == []


def test_another_swarm_has_other_names(fake: FakeEngine, fake_engine: t.Callable[..., FakeEngine]) -> None:
    other = fake_engine(nodes=[node("m1", role="manager", leader=True)])
    named = [[change["name"] for change in run(each, INNOCENT, check=True)["plan"] if change["kind"] == "secret"] for each in (fake, other)]
    assert named[0] != named[1] and all(name.startswith("app_pin_") for (name,) in named)


def test_a_plan_id_knows_what_it_hides_and_does_not_tell(fake: FakeEngine, fake_engine: t.Callable[..., FakeEngine]) -> None:
    run(fake, INNOCENT)
    plans = [run(fake, INNOCENT.replace("4711", value), check=True) for value in ("0815", "0816", "0815")]
    assert plans[0]["plan"] == plans[1]["plan"]
    assert plans[0]["plan_id"] == plans[2]["plan_id"] != plans[1]["plan_id"]
    refused = run(fake, INNOCENT.replace("4711", "0816"), plan_id=plans[0]["plan_id"])
    assert refused["failed"] and "Nothing was changed" in refused["msg"]


def test_without_a_swarm_no_plan_can_be_approved(fake_engine: t.Callable[..., FakeEngine]) -> None:
    bare = fake_engine()
    planned = run(bare, INNOCENT, check=True)
    assert planned["changed"] and planned["plan_id"] == ""
