# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenMPF example: what production would run, what each overlay adds, and what the lab does otherwise."""

from __future__ import annotations

import ipaddress
import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "openmpf"
PRODUCTION = ("core.yml", "components.yml", "gpu.yml", "users.yml", "elk.yml")
LAB = ("core.yml", "users.yml", "lab.yml")
ENVIRONMENT = {"TAG": "7", "POSTGRES_PASSWORD": "quite secret", "USER_PROPERTIES": "a=admin,hash"}
LAB_ENVIRONMENT = {
    **ENVIRONMENT,
    "OPERATOR_PASSWORD": "quite secret, too",
    "REGISTRY": "10.0.0.1:5000/",
    "PORT_MODE": "host",
}
AZURE = {
    **dict.fromkeys(
        [
            "ACS_FORM_DETECTION_URL",
            "ACS_READ_URL",
            "ACS_SPEECH_URL",
            "ACS_SPEECH_BLOB_CONTAINER_URL",
            "ACS_TRANSLATION_URL",
        ],
        "https://azure.example.org",
    ),
    **dict.fromkeys(
        [
            "ACS_FORM_DETECTION_SUBSCRIPTION_KEY",
            "ACS_READ_SUBSCRIPTION_KEY",
            "ACS_SPEECH_SUBSCRIPTION_KEY",
            "ACS_SPEECH_BLOB_SERVICE_KEY",
            "ACS_TRANSLATION_SUBSCRIPTION_KEY",
        ],
        "a key of azure",
    ),
}
OPTIONAL = ["ACTIVE_MQ_BROKER_URI", "AMQP_CONNECT_ATTEMPTS"]


def load(*files: str, **environment: str) -> dict[str, Any]:
    given = {"name": "openmpf", "files": files, "env": environment or ENVIRONMENT, "unsupported": "error", "optional_variables": OPTIONAL}
    loaded = load_model(given, [EXAMPLE])
    assert not loaded.warnings
    return dict(loaded.model)


def services(*files: str, **environment: str) -> dict[str, Any]:
    return dict(load(*files, **environment)["services"])


def stack_of(inventory: str) -> dict[str, Any]:
    (stack,) = yaml.safe_load((ROOT / f"inventories/{inventory}/group_vars/all/stacks.yml").read_text())["stacks_present"]
    return dict(stack)


def test_production_has_thirty_services_and_more_of_the_images_that_openmpf_publishes() -> None:
    found = services(*PRODUCTION)
    own = {name: service["image"] for name, service in found.items() if service["image"].startswith("openmpf/")}
    assert len(found) == 33 and len(own) == 29
    assert all(image == f"openmpf/openmpf_{name.replace('-', '_')}:7" for name, image in own.items())


def test_each_of_these_images_is_brought_into_the_swarm_s_own_registry() -> None:
    images = yaml.safe_load((ROOT / "inventories/openmpf/group_vars/all/images.yml").read_text())["images_build"]
    wanted = services(*PRODUCTION, **ENVIRONMENT, REGISTRY="127.0.0.1:5000/openmpf/")
    there = {each["name"].replace("{{ openmpf_release }}", "7"): each["args"]["IMAGE"] for each in images}
    assert there.keys() == {service["image"] for service in wanted.values() if service["image"].startswith("127.0.0.1:5000/")}
    assert all(name == f"127.0.0.1:5000/{image.replace('{{ openmpf_release }}', '7')}" for name, image in there.items())


@pytest.mark.parametrize("name", ["workflow-manager", "markup", "ocv-face-detection", "tika-text-detection"])
def test_those_who_touch_media_have_the_shared_directory(name: str) -> None:
    (share,) = services(*PRODUCTION)[name]["volumes"]
    assert (share["type"], share["source"], share["target"]) == ("volume", "shared_data", "/opt/mpf/share")


def test_the_shared_volume_is_the_one_that_every_node_gets_beforehand() -> None:
    (volume,) = yaml.safe_load((ROOT / "inventories/openmpf/group_vars/all/volumes.yml").read_text())["volumes_present"]
    shared = load("core.yml")["volumes"]["shared_data"]
    assert shared["external"] and shared["name"] == volume["name"] and volume["nfs"]["path"] == "/srv/openmpf"


def test_no_subnet_of_the_inventory_overlaps_another() -> None:
    folder = ROOT / "inventories/openmpf/group_vars/all"
    swarm, networks = (yaml.safe_load((folder / f"{name}.yml").read_text()) for name in ("swarm", "networks"))
    (ingress,) = networks["networks_present"]
    texts = [swarm["swarm_advertise_addr"], *swarm["swarm_default_addr_pool"], ingress["subnet"], stack_of("openmpf")["env"]["SUBNET"]]
    subnets = [ipaddress.ip_network(text) for text in texts]
    assert len(subnets) == 4 and not any(one.overlaps(other) for one, other in itertools.combinations(subnets, 2))


def test_a_component_is_on_workers_spread_over_zones_and_can_be_scaled() -> None:
    for name, component in services("core.yml", "components.yml").items():
        if name not in ("db", "redis", "workflow-manager", "markup"):
            deploy = component["deploy"]
            assert (deploy["mode"], deploy["replicas"]) == ("replicated", 1), name
            assert deploy["placement"] == {"constraints": ["node.role == worker"], "preferences": [{"spread": "node.labels.zone"}]}, name
    assert set(stack_of("openmpf")["keep_replicas"]) <= services("core.yml", "components.yml").keys()


def test_markup_and_the_readers_of_logs_are_on_every_node() -> None:
    found = services(*PRODUCTION)
    assert {name for name, service in found.items() if service["deploy"].get("mode") == "global"} == {"markup", "filebeat"}


def test_each_server_reserves_a_gpu_and_frees_it_before_the_next_one_starts() -> None:
    for name in ("clip-detection-server", "ocv-yolo-detection-server", "trtis-detection-server"):
        deploy = services(*PRODUCTION, **ENVIRONMENT, GPU_SERVERS="2")[name]["deploy"]
        (gpu,) = deploy["resources"]["reservations"]["generic_resources"]
        assert gpu["discrete_resource_spec"] == {"kind": "gpu", "value": 1} and deploy["replicas"] == 2, name
        assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first", name


def test_no_password_and_no_key_is_in_any_environment() -> None:
    keystore = {"KEYSTORE_PATH": str(EXAMPLE / "core.yml"), "KEYSTORE_PASSWORD": "quite secret, also"}
    found = services(*PRODUCTION, "azure.yml", "https.yml", **ENVIRONMENT, **AZURE, **keystore)
    assert len(found) == 37
    assert not [text for text in ("quite secret", "a key of azure", "a=admin") if text in str(found)]
    assert "quite secret" not in str(services(*LAB, **LAB_ENVIRONMENT))


def test_the_workflow_manager_takes_the_password_of_the_file_and_not_that_of_its_image() -> None:
    given = services("core.yml")["workflow-manager"]["environment"]
    assert given["POSTGRES_PASSWORD"] == "" and given["POSTGRES_PASSWORD_LOAD_FROM_FILE"] == "/run/secrets/postgres_password"


def test_https_takes_the_place_of_http() -> None:
    found = services("core.yml", "https.yml", **ENVIRONMENT, KEYSTORE_PATH=str(EXAMPLE / "core.yml"), KEYSTORE_PASSWORD="x")
    manager = found["workflow-manager"]
    assert [port["target"] for port in manager["ports"]] == [8443] and "8443" in manager["healthcheck"]["test"][-1]
    assert {secret["source"] for secret in manager["secrets"]} == {"postgres_password", "https_keystore", "keystore_password"}


def test_the_lab_runs_what_it_has_as_production_does() -> None:
    production = services("core.yml", "components.yml", "users.yml", **ENVIRONMENT, PORT_MODE="host")
    lab = services(*LAB, **LAB_ENVIRONMENT)
    assert lab.keys() - production.keys() == {"activemq", "client"}
    assert lab.keys() & production.keys() == {
        "db", "redis", "workflow-manager", "markup", "ocv-face-detection", "tesseract-ocr-text-detection",
    }  # fmt: skip
    for name in lab.keys() & production.keys():
        differ = {key for key in lab[name] if lab[name][key] != production[name].get(key)}
        assert differ <= {"image", "volumes", "deploy", "depends_on"}, name
        changed = {key for key in lab[name]["deploy"] if lab[name]["deploy"][key] != production[name]["deploy"].get(key)}
        assert changed <= {"endpoint_mode", "replicas"}, name


@pytest.mark.parametrize("name", ["TAG", "POSTGRES_PASSWORD", "USER_PROPERTIES"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(FlotillaError, match=name):
        load(*PRODUCTION, **{other: value for other, value in ENVIRONMENT.items() if other != name})
