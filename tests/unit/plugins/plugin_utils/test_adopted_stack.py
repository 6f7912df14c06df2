# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack that runs is written so that the plan of what was written is empty; what can't be written is told."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.reconstruct import Pools
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.swarm_objects import SwarmObjects
from ansible_collections.flotilla.swarm.plugins.modules import stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.adopted_stack import AdoptedStack, adopt_service, adopt_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.interpolate import escaped
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from corpus import CORPUS, MISSING, Case, find_cases, outside
from fake_engine import FakeEngine, node
from hypothesis import given, reject
from hypothesis import strategies as st
from module_runner import run_module_main
from random_stacks import RICH_STACK, STACK

Json = dict[str, t.Any]
NODES = [node("m1", role="manager", leader=True), node("w1")]


def seen(fake: FakeEngine) -> SwarmObjects:
    """What module ``swarm_specs`` lists."""
    cluster = fake.cluster
    return SwarmObjects(
        services=list(cluster.services.values()),
        networks=list(cluster.networks.values()),
        secrets=list(cluster.secrets.values()),
        configs=list(cluster.configs.values()),
        nodes=Nodes(list(cluster.nodes.values())),
    )


def run(fake: FakeEngine, name: str, model: Json, check: bool = False, **options: t.Any) -> Json:
    given = {"docker_host": fake.docker_host, "name": name, "model": json.dumps({"model": model}), "resolve_image": "never", "wait": False}
    result = run_module_main(stack.main, {**given, **options}, check=check, diff=True)
    assert not result.get("failed"), result["msg"]
    return result


def plan_of_files(fake: FakeEngine, adopted: AdoptedStack, folder: Path) -> list[Json]:
    for path, data in adopted.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    loaded = load_stack([str(folder / "stack.yml")], env=adopted.variables)
    fake.forget()
    planned = run(fake, adopted.name, loaded.model, check=True, keep_versions=adopted.keep_versions)
    assert not fake.writes
    plan: list[Json] = planned["plan"]
    return plan


@given(history=st.tuples(STACK, STACK) | st.tuples(RICH_STACK), content_names=st.booleans())
def test_the_plan_of_any_stack_that_runs_is_empty(history: tuple[Json, ...], content_names: bool) -> None:
    with FakeEngine(nodes=NODES) as fake, tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(history):
            document = escaped({key: value for key, value in data.items() if key != "_env"})
            try:
                model = load_stack(content=json.dumps(document), env=data["_env"], project_dir="/").model
            except ComposeError:  # such as half a template
                reject()
            run(fake, "app", model, prune=True, content_names=content_names or number < len(history) - 1)
        adopted = adopt_stack("app", seen(fake), Pools())
        text = adopted.files["stack.yml"].decode()
        assert not adopted.remarks and not adopted.problem, (adopted.remarks, adopted.problem, text)
        assert plan_of_files(fake, adopted, Path(folder)) == [], text


@pytest.mark.skipif(not CORPUS.is_dir(), reason=MISSING)
@pytest.mark.parametrize("case", [case for case in find_cases() if not case.rejected], ids=lambda case: case.name)
def test_the_plan_of_a_strangers_stack_is_empty(case: Case, tmp_path: Path, fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=NODES, **outside(case))
    model = load_stack(case.files, env=case.env, undefined="blank").model
    run(fake, case.stack, model, content_names=False)
    adopted = adopt_stack(case.stack, seen(fake), Pools())
    assert not adopted.remarks and not adopted.problem, adopted.files["stack.yml"].decode()
    assert plan_of_files(fake, adopted, tmp_path) == []


def swarm_of(*services: Json, **more: t.Any) -> SwarmObjects:
    return SwarmObjects(services=[{"ID": spec["Name"], "Spec": spec} for spec in services], nodes=Nodes(NODES), **more)


def service(name: str = "web", container: Json | None = None, labels: Json | None = None, **more: t.Any) -> Json:
    template = {"ContainerSpec": {"Image": "nginx:1", **(container or {})}, **more.pop("template", {})}
    return {"Name": name, "Labels": labels or {}, "TaskTemplate": template, "Mode": {"Replicated": {"Replicas": 2}}, **more}


def in_stack(name: str, container: Json | None = None, **more: t.Any) -> Json:
    """A service as ``docker stack deploy`` makes it, for stack app."""
    key = name.removeprefix("app_")
    labels = {"com.docker.stack.namespace": "app", "com.docker.stack.image": "nginx:1"}
    attached = {"Networks": [{"Target": "n1", "Aliases": [key]}], **more.pop("template", {})}
    own = {"Labels": {"com.docker.stack.namespace": "app"}, **(container or {})}
    return service(name, own, labels, template=attached, **more)


RECURSIVE = {"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"NonRecursive": True}}
DEFAULT = {"Id": "n1", "Name": "app_default", "Driver": "overlay", "Labels": {"com.docker.stack.namespace": "app"}}


def test_a_file_says_no_more_than_it_has_to() -> None:
    full = {
        "StopGracePeriod": 10_000_000_000,
        "DNSConfig": {},
        "Isolation": "default",
        "Env": ["B=2", "A"],
        "Privileges": {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False},
    }
    policy = {"Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000, "MaxFailureRatio": 0, "Order": "stop-first"}
    adopted = adopt_stack("app", swarm_of(in_stack("app_web", full, UpdateConfig=policy), networks=[DEFAULT]), Pools())
    said = "services:\n  web:\n    image: nginx:1\n    environment:\n      B: '2'\n      A: null\n    deploy:\n      replicas: 2\n"
    assert adopted.files["stack.yml"].decode() == said


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (in_stack("app_web", template={"Networks": []}), ["networks.app_default"]),
        (in_stack("app_web", template={"Networks": [{"Target": "n1"}]}), ["networks.app_default.aliases"]),
        (in_stack("app_web", {"Labels": {}}), ["container_labels.com.docker.stack.namespace"]),
        (in_stack("app_web", {"Image": "nginx:2"}), ["labels.com.docker.stack.image"]),
        (in_stack("app_web", {"Mounts": [RECURSIVE]}), ["volumes./b.bind_options"]),
        (in_stack("app_web", Mode={"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 5}}), ["total_completions: 5 -> 1"]),
        (in_stack("other"), ["other has the label of this stack"]),
        ({**in_stack("app_plugin"), "TaskTemplate": {"Runtime": "plugin"}}, ["app_plugin runs no image"]),
        (in_stack("app_web", {"Env": ["=x"]}), ["can't be deployed", "a variable has no name"]),
    ],
)
def test_what_a_stack_file_cant_say_is_told_where_it_belongs(spec: Json, words: list[str]) -> None:
    adopted = adopt_stack("app", swarm_of(spec, in_stack("app_ok"), networks=[DEFAULT]), Pools())
    text = " ".join(line.strip("# ") for line in adopted.files["stack.yml"].decode().splitlines() if line.strip().startswith("#"))
    assert all(word in text for word in words), text
    assert adopted.remarks or adopted.problem


def test_a_service_of_no_stack_is_a_proposal() -> None:
    container = {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/d"}], "Env": ["DB_PASSWORD=hush", "A=$5"]}
    spec = service(container=container, template={"Networks": [{"Target": "n2"}]}, labels={"a": "b"})
    other = {"Id": "n2", "Name": "front", "Driver": "overlay", "Labels": {}}
    adopted = adopt_service({"ID": "s", "Spec": spec}, swarm_of(spec, networks=[other]), Pools())
    text = adopted.files["stack.yml"].decode()
    assert adopted.stands_apart and "Deployed, this one is called web_web." in text and "hush" not in text
    assert adopted.variables == {"WEB_DB_PASSWORD": "hush"}
    model = load_stack(content=text, env=adopted.variables).model
    assert model["services"]["web"]["environment"] == {"DB_PASSWORD": "hush", "A": "$5"}
    assert model["networks"] == {"front": {"external": True, "name": "front"}}
    assert model["volumes"] == {"data": {"external": True, "name": "data"}}


def test_a_bare_variable_of_a_service_is_not_filled_in_by_a_secret() -> None:
    spec = in_stack("app_web", {"Env": ["WEB_DB_PASSWORD", "DB_PASSWORD=hush"]})
    adopted = adopt_stack("app", swarm_of(spec, networks=[DEFAULT]), Pools())
    assert adopted.variables == {"WEB_DB_PASSWORD_": "hush"} and not adopted.remarks


@pytest.mark.parametrize(
    ("subnet", "is_written"), [("10.0.5.0/24", False), ("10.0.5.0/25", True), ("172.30.0.0/24", True), ("fd00:5::/64", True)]
)
def test_a_subnet_is_written_where_the_swarm_would_choose_another(subnet: str, is_written: bool) -> None:
    own = {**DEFAULT, "IPAM": {"Config": [{"Subnet": subnet, "Gateway": subnet.split("/")[0]}]}}
    adopted = adopt_stack("app", swarm_of(in_stack("app_web"), networks=[own]), Pools())
    assert (subnet in adopted.files["stack.yml"].decode()) == is_written and not adopted.remarks, adopted
