# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates while long tasks run: of Ray refused, of the application waited for; and the way back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.scenario import kill, until
from tests.scenario.ray import SCENARIO, counted, cpus, done, image_of, look, play, start_count, told

BELOW, PRIMES, PARTS = 30_000_000, 1_857_859, 4


@pytest.fixture(scope="module")
def long_job() -> Iterator[subprocess.Popen[str]]:
    """Two tasks at a time that take a minute or so, when the image of the next release is in the registry."""
    SCENARIO.converge("site.yml", "--tags", "images", ray_app_release="2")
    job = start_count(BELOW, PARTS)
    until(lambda: len(told("tasks", state="RUNNING")) == 2, "a task on each worker")
    yield job
    if job.poll() is None:
        kill(job)


def test_another_release_of_ray_is_refused_while_tasks_run(long_job: subprocess.Popen[str]) -> None:
    before = {name: service["index"] for name, service in look()["services"].items()}
    planned = play("playbooks/deploy.yml", "--check", ray_release="2.61.0")
    assert planned.rc == 0 and "2 tasks run on Ray 2.60.0" in planned.text, planned.out[-4000:]
    refused = play("playbooks/deploy.yml", ray_release="2.61.0")
    assert refused.rc and "2 tasks run on Ray 2.60.0, and release 2.61.0 would end them" in refused.text, refused.out[-4000:]
    assert {name: service["index"] for name, service in look()["services"].items()} == before


def test_another_release_of_the_application_waits_for_the_tasks_that_run(long_job: subprocess.Popen[str]) -> None:
    done("deploy", ray_app_release="2")
    assert image_of("ray_worker") == "ray-app:2" and image_of("ray_head") == "ray:2.60.0"
    found = counted(long_job)
    assert found["tasks"] == PARTS and found["primes"] == PRIMES
    newest = max(task["job_id"] for task in told("tasks"))
    assert [task for task in told("tasks", job_id=newest) if task["attempt_number"]] == []
    until(lambda: sum(cpus().values()) == 2, "the end of the former workers")
    assert done("logs", services_names=["ray_worker"]).lacks("draining: no more tasks", "drained") == []


def test_the_update_can_be_taken_back() -> None:
    done("rollback", services_names=["ray_worker"])
    assert image_of("ray_worker") == "ray-app:1"
    until(lambda: sum(cpus().values()) == 2, "two workers of the former release")
    SCENARIO.converge("site.yml")
    assert image_of("ray_client") == "ray-app:1" and not any(SCENARIO.converge("site.yml").changed.values())
