# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories in the shape of the systems that the project was made for: one run names all that is missing, and given that the plan has few
warnings, each of them true."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.action import stack as action
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from fake_engine import FakeEngine, network, node
from module_runner import run_module_main
from playbook_runs import ROOT, Ran, run_each

INVENTORIES = Path(__file__).parent / "inventories"
GIB = 1 << 30
GRADERS = [*(f"{size}{kind}grader" for kind in ("", "fast_", "deferred_", "rerun_") for size in ("", "tiny_")), "image_builder"]
# What each stack lacks: variables of its files without a value, told as one, and a line for each file and for what else nothing provides.
MISSING: dict[str, dict[str, tuple[str, list[str]]]] = {
    "unmute": {
        "unmute": (
            "DOMAIN ANSWER_KEY NEWS_KEY MODEL_TOKEN ANSWER_MODEL LOGIN_CLIENT_SECRET",
            ["reserves gpu for unmute_speak, unmute_listen, unmute_answer"],
        )
    },
    "openmpf": {
        "openmpf": (
            "REGISTRY TAG FORMS_URL FORMS_KEY SPEECH_URL SPEECH_KEY BLOBS_URL BLOBS_KEY TEXT_URL TEXT_KEY WORDS_URL WORDS_KEY",
            ["needs the volume mpf_shared"],
        )
    },
    "ray": {"ray": ("RAY_VERSION RAY_SUBNET", ["runs ray_worker where node.labels.zone == blue"])},
    "ocr": {
        "ocr": ("TAG QUEUE_HOST STORE_PASSWORD", ["takes images for ocr_reader from 127.0.0.1:5010"]),
        "more": (
            "TAG QUEUE_HOST",
            [
                "takes images for more_worker from 127.0.0.1:5010",
                "needs the network reading",
                "needs the volume credentials",
                "needs the volume shared_pages",
                "runs more_worker where node.labels.reader == true",
            ],
        ),
    },
    "autograder": {
        "autograder": (
            "TAG DATABASE_PASSWORD",
            [
                "services.django.env_file.0: cannot read ",
                "takes images for autograder_web, ",
                "needs the network grading",
                "runs autograder_web, autograder_site where node.labels.webserver == true",
                "runs autograder_django where node.labels.django_app == true",
                "runs autograder_postgres where node.labels.database == true",
                "runs autograder_redis where node.labels.cache == true",
                "runs autograder_rabbitmq where node.labels.rabbitmq_broker == true",
                "runs autograder_small_tasks, autograder_downloads, autograder_beat where node.labels.small_tasks == true",
                "runs autograder_sandboxes where node.labels.custom_image_registry == true",
                *(f"runs autograder_{name} where node.labels.{name} == true" for name in GRADERS),
            ],
        )
    },
}
SERVICES = {"unmute": 17, "openmpf": 34, "ray": 3, "ocr": 1, "more": 1, "autograder": 19}
GIVEN_FILES = {"autograder": {"server/prod.env": "SITE_DOMAIN=grading.example\nSECRET_KEY=a-secret\n"}}
# By the word at the end of each warning, with names that it tells; those about the file have none.
WARNINGS: dict[str, dict[str, list[str]]] = {
    "unmute": {
        "two_writers": ["unmute_entrance", "unmute_certificates"],
        "source_ip": ["unmute_entrance", "port 80"],
        "plain_password": ["unmute_answer: MODEL_TOKEN", "unmute_logins: CLIENT_SECRET", "unmute_talk: ANSWER_API_KEY, NEWS_API_KEY"],
    },
    "openmpf": {
        "all_gpus": ["openmpf_clip_server, openmpf_yolo_server"],
        "idle": ["openmpf_db"],
        "plain_password": ["openmpf_azure_forms: SUBSCRIPTION_KEY", "openmpf_db: POSTGRES_PASSWORD"],
    },
    "ray": {
        "local_image": ["ray_worker", "ray-worker:2.60.0", "m1 has it", "w1, w2"],
        "two_writers": ["ray_head", "ray_worker"],
        "network_options": ["ray_cluster", "com.docker.network.bridge.enable_icc"],
    },
    "ocr": {
        "template": ["ocr_reader", "{{.Task.Slot}}"],
        "plain_password": ["ocr_reader: STORE, STORE_PASSWORD"],
        "network_options": ["ocr_readers", "com.docker.network.driver.overlay.vxlanid"],
        "subnet": ["ocr_readers", "10.0.0.0/24 of network ingress"],
    },
    "more": {},
    "autograder": {
        "container_name": ["services.{beat,"],
        "single_replica": ["autograder_web"],
        "source_ip": ["autograder_web", "port 80"],
        "idle": ["autograder_postgres"],
        "plain_password": ["autograder_django: SECRET_KEY", "autograder_postgres: POSTGRES_PASSWORD"],
    },
}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def lay_out(name: str, folder: Path, given: bool) -> Path:
    """The inventory in a folder of its own, with the files that it lacks where they are given."""
    place = folder / ("given" if given else "bare") / name
    shutil.copytree(INVENTORIES / name, place)
    for path, text in GIVEN_FILES.get(name, {}).items() if given else ():
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text(text)
    return place


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    folder = tmp_path_factory.mktemp("systems")
    (folder / "gpus.yml").write_text("all: {children: {gpu_nodes: {hosts: {w1: {}, w2: {}}}}}\n")
    commands: dict[str, list[str]] = {}
    for name in MISSING:
        bare, given = lay_out(name, folder, False), lay_out(name, folder, True)
        commands[f"bare {name}"] = ["-i", str(bare / "hosts.yml"), str(ROOT / "playbooks/check.yml")]
        more = ["-i", "gpus.yml", "-e", f"@{given / 'given.yml'}"]
        commands[f"given {name}"] = ["-i", str(given / "hosts.yml"), str(ROOT / "playbooks/check.yml"), *more]
    return dict(zip(commands, run_each(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("name", MISSING)
def test_one_run_names_all_that_is_missing(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"bare {name}"]
    for each, (variables, needs) in MISSING[name].items():
        lines = [line for line in ran.said.splitlines() if f": stack {each} " in line or f": stack {each}: " in line]
        (unset,) = [line for line in lines if "not set: " in line]
        named = [word.partition(" (")[0] for word in unset.partition("not set: ")[2].partition(". Give")[0].split("), ")]
        assert sorted(named) == sorted(variables.split())
        assert [need for need in needs if not any(need in line for line in lines)] == [], ran.said
        assert len(lines) == 1 + len(needs), ran.said
    assert ran.rc and not ran.reached


@pytest.mark.parametrize("name", MISSING)
def test_with_that_given_all_is_well(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"given {name}"]
    assert "check: no fault in 3 hosts" in ran.said and "warning:" not in ran.said and not ran.rc and not ran.reached, ran.said


def swarm_of(name: str, given: dict[str, Any], start: Callable[..., FakeEngine]) -> FakeEngine:
    labels = {host: {label: "true" if value is True else value for label, value in (given.get("nodes_labels", {}).get(host) or {}).items()}
              for host in ("m1", "w1", "w2")}  # fmt: skip
    gpus = {host: [f"GPU-{host}-{number}" for number in range(4)] for host in ("w1", "w2")}
    nodes = [
        node("m1", role="manager", leader=True, addr="192.0.2.1", labels=labels["m1"], cpus=32, memory=128 * GIB),
        *(node(host, addr=f"192.0.2.{host[1]}9", labels=labels[host], generic={"gpu": each}, cpus=32, memory=128 * GIB)
          for host, each in gpus.items()),
    ]  # fmt: skip
    return start(nodes=nodes, networks=[network(each["name"]) for each in given.get("networks_present", [])])


@pytest.mark.parametrize("name", SERVICES)
def test_with_that_given_the_plan_has_few_warnings_and_true_ones(
    name: str, tmp_path: Path, fake_engine: Callable[..., FakeEngine]
) -> None:
    system = next(system for system, stacks in MISSING.items() if name in stacks)
    place = lay_out(system, tmp_path, True)
    given = read(place / "given.yml")
    declared = {each["name"]: each for each in read(place / "group_vars/all.yml")["stacks_present"]}[name]
    fake = swarm_of(system, given, fake_engine)
    options = {
        **declared,
        "files": [text.replace("{{ inventory_dir }}", str(place)) for text in declared["files"]],
        "env": given["stack_env"],
        "silence": ["build"] if name in given.get("images_from_stacks", []) else [],  # as the role does
    }
    for image in images_of(options):
        fake.host.images[image] = {"created": 1} if image.startswith("ray-") else {"digest": f"sha256:{'a' * 64}"}
    planned = plan(fake, options)
    assert len([change for change in planned["plan"] if change["kind"] == "service"]) == SERVICES[name]
    found = {word_of(warning): warning for warning in planned["warnings"]}
    alike = [warning for warning in planned["warnings"] if word_of(warning) == "two_writers"]
    assert found.keys() == WARNINGS[name].keys() and len(planned["warnings"]) <= 5, planned["warnings"]
    for word, names in WARNINGS[name].items():
        text = " ".join(alike) if word == "two_writers" else found[word]
        assert [each for each in names if each not in text] == [], text


def images_of(options: dict[str, Any]) -> set[str]:
    loaded = load_stack(options["files"], env=options["env"], project_dir=str(Path(options["files"][0]).parent))
    images = {service["image"] for service in loaded.model["services"].values()}
    return {image if ":" in image.rpartition("/")[2] else f"{image}:latest" for image in images}


def plan(fake: FakeEngine, options: dict[str, Any]) -> dict[str, Any]:
    """The result of the task in check mode, with the warnings of both its halves."""
    loader = DataLoader()
    task = Task()
    task.args = {**options, "docker_host": fake.docker_host}
    task.check_mode = True
    plugin = action.ActionModule(task, mock.Mock(), mock.Mock(), loader, Templar(loader), None)
    display = mock.Mock()
    plugin._display = display
    with mock.patch.object(plugin, "_execute_module", lambda module_args, **_more: run_module_main(stack.main, module_args, check=True)):
        result: dict[str, Any] = plugin.run(task_vars={})
    assert not result.get("failed"), result["msg"]
    return {**result, "warnings": [*(call.args[0] for call in display.warning.call_args_list), *result["warnings"]]}


def word_of(warning: str) -> str:
    """The word by which it is silenced: in parentheses at its end, or the key that it is about."""
    end = warning.rpartition("(")[2]
    return end[:-1] if end.endswith(")") and end[:-1].isidentifier() else warning.split(": ")[1].rpartition(".")[2]
