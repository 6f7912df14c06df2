# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty stacks, each with its own mix of features, by the docker CLI and by us: neither finds anything to do after the other.

The CLI runs here, against the engine of the first manager.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import Scenario, Seen, Service, running, until
from tests.scenario.stack import SCENARIO, address, deploy, look, requests_since

MIXES = sorted((SCENARIO / "mixes").glob("*.yml"))
WAITED = ("global", "healthcheck", "jobs", "restarts")  # what is not simply running: the rest need not be waited for one by one
Cli = Callable[..., str]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The values of the variables in the files."""
    return {"IMAGE": f"{address('m1')}:5000/busybox:1", "HOST": "mix.example"}


@pytest.fixture(scope="module")
def cli(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Runs a docker command against the first manager, which has what the stacks call external."""
    folder = tmp_path_factory.mktemp("cli")
    socket = folder / "m1.sock"
    config = Scenario().folder / "ssh_config"
    tunnel = subprocess.Popen(["ssh", "-F", str(config), "-o", "ControlPath=none", "-N", "-L", f"{socket}:/run/docker.sock", "m1"])
    env = {"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(folder), **environment}

    def run(*arguments: str) -> str:
        done = subprocess.run(["docker", *arguments], env=env, text=True, capture_output=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    until(socket.exists, "the tunnel")
    if "mix-shared" not in run("network", "ls"):
        run("network", "create", "--driver", "overlay", "mix-shared")
        run("config", "create", "mix-common", str(SCENARIO / "mixes/data.txt"))
    run("stack", "rm", *map(name, MIXES))
    until(are_gone, "the end of what an earlier run left")
    yield run
    tunnel.terminate()


def name(path: Path) -> str:
    return f"mix-{path.stem}"


def ours(environment: dict[str, str]) -> list[dict[str, Any]]:
    """The stacks as our module takes them, with names for secrets and configs that the CLI knows."""
    common = {"env": environment, "content_names": False}
    return [{"name": name(path), "files": [str(path)], "wait": path.stem in WAITED, **common} for path in MIXES]


def deploy_by_cli(cli: Cli) -> None:
    for path in MIXES:
        cli("stack", "deploy", "--compose-file", str(path), name(path))


def of_mixes(seen: Seen) -> dict[str, Service]:
    services = {key: service for key, service in seen["services"].items() if key.startswith("mix-")}
    assert {key.split("_")[0] for key in services} == {name(path) for path in MIXES}
    return services


def are_at_rest() -> dict[str, Service] | None:
    """The services of the stacks once nothing moves any more."""
    services = of_mixes(look())
    on_the_way = ("new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting")
    moving = [key for key, service in services.items() if any(task["state"] in on_the_way for task in service["tasks"])]
    return None if moving else services


def are_gone() -> bool:
    seen = look()
    left = [each for each in (*seen["networks"], *seen["services"]) if each.startswith("mix-") and each != "mix-shared"]
    return not left


def test_there_are_twenty_stacks() -> None:
    assert len(MIXES) == 20


def test_what_the_cli_deployed_is_found_as_wanted(cli: Cli, environment: dict[str, str]) -> None:
    deploy_by_cli(cli)
    before = until(are_at_rest, "rest")
    checked = deploy("--check", "--diff", stacks=ours(environment))
    assert checked.rc == 0 and not any(checked.changed.values()), checked.out
    requests_since("m1")
    done = deploy(stacks=ours(environment))
    assert done.rc == 0 and not any(done.changed.values()), done.out
    asked = requests_since("m1")
    assert asked and {request.split()[0] for request in asked} == {"GET"}
    assert of_mixes(look()) == before, "no version index, PreviousSpec, task or job iteration moved"


def test_what_we_deployed_is_left_as_it_is_by_the_cli(cli: Cli, environment: dict[str, str]) -> None:
    cli("stack", "rm", *map(name, MIXES))
    until(are_gone, "the end of the stacks")
    done = deploy(stacks=ours(environment))
    assert done.rc == 0, done.out
    before = until(are_at_rest, "rest")
    deploy_by_cli(cli)
    after = until(are_at_rest, "rest")
    differing = {key for key in before if before[key]["spec"] != after[key]["spec"]}
    assert differing == set(), {key: (before[key]["spec"], after[key]["spec"]) for key in differing}
    moved = {key for key in before if not before[key]["job"] and running(before[key]) != running(after[key])}
    assert moved == set(), "tasks were restarted"
    assert all(after[key]["index"] > before[key]["index"] for key in before), "the CLI updates what is equal too"


def test_a_second_run_costs_a_few_reads(environment: dict[str, str]) -> None:
    (stack,) = [stack for stack in ours(environment) if stack["name"] == "mix-networks"]
    requests_since("m1")
    done = deploy(stacks=[stack])
    assert done.rc == 0 and not any(done.changed.values()), done.out
    asked = [request for request in requests_since("m1") if "/_ping" not in request and "/version" not in request]
    assert 0 < len(asked) <= 10, asked


def test_a_stack_that_was_removed_can_be_deployed_at_once(environment: dict[str, str]) -> None:
    (stack,) = [stack for stack in ours(environment) if stack["name"] == "mix-networks"]
    both = deploy(stacks=[{"name": stack["name"], "state": "absent"}, stack])
    assert both.rc == 0 and any(both.changed.values()), both.out
