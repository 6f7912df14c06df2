# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question is heard, answered, and the answer spoken, over HTTPS; each model has a GPU, and one task more than GPUs waits."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.scenario import until
from tests.scenario.system import NODES
from tests.scenario.unmute import OPERATORS, PARTS, SCENARIO, ask, done, look, nodes_of, play, run_in, secret, spoken, tasks

MODELS = [f"unmute_{part}" for part in PARTS]


def test_each_model_has_a_gpu_of_its_own_and_sees_no_other() -> None:
    homes = [node for service in MODELS for node in nodes_of(service)]
    assert sorted(homes) == ["w1", "w1", "w2"], "as many as the GPUs of each"
    held = []
    for service, part in zip(MODELS, PARTS, strict=True):
        ((state, error, (gpu,)),) = tasks(part)
        assert (state, error) == ("running", "")
        listed = run_in(service, "nvidia-smi", "-L")
        assert gpu in listed and listed.count("GPU-") == 1
        held.append((*nodes_of(service), gpu))
    assert len(set(held)) == 3


def test_another_run_changes_nothing_and_moves_no_version() -> None:
    before = look()
    run = SCENARIO.converge("site.yml")
    assert run.changed == dict.fromkeys(NODES, 0) and look() == before


def test_check_mode_says_what_would_change_and_changes_nothing() -> None:
    before = look()
    run = play("site.yml", "--check", "--diff", unmute_release="7")
    assert run.rc == 0 and run.lacks("unmute-backend:7", "unmute-stt:7") == [], run.out[-4000:]
    assert look() == before


def test_the_proof_of_the_demonstration() -> None:
    run = SCENARIO.converge("examples/unmute/lab/proof.yml")
    assert 'asked "What is the capital of Italy?"' in run.text and "Rome" in run.text and not any(run.changed.values())


def test_a_turn_over_https_is_remembered_for_the_next() -> None:
    sound = spoken("What is the capital of Italy?")
    first = ask("/api/talk?conversation=of-the-test", sound).json
    assert "capital of Italy" in first["text"] and "Rome" in first["answer"]
    assert base64.b64decode(first["audio"])[:4] == b"RIFF"
    second = ask("/api/talk?conversation=of-the-test", spoken("What is the capital of Germany?"))
    assert second.status == 200 and "Germany" in second.json["text"]
    assert run_in("unmute_redis", "redis-cli", "LLEN", "conversation:of-the-test").split()[-1] == "4"


def test_what_is_no_sound_is_refused_with_the_cause() -> None:
    answer = ask("/api/talk", b"no sound at all")
    assert answer.status == 422 and "no sound that can be decoded" in answer.json["error"]


def test_the_page_is_there_for_everybody_and_that_of_the_operators_is_not() -> None:
    assert b"<title>unmute</title>" in ask("/").body
    assert ask("/api/overview", host=OPERATORS).status == 401
    assert ask("/api/overview", host=OPERATORS, password="wrong").status == 401
    signed_in = ask("/api/overview", host=OPERATORS, password=secret("operators.password"))
    assert signed_in.status == 200 and signed_in.json["http"]["routers"]["errors"] == 0


def test_the_benchmark_is_a_job() -> None:
    run = done("job", services_service="unmute_client", services_command=["python", "talk.py", "--turns=6", "--at-once=3"])
    assert run.lacks("turn_seconds", "slowest_seconds") == []


@pytest.fixture
def three() -> Iterator[None]:
    """As many tasks with a GPU as the inventory has."""
    yield
    done("scale", services_replicas={"unmute_tts": 1})


def test_one_task_more_than_there_are_gpus_waits_and_is_named(three: None) -> None:
    refused = play("playbooks/scale.yml", services_replicas={"unmute_tts": 2})
    assert refused.rc != 0 and refused.lacks("unmute_tts", "gpu") == [] and len(tasks("tts")) == 1
    run = play(
        "playbooks/scale.yml",
        services_replicas={"unmute_tts": 2},
        services_check_capacity=False,
        services_on_failure="stop",
        services_wait_timeout="30s",
    )
    assert run.rc != 0 and run.lacks("unmute_tts", "no free gpu") == [], run.out[-3000:]
    assert sorted(state for state, _error, _gpus in tasks("tts")) == ["pending", "running"]
    status = play("playbooks/status.yml")
    assert status.lacks("unmute_tts", "1/2", "no free gpu") == [], status.out[-3000:]


def test_what_waited_is_gone_when_it_is_wanted_no_more() -> None:
    until(lambda: [state for state, _error, _gpus in tasks("tts")] == ["running"], "one task")
    assert not any(SCENARIO.converge("site.yml").changed.values())
