# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The voice service: what production and staging would run, and what the lab does otherwise."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_images import images_of

ROOT = Path(__file__).parents[3]
EXAMPLE, INVENTORIES = ROOT / "examples/unmute", ROOT / "inventories"
TOKEN = "hf_quite_secret"
ENVIRONMENT = {"TAG": "7", "DOMAIN": "u.example.org", "LLM_MODEL": "a/b", "HUGGING_FACE_HUB_TOKEN": TOKEN}
ON_GPUS = {"stt", "tts", "llm"}
OWN = {"frontend", "backend", "stt", "tts"}


def model(*files: str, **environment: str) -> dict[str, Any]:
    stack = {"name": "unmute", "files": files, "env": {**ENVIRONMENT, **environment}, "unsupported": "error", "silence": ["build"]}
    return dict(load_model(stack, [EXAMPLE], builds=True).model)


def services(*files: str, **environment: str) -> dict[str, Any]:
    return dict(model(*files, **environment)["services"])


def gpus(service: dict[str, Any]) -> int:
    reserved = service["deploy"].get("resources", {}).get("reservations", {}).get("generic_resources", [])
    return sum(each["discrete_resource_spec"]["value"] for each in reserved if each["discrete_resource_spec"]["kind"] == "gpu")


def test_production_has_public_images_and_builds_its_own_from_the_stack_file() -> None:
    found = services("stack.yml")
    assert found["llm"]["image"].startswith("vllm/vllm-openai:v") and found["redis"]["image"] == "redis:7"
    built = {each["name"]: each for each in images_of("unmute", model("stack.yml"))}
    assert set(built) == {f"127.0.0.1:5000/unmute-{name}:7" for name in OWN}
    assert found["client"]["image"] == found["backend"]["image"]
    bases = {name.split("-")[1].split(":")[0]: each["args"]["BASE"] for name, each in built.items()}
    assert {name for name, base in bases.items() if base.startswith("nvidia/cuda:")} == OWN & ON_GPUS


@pytest.mark.parametrize("files", [("stack.yml",), ("stack.yml", "lab.yml")])
def test_each_task_of_a_model_has_a_gpu_of_its_own_and_waits_for_none_at_an_update(files: tuple[str, ...]) -> None:
    for name, service in services(*files, REGISTRY="10.0.0.1:5000").items():
        assert gpus(service) == (name in ON_GPUS), name
        assert name not in ON_GPUS or service["deploy"]["update_config"]["order"] == "stop-first"


def test_the_lab_differs_in_the_public_images_and_in_what_its_nodes_can_do() -> None:
    production, lab = services("stack.yml"), services("stack.yml", "lab.yml", REGISTRY="127.0.0.1:5000")
    differ = {name: {key for key in service if service[key] != lab[name].get(key)} for name, service in production.items()}
    assert differ.pop("llm") == {"image", "command", "healthcheck", "deploy"} and differ.pop("redis") == {"image", "deploy"}
    assert all(keys <= {"deploy"} for keys in differ.values()), differ
    for name, service in production.items():
        changed = {key for key in lab[name]["deploy"] if service["deploy"].get(key) != lab[name]["deploy"][key]}
        assert changed <= {"endpoint_mode", "resources"}


def test_the_token_is_a_secret_and_in_no_environment() -> None:
    for files in (["stack.yml"], ["stack.yml", "lab.yml"]):
        assert TOKEN not in str(services(*files, REGISTRY="r:5000"))


def test_the_network_between_the_nodes_is_encrypted_and_open_to_jobs() -> None:
    network = model("stack.yml")["networks"]["default"]
    assert network["attachable"] is True and network["driver_opts"] == {"encrypted": "true"}


def declared(inventory: str) -> dict[str, Any]:
    files = (INVENTORIES / inventory / "group_vars/all").glob("*.yml")
    return {name: value for file in files for name, value in yaml.safe_load(file.read_text()).items()}


def test_staging_is_production_but_for_its_machines_and_one_file() -> None:
    own = {"environment.yml", "nodes.yml", "vault.yml"}
    production, staging = (INVENTORIES / name / "group_vars/all" for name in ("unmute", "unmute-staging"))
    assert {path.name for path in production.iterdir()} == {path.name for path in staging.iterdir()}
    assert {path.name for path in staging.iterdir() if not path.samefile(production / path.name)} == own
    one, other = (yaml.safe_load((folder / "environment.yml").read_text()) for folder in (production, staging))
    assert one.keys() == other.keys() and one["unmute_replicas"].keys() == other["unmute_replicas"].keys()
    assert [name for name in one if name != "images_builder" and one[name] == other[name]] == []


@pytest.mark.parametrize(("inventory", "there"), [("unmute", 8), ("unmute-staging", 3)])
def test_there_are_as_many_gpus_as_the_tasks_reserve(inventory: str, there: int) -> None:
    wanted = services("stack.yml", **declared(inventory)["unmute_replicas"])
    assert sum(gpus(service) * service["deploy"].get("replicas", 1) for service in wanted.values()) == there


def test_the_proof_counts_words_in_their_order() -> None:
    right = runpy.run_path(str(EXAMPLE / "app/likeness.py"))["right"]
    assert right("The capital of Italy is Rome.", "the capital of italy is rome") == 1
    assert right("The capital of France is Paris.", "the capital of Francis Paris.") < 0.8
    assert right("The capital of Italy is Rome.", "") == 0
