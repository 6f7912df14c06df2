# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make demo` promises."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.scenario import Run, Scenario, Seen, declared, finish, running

NODES = {"m1", "w1", "w2"}


@pytest.fixture(scope="module")
def site(manager: Any) -> str:
    """The address of the web server."""
    address = manager.run("python3 -c %s", "import docker; print(docker.from_env().info()['Swarm']['NodeAddr'])").stdout.strip()
    return f"http://{address}"


def read(url: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(url, data, timeout=30) as answer:
        return dict(json.load(answer))


def graded(site: str, exercise: str, code: str) -> dict[str, Any]:
    """Hand in, and wait for the report."""
    submission = read(f"{site}/submissions/", {"exercise": exercise, "code": code})
    for _attempt in range(60):
        report = read(f"{site}{submission['url']}")
        if report["status"] == "graded":
            return report
        time.sleep(0.5)
    pytest.fail(f"no grade within 30 s: {report}")


def test_three_nodes_are_ready(look: Callable[[], Seen]) -> None:
    assert {node["name"]: node["state"] for node in look()["nodes"]} == dict.fromkeys(NODES, "ready")


def test_labels_are_as_declared(look: Callable[[], Seen]) -> None:
    labels = {node["name"]: set(node["labels"]) for node in look()["nodes"]}
    assert labels == {
        "m1": {"registry", "database", "cache", "webserver"},
        "w1": {"django_app", "fast_grader"},
        "w2": {"grader"},
    }


def test_every_service_runs_all_its_tasks_and_the_migration_ran_once(look: Callable[[], Seen]) -> None:
    services = look()["services"]
    counts = {name: len(running(service)) for name, service in services.items()}
    assert counts == {
        "registry_registry": 1,
        "autograder_cache": 1,
        "autograder_database": 1,
        "autograder_django": 2,
        "autograder_fast_grader": 1,
        "autograder_grader": 1,
        "autograder_migrate": 0,
        "autograder_nginx": 1,
        "autograder_small_tasks": 1,
    }
    assert [task["state"] for task in services["autograder_migrate"]["tasks"]] == ["complete"]


@pytest.mark.parametrize(
    ("exercise", "code", "grade", "worker"),
    [
        ("add", "def add(a, b): return a + b", 100, "w1"),
        ("add", "def add(a, b): return 4", None, "w1"),
        ("primes", "def primes(n): return [p for p in range(2, n) if all(p % q for q in range(2, p))]", 100, "w2"),
    ],
)
def test_a_submission_is_graded_on_another_node(site: str, exercise: str, code: str, grade: int | None, worker: str) -> None:
    report = graded(site, exercise, code)
    assert report["worker"] == worker
    assert report["grade"] == grade if grade is not None else report["grade"] < 100, report


@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/"), ("GET", "/v2/_catalog"), ("POST", "/v2/evil/blobs/uploads/")])
def test_who_has_no_login_gets_nothing_from_the_registry(site: str, method: str, path: str) -> None:
    """The controller is no node."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(site.removeprefix("http://"), 5000, timeout=30, context=context)
    connection.request(method, path)
    assert connection.getresponse().status == 401


def test_another_run_changes_nothing_and_moves_no_version(play: Callable[..., Run], look: Callable[[], Seen]) -> None:
    before = look()
    run = play("site.yml")
    assert run.rc == 0, run.out[-4000:]
    assert run.changed == dict.fromkeys(NODES, 0)
    assert look() == before


def test_a_silent_run_fits_a_screen() -> None:
    run = finish(Scenario().start("site.yml", environ={"ANSIBLE_STDOUT_CALLBACK": "flotilla.swarm.glance"}))
    assert run.rc == 0 and "3 hosts ok, nothing changed, in " in run.out, run.out
    assert len(run.out.strip().splitlines()) <= 25, run.out


def test_the_status_table_names_all_and_fits_a_terminal(play: Callable[..., Run], site: str) -> None:
    run = play("playbooks/status.yml")
    table = run.out.split("msg: |-", 1)[1].split("PLAY RECAP")[0].splitlines()
    assert run.rc == 0
    assert max(map(len, table)) <= 80
    assert "3 of 3 nodes ready" in run.out
    assert f"{site}/" in run.out
    assert [row.split()[:3] for row in table if "autograder_django" in row] == [["autograder_django", "2/2", "running"]]
    assert [row.split()[1:4] for row in table if "autograder_migrate" in row] == [["1/1", "job", "completed"]]
    assert "do not run as they should" not in run.out


def test_status_speaks_json(play: Callable[..., Run], tmp_path: Any) -> None:
    run = play("playbooks/status.yml", status_format="json")
    assert run.rc == 0
    assert '"hostname": "w2"' in run.out


def test_secrets_are_shown_at_no_verbosity(play: Callable[..., Run], tmp_path: Any) -> None:
    """Other values than those that run, so that the plan is about them."""
    stacks = declared("stacks")["stacks_present"]
    secrets = {"DATABASE_PASSWORD": "correct-horse-battery", "DJANGO_SECRET_KEY": "staple-of-the-secret-kind"}
    stacks[0]["env"] |= secrets
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"stacks_present": stacks}))
    run = play("playbooks/deploy.yml", "--check", "--diff", "-vvvv", "-e", f"@{values}")
    assert run.rc == 0, run.out[-4000:]
    assert "autograder_database_password_" in run.out
    assert [value for value in secrets.values() if value in run.out] == []
    assert "SWMTKN" not in run.out
