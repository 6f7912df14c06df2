# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project that docker compose runs on a worker moves into the swarm, with its data."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import ROOT, Run, until
from tests.scenario.controller import Controller, answers_of
from tests.scenario.operations import addresses, done, login, on, play, services

FILE = "molecule/operations/compose/compose.yml"
WORDS = "written before the move"
INSTALL = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends docker-compose docker-cli"
CONTAINERS = """
import docker, json
found = docker.APIClient().containers(all=True, filters={"label": ["com.docker.compose.project=media"]})
print(json.dumps({c["Labels"]["com.docker.compose.service"]: c["State"] for c in found}))
"""


def registry() -> str:
    return login()["registry"]


def compose(command: str) -> str:
    return on("w1", f"cd /srv/media && REGISTRY={registry()} TAG=1 docker compose --ansi never {command}")


@pytest.fixture(scope="module", autouse=True)
def project() -> Iterator[None]:
    on("w1", INSTALL)
    on("w1", f"docker login --username {login()['username']} --password-stdin {registry()}", login()["password"])
    on("w1", "mkdir -p /srv/media && cat >/srv/media/compose.yml", (ROOT / FILE).read_text())
    compose("up --detach --wait")
    compose(f"exec -T --user root store sh -c 'echo {WORDS} >/data/words'")
    until(lambda: answer() == WORDS)
    yield
    done("deploy", stacks_present=[], stacks_absent=["media"])
    compose("down --volumes")
    on("w1", f"docker logout {registry()}")


def answer() -> str:
    try:
        with urllib.request.urlopen(f"http://{addresses()['w1']}:8090/words", timeout=10) as got:
            return str(got.read().decode().strip())
    except (OSError, urllib.error.URLError):
        return ""


def containers() -> dict[str, str]:
    return dict(json.loads(on("w1", "python3 -", CONTAINERS)))


def migrate(*arguments: str, **variables: Any) -> Run:
    given = {"migrate_host": "w1", "migrate_project": "media", "migrate_files": [FILE], "migrate_env": {"REGISTRY": registry(), "TAG": "1"}}
    return play("migrate_from_compose", *arguments, **{**given, **variables})


def media() -> list[str]:
    return sorted(name for name in services() if name.startswith("media_"))


RUNNING = {"store": "running", "idle": "running"}


def test_check_mode_says_what_would_stop_and_come_and_does_nothing() -> None:
    planned = migrate("--check", "--diff")
    assert planned.rc == 0, planned.out
    assert "media-store-1" in planned.out and "media_store" in planned.out and "running -> exited" in planned.out.replace('"', "")
    assert containers() == RUNNING and media() == [] and answer() == WORDS


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"migrate_host": ""}, "migrate_host is not given"),
        ({"migrate_files": []}, "migrate_files is not given"),
        ({"migrate_project": "medium"}, "this host has no containers of a Compose project medium"),
        ({"migrate_files": ["nosuch.yml"]}, "nosuch.yml"),
        ({"migrate_env": {"TAG": "1"}}, "REGISTRY"),
    ],
)
def test_wrong_input_gives_one_clear_message_and_the_project_goes_on(variables: dict[str, Any], words: str) -> None:
    run = migrate(**variables)
    assert run.rc == 2 and words in run.text and "Traceback" not in run.out
    assert containers() == RUNNING and media() == []


def test_a_stack_that_does_not_come_up_leaves_the_project_as_it_was() -> None:
    run = migrate(migrate_env={"REGISTRY": registry(), "TAG": "1"}, migrate_files=[FILE, "molecule/operations/compose/broken.yml"])
    assert run.rc == 2 and "The project media runs on w1 as before" in run.text, run.out
    assert containers() == RUNNING and media() == []
    until(lambda: answer() == WORDS)


def test_the_project_moves_with_its_data_and_a_second_run_does_nothing(controller: Controller, tmp_path: Path) -> None:
    """As AWX starts it: the answers of the survey are texts."""
    values = tmp_path / "media.env"
    values.write_text(f"REGISTRY={registry()}\nTAG=1\n")
    answers = {"migrate_host": "w1", "migrate_project": "media", "migrate_files": FILE, "migrate_env_files": str(values)}
    assert {*answers_of("migrate_from_compose", controller)} == {*answers}
    job = controller.launch("migrate_from_compose", answers, tmp_path)
    assert job.status == "successful", job.stdout.read()[-4000:]
    assert media() == ["media_idle", "media_store"] and set(containers().values()) == {"exited"}
    assert set(services()["media_store"]["tasks"].values()) == {"w1"}
    until(lambda: answer() == WORDS)
    before = services()
    again = migrate()
    assert again.rc == 0 and not any(again.changed.values()) and services() == before, again.out
