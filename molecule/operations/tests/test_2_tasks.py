# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, logs, usage and health, on the autograder."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.scenario import until
from tests.scenario.operations import done, look, on, play, services, start

DJANGO, WORKER = "autograder_django", "autograder_small_tasks"
MIGRATE = "python3 manage.py migrate --no-input"
# What only one node has: an image under a name of its own, and a service that some tries later runs there.
TAG = """
import docker
api = docker.APIClient()
image = next(image for image in api.images() if "autograder" in str(image))
api.tag(image["Id"], "only-here", "1")
"""
HERE = """
import docker
docker.APIClient().create_service(
    {"ContainerSpec": {"Image": "only-here:1", "Args": ["sleep", "infinity"], "Init": True},
     "Placement": {"Constraints": ["node.hostname == w2"]}},
    name="here", endpoint_spec={"Mode": "dnsrr"},
)
"""
# Leaves the task where it is: only the constraint goes.
FREE = """
import docker
api = docker.APIClient()
service = api.inspect_service("here")
spec = service["Spec"]
template = spec["TaskTemplate"]
template["Placement"] = {"Constraints": ["node.role == worker"]}
api.update_service(service["ID"], service["Version"]["Index"], template, name="here", mode=spec["Mode"], endpoint_spec=spec["EndpointSpec"])
"""
EXPIRE = """
import docker
api = docker.APIClient()
for config in api.configs():
    if config["Spec"]["Name"].startswith("lock.job-"):
        labels = {**config["Spec"]["Labels"], "io.flotilla.swarm.lock.until": "1"}
        url = api._url("/configs/{0}/update", config["ID"])
        api._post_json(url, {**config["Spec"], "Labels": labels}, params={"version": config["Version"]["Index"]})
"""


def jobs() -> list[str]:
    """The jobs, and what they lock, that are there."""
    seen = look()
    return sorted(name for name in [*seen["services"], *seen["configs"]] if "job-" in name)


def test_a_job_runs_in_the_shape_of_its_service() -> None:
    planned = done("job", "--check", services_service=DJANGO, services_command=MIGRATE)
    assert "+ job" in planned.out and sum(planned.changed.values()) == 1 and jobs() == []
    run = done("job", services_service=DJANGO, services_command=MIGRATE)
    assert "No migrations to apply" in run.out and "the job exited 0 on w1" in run.out
    code = "import os; print(os.environ['GREETING'], os.path.exists('/run/secrets/django_secret_key'))"
    command = ["python3", "manage.py", "shell", "-c", code]
    shaped = done("job", services_service=DJANGO, services_command=command, services_environment={"GREETING": "hello"})
    assert "hello True" in shaped.out and jobs() == []


def test_the_first_user_is_made_by_a_job(tmp_path: Path) -> None:
    command = "python3 manage.py createsuperuser --no-input --username chief --email chief@example.org"
    secret = {"DJANGO_SUPERUSER_PASSWORD": "a-password-of-the-lab"}
    # In a file, as a vault is: Ansible itself shows at this verbosity what is on its command line.
    file = tmp_path / "secret.json"
    file.write_text(json.dumps({"services_secret_environment": secret}))
    run = done("job", "-vvvv", "-e", f"@{file}", services_service=DJANGO, services_command=command)
    assert "Superuser created" in run.out and secret["DJANGO_SUPERUSER_PASSWORD"] not in run.out
    again = play("job", services_service=DJANGO, services_command=command, services_secret_environment=secret)
    assert again.rc == 2 and "already taken" in again.text


def test_a_job_that_exits_3_fails_the_play_with_its_output() -> None:
    wanted: dict[str, Any] = {"services_service": DJANGO, "services_command": ["sh", "-c", "echo to out; echo to err >&2; exit 3"]}
    run = play("job", **wanted)
    assert run.rc == 2 and "the job exited 3 on w1 after" in run.text and "to out to err" in run.text
    assert done("job", **wanted, services_success_codes=[0, 3]).rc == 0 and jobs() == []


def test_a_job_on_a_service_whose_image_only_another_node_has() -> None:
    on("w2", "python3 -", TAG)
    on("m1", "python3 -", HERE)
    try:
        until(lambda: list(services()["here"]["tasks"].values()) == ["w2"])
        on("m1", "python3 -", FREE)
        until(lambda: list(services()["here"]["tasks"].values()) == ["w2"])
        run = done("job", services_service="here", services_command="echo it is here")
        assert "only w2 has its image" in run.text and "it is here" in run.out and "exited 0 on w2" in run.out
        lost = play("job", services_service=DJANGO, services_image="only-here:1", services_command="true")
        assert lost.rc == 2 and "No such image: only-here:1" in lost.text and jobs() == []
    finally:
        on("m1", "python3 -", "import docker; docker.APIClient().remove_service('here')")


def test_a_job_out_of_time_is_removed() -> None:
    run = play("job", services_service=DJANGO, services_command="sleep 600", services_wait_timeout="8s")
    assert run.rc == 2 and "timed out after" in run.text and jobs() == []


def test_the_job_of_a_run_that_was_killed_is_removed_by_the_next_one() -> None:
    process = start("job", services_service=DJANGO, services_command="sleep 600")
    until(lambda: len(jobs()) == 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    # What runs on the node outlives its connection, and would go on to renew the lock.
    on("m1", "pkill -KILL --full --exact '/usr/bin/python3[.0-9]*'")
    lost = jobs()
    # Its lock is young: it could be the job of a run that lives.
    done("job", services_service=DJANGO, services_command="true")
    assert jobs() == lost
    on("m1", "python3 -", EXPIRE)
    run = done("job", services_service=DJANGO, services_command="true")
    assert "its run was killed" in run.out and jobs() == []


def test_a_command_runs_in_the_task_that_is_meant() -> None:
    planned = done("exec", "--check", services_service=DJANGO, services_command="hostname")
    assert "runs a command on w1" in planned.text
    runs = [done("exec", services_service=DJANGO, services_slot=slot, services_command="hostname") for slot in (1, 2)]
    assert len({run.out.split("msg: ")[1].split()[0] for run in runs}) == 2
    elsewhere = done("exec", services_service="autograder_grader", services_command="cat", services_stdin="through standard input")
    assert "runs a command on w2" in elsewhere.text
    failed = play("exec", services_service=DJANGO, services_command=["sh", "-c", "echo words; exit 3"])
    assert failed.rc == 2 and "the command exited 3 in autograder_django" in failed.text and "words" in failed.text
    away = play("exec", "--limit", "m1", services_service=DJANGO, services_command="true")
    assert away.rc == 2 and "runs on w1" in away.text and "--limit" in away.text


def test_logs_of_all_nodes_are_shown_or_kept(tmp_path: Path) -> None:
    shown = done("logs", services_names=["autograder_*grader", DJANGO], services_tail=5)
    assert all(f"on {node} (running" in shown.out for node in ("w1", "w2")) and not any(shown.changed.values())
    wanted = {"services_stacks": ["autograder"], "services_tail": 50, "services_timestamps": True, "services_dest": str(tmp_path / "kept")}
    done("logs", "--check", **wanted)
    assert not (tmp_path / "kept").exists()
    done("logs", **wanted)
    files = sorted(path.name for path in (tmp_path / "kept").iterdir())
    tasks = [task for name, each in services().items() if name.startswith("autograder") for task in each["tasks"]]
    assert sum(any(task in name for task in tasks) for name in files) >= 6
    kept = next((tmp_path / "kept").glob("autograder_django.1.w1.*"))
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.read_text().startswith("20") and "healthz" in kept.read_text()
    assert "==>" not in done("logs", services_names=[DJANGO], services_until="2020-01-01T00:00:00Z").out


def test_usage_of_every_task_on_every_node() -> None:
    run = done("stats", services_format="json")
    told = json.loads(run.out.split("msg: |-\n", 1)[1].split("\n\n", 1)[0])
    running = {task: node for each in services().values() for task, node in each["tasks"].items()}
    found = {task["task"]: task["node"] for task in told["tasks"] if not task["service"].startswith("job-")}  # one may still be stopping
    assert found == running and told["silent"] == []
    assert all(task["memory_bytes"] > 0 for task in told["tasks"])
    table = [line for line in done("stats", services_stacks=["autograder"]).out.splitlines() if " autograder_" in line]
    assert len(table) >= 6 and max(map(len, table)) <= 80


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        ("logs", {"services_names": [DJANGO], "services_tail": 5}, "autograder_django"),
        ("stats", {"services_stacks": ["autograder"]}, " autograder_"),
        ("health", {}, "degraded"),  # the port of the probe is published, and nothing limits it
        ("status", {}, "autograder_django"),
    ],
)
def test_what_only_looks_says_the_same_in_check_mode(playbook: str, variables: dict[str, Any], words: str) -> None:
    before = look()
    run = done(playbook, "--check", **variables)
    assert words in run.out and not any(run.changed.values()) and look() == before


PUBLIC = ["80", "8088"]
FAULTS = """
import pathlib, sys
table = pathlib.Path("/etc/fstab")
line = "nas.example.org:/srv /srv/lost nfs defaults 0 0\\n"
text = table.read_text() if table.exists() else ""
table.write_text(text.replace(line, "") + (line if sys.argv[1] == "plant" else ""))
"""


def test_health_is_one_verdict() -> None:
    well = done("health", health_public_ports=PUBLIC)
    assert "healthy" in well.out and not any(well.changed.values())
    table = well.out.split("msg: |-\n", 1)[1].split("\nTASK", 1)[0].splitlines()
    assert max(map(len, table)) <= 80 and len([line for line in table if " ok " in line]) == 10, well.out
    on("w2", "python3 - plant", FAULTS)
    try:
        ill = play("health", services_format="json", health_public_ports=PUBLIC)
        assert ill.rc == 2 and "The swarm is unhealthy" in ill.text
        assert "failed mounts w2: /srv/lost from nas.example.org:/srv: not mounted, although /etc/fstab declares it" in ill.text
        told = play("health", health_format="json", health_public_ports=PUBLIC).out.split("msg: |-\n", 1)[1].split("\n\n", 1)[0]
        assert [(finding["area"], finding["where"]) for finding in json.loads(told)["findings"]] == [("mounts", "w2")]
    finally:
        on("w2", "python3 - mend", FAULTS)
    strict = play("health", health_certificate_days=1000, health_fail_on=["degraded", "unhealthy"])
    assert strict.rc == 2 and "The swarm is degraded" in strict.text


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        ("job", {}, "nothing says what to run"),
        ("job", {"services_service": DJANGO}, "nothing to run in the shape of autograder_django"),
        ("job", {"services_service": "autograder_jango", "services_command": "x"}, "there is autograder_django"),
        ("exec", {}, "no service is given"),
        ("exec", {"services_service": DJANGO}, "nothing to run"),
        ("exec", {"services_service": DJANGO, "services_slot": 7, "services_command": "x"}, "autograder_django, slot 7 is running"),
        ("logs", {"services_names": [DJANGO], "services_since": "yesterday"}, "since: found 'yesterday', expected how long ago"),
        ("logs", {"services_task": "nosuchtask"}, "there is no task nosuchtask"),
        ("stats", {"services_names": ["nosuch_*"]}, "No task of nosuch_* runs on the hosts that answer"),
        ("stats", {"services_format": "yaml"}, "services_format is 'yaml'. Expected table or json."),
        ("health", {"health_format": "yaml"}, "health_format is 'yaml'. Expected table or json."),
    ],
)
def test_wrong_or_missing_input_gives_one_clear_message(playbook: str, variables: dict[str, Any], words: str) -> None:
    run = play(playbook, **variables)
    assert run.rc == 2 and words in run.text and "Traceback" not in run.out and not any(run.changed.values())
