# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's stack file: what production would run, and what the lab alone does otherwise."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.labels import check_policies
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model
from fake_engine import FakeEngine, network, node
from planned_stacks import images_of, plan

EXAMPLE = Path(__file__).parents[3] / "examples" / "autograder"
SECRETS = (
    "DATABASE_PASSWORD", "BROKER_PASSWORD", "DJANGO_SECRET_KEY", "RECEIPT_KEY", "SITE_CERTIFICATE", "SITE_KEY",
    "SANDBOXES_CERTIFICATE", "SANDBOXES_KEY", "SANDBOXES_HTPASSWD", "SANDBOXES_LOGIN",
)  # fmt: skip
ENVIRONMENT = {
    "TAG": "42",
    "SITE_DOMAIN": "grading.example.org",
    "REGISTRY": "10.0.0.1:5000",
    **{name: f"hidden {name}" for name in SECRETS},
}
JOB = "migrate"
CLASSES = {f"{size}{queue}": queue for queue in ("grader", "fast_grader", "deferred_grader", "rerun_grader") for size in ("", "tiny_")}
LABELS = {
    "registry", "webserver", "django_app", "database", "cache", "rabbitmq_broker", "small_tasks", "image_builder",
    "custom_image_registry", *CLASSES,
}  # fmt: skip
INVENTORIES = EXAMPLE.parents[1] / "inventories"


def load(*files: str, **environment: str) -> dict[str, Any]:
    options = {"name": "grading", "files": files, "env": environment or ENVIRONMENT, "unsupported": "error"}
    loaded = load_model(options, [EXAMPLE])
    assert not loaded.warnings
    return dict(loaded.model)


def command(service: dict[str, Any]) -> dict[str, str]:
    """The options of a worker."""
    return dict(word.removeprefix("--").split("=", 1) for word in service["command"] if "=" in word)


def declared(inventory: str, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((INVENTORIES / inventory / f"group_vars/all/{name}.yml").read_text()))


def published(services: dict[str, Any]) -> dict[str, dict[int, str]]:
    return {name: {port["published"]: port["mode"] for port in each["ports"]} for name, each in services.items() if each.get("ports")}


def test_production_uses_the_mesh_and_public_images() -> None:
    services = load("stack.yml", **{name: value for name, value in ENVIRONMENT.items() if name != "REGISTRY"})["services"]
    images = {name: service["image"] for name, service in services.items()}
    assert {name: image for name, image in images.items() if image != "127.0.0.1:5000/autograder:42"} == {
        "database": "postgres:17", "cache": "redis:7", "rabbitmq": "rabbitmq:4.0", "sandboxes": "registry:2", "nginx": "nginx:1.28",
    }  # fmt: skip
    assert published(services) == {"nginx": {80: "host", 443: "host"}, "sandboxes": {5001: "ingress"}}
    assert [name for name, service in services.items() if service["deploy"].get("endpoint_mode", "vip") != "vip"] == ["database"]
    assert services["nginx"]["deploy"]["update_config"]["order"] == "stop-first"


def test_the_lab_differs_in_images_ports_and_names_and_in_two_classes_only() -> None:
    services, lab = load("stack.yml")["services"], load("stack.yml", "lab.yml")["services"]
    assert {service["image"].split("/")[0] for service in lab.values()} == {"10.0.0.1:5000"}
    assert published(lab) == {"nginx": {80: "host", 443: "host"}, "mesh": {5001: "host"}}
    assert {name for name in lab if lab[name]["deploy"].get("endpoint_mode") != "dnsrr"} == {JOB}
    assert services.keys() - lab.keys() == {"tiny_grader", "tiny_deferred_grader"} and lab.keys() - services.keys() == {"mesh"}
    for name, service in lab.items():
        if name != "mesh":
            changed = {key for key in {*service, *services[name]} if service.get(key) != services[name].get(key)}
            assert changed <= {"image", "deploy", *{"sandboxes": {"ports"}, "rabbitmq": {"ulimits"}}.get(name, ())}, name


@pytest.mark.parametrize("files", [("stack.yml",), ("stack.yml", "lab.yml")])
def test_the_plan_has_nothing_to_warn_of(files: tuple[str, ...], fake_engine: Callable[..., FakeEngine]) -> None:
    labels = {"m1": {}, **declared("lab" if len(files) > 1 else "prod", "nodes")["nodes_labels"]}
    nodes = [
        node(name, role="manager" if name == "m1" else "worker", leader=name == "m1", addr=f"192.0.2.{number}",
             labels=dict.fromkeys(each, "true"), cpus=8, memory=32 << 30)
        for number, (name, each) in enumerate(labels.items(), 1)
    ]  # fmt: skip
    fake = fake_engine(nodes=nodes, networks=[network("autograder")])
    options = {"name": "autograder", "files": [str(EXAMPLE / file) for file in files], "env": ENVIRONMENT}
    fake.host.images |= {image: {"digest": f"sha256:{'a' * 64}"} for image in images_of(options)}
    planned = plan(fake, options)
    services = {change["name"] for change in planned["plan"] if change["kind"] == "service"}
    assert len(services) == len(load(*files)["services"]) and not planned["warnings"]


def test_each_label_has_its_services() -> None:
    placements = [service["deploy"]["placement"]["constraints"][0] for service in load("stack.yml")["services"].values()]
    labels = {each.removeprefix("node.labels.").removesuffix(" == true") for each in placements}
    assert labels == LABELS - {"registry"} and len(LABELS) == 17


@pytest.mark.parametrize("inventory", ["prod", "staging", "lab"])
def test_an_inventory_has_each_label_within_its_rules(inventory: str) -> None:
    given = declared(inventory, "nodes")
    labels = {node: dict.fromkeys(each, "true") for node, each in given["nodes_labels"].items()}
    check_policies(labels, given["nodes_label_policies"])
    unused = {"tiny_grader", "tiny_deferred_grader"} if inventory == "lab" else set()
    assert set().union(*labels.values()) == LABELS - unused
    policies = given["nodes_label_policies"]
    assert {"database", "registry", "cache", "rabbitmq_broker", "custom_image_registry"} <= set(policies["exactly_one"])
    assert ["grader", "tiny_grader", "deferred_grader", "tiny_deferred_grader"] in policies["at_most_one_of"]


@pytest.mark.parametrize("name", CLASSES)
def test_each_of_the_eight_classes_reads_its_queue_on_every_node_with_its_label(name: str) -> None:
    many = f"{CLASSES[name].upper()}_CONCURRENCY"
    grader = load("stack.yml", **ENVIRONMENT, **{many: "7"})["services"][name]
    concurrency = "1" if name.startswith("tiny_") else "7"
    options = {"hostname": f"{name}@%h", "queues": CLASSES[name], "concurrency": concurrency}
    assert command(grader) == {"app": "grader", "loglevel": "INFO", **options}
    assert grader["deploy"]["mode"] == "global" and grader["deploy"]["placement"]["constraints"] == [f"node.labels.{name} == true"]


@pytest.mark.parametrize("inventory", ["prod", "staging"])
def test_the_inventory_says_how_many_work(inventory: str) -> None:
    given = declared(inventory, "stacks")["stacks_present"][0]["env"]
    services = load("stack.yml", **{**given, **ENVIRONMENT})["services"]
    assert services["django"]["deploy"]["replicas"] == int(given["DJANGO_REPLICAS"])
    assert services["django"]["environment"]["WEB_CONCURRENCY"] == given["WEB_CONCURRENCY"]
    assert command(services["small_tasks"])["concurrency"] == given["SMALL_TASKS_CONCURRENCY"]


def test_the_queue_keeps_its_name_its_limits_and_no_password() -> None:
    model = load("stack.yml")
    queue, config = model["services"]["rabbitmq"], model["configs"]["rabbitmq"]
    assert queue["hostname"] == "rabbit" and config["template_driver"] == "golang" and "broker_password" in str(queue["secrets"])
    content = b64decode(config["content"]).decode()
    assert "consumer_timeout = 86400000" in content and 'default_pass = {{ secret "broker_password" }}' in content


def test_the_site_has_tls_and_sends_others_there() -> None:
    model = load("stack.yml")
    content = b64decode(model["configs"]["nginx"]["content"]).decode()
    assert "return 301 https://" in content and "listen 443 ssl" in content and "TLSv1.1" not in content
    assert {each["source"] for each in model["services"]["nginx"]["secrets"]} == {"site_certificate", "site_key"}


def test_the_second_registry_has_tls_and_a_login() -> None:
    environment = load("stack.yml")["services"]["sandboxes"]["environment"]
    assert environment["REGISTRY_HTTP_ADDR"] == "0.0.0.0:5001" and environment["REGISTRY_AUTH"] == "htpasswd"
    assert {"REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY", "REGISTRY_AUTH_HTPASSWD_PATH"} <= environment.keys()


def test_the_migration_comes_first() -> None:
    services = load("stack.yml")["services"]
    assert services[JOB]["deploy"]["mode"] == "replicated-job"
    for name in ("django", "small_tasks"):
        assert services[name]["depends_on"][JOB]["condition"] == "service_completed_successfully"


def test_every_service_is_placed_checked_and_limited() -> None:
    for name, service in load("stack.yml")["services"].items():
        assert service["deploy"]["placement"]["constraints"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert name in (JOB, "sandboxes") or service["healthcheck"]["test"], name


@pytest.mark.parametrize("name", [*CLASSES, "image_builder"])
def test_who_has_the_engine_has_nothing_of_the_site(name: str) -> None:
    service = load("stack.yml")["services"][name]
    assert {each["source"] for each in service["secrets"]} == {"broker_password", "sandboxes_login"}
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    mounts = {each["target"]: each for each in service["volumes"]}
    media = mounts.pop("/var/lib/autograder/media", None)
    assert mounts.keys() == {"/tmp", "/var/run/docker.sock"} and (media is None) == (name == "image_builder")
    assert media is None or media["read_only"]


def test_no_secret_is_in_a_service() -> None:
    assert "hidden" not in str(load("stack.yml", "lab.yml")["services"])


@pytest.mark.parametrize("name", ["TAG", "SITE_DOMAIN", *SECRETS])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(FlotillaError, match=name):
        load("stack.yml", **{other: value for other, value in ENVIRONMENT.items() if other != name})
