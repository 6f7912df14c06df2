# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and leftovers that nothing needs go from every node; images of a service and of its last update stay, so that it can go back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario import Run, until
from tests.scenario.operations import done, login, on, play, services

NODES = ("m1", "w1", "w2")
# Three images that differ, in the registry, and one on each node that nobody names.
MAKE = """
import docker
api = docker.APIClient(timeout=300)
api.login("{username}", "{password}", registry="{registry}")
for number in (1, 2, 3):
    name = "{registry}/kept"
    container = api.create_container("{registry}/autograder:1", ["true"], labels={{"number": str(number)}})
    api.commit(container, name, str(number))
    api.remove_container(container)
    for line in api.push(name, str(number), stream=True, decode=True):
        assert "error" not in line, line
    api.remove_image(f"{{name}}:{{number}}")
"""
LEAVE = """
import docker, io, tarfile
data = io.BytesIO()
with tarfile.open(fileobj=data, mode="w") as archive:
    content = b"left over " * 1000
    entry = tarfile.TarInfo("file")
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
docker.APIClient().import_image_from_data(data.getvalue(), "leftover", "1")
"""
# As a task leaves it whose host was wiped and has joined under another id since.
LEFT = """
import docker
labels = {"com.docker.swarm.task.id": "gone", "com.docker.swarm.node.id": "another"}
docker.APIClient().create_container("leftover:1", ["true"], name="of-before", labels=labels)
"""
CREATE = """
import docker
api = docker.APIClient()
api.login("{username}", "{password}", registry="{registry}")
api.create_service(
    {{"ContainerSpec": {{"Image": "{registry}/kept:1", "Args": ["sleep", "infinity"], "Init": True}}}},
    name="kept", mode="global", endpoint_spec={{"Mode": "dnsrr"}}, update_config={{"Monitor": 2 * 10**9, "Parallelism": 0}},
)
"""
CONTAINERS = """
import docker
print(*(name for each in docker.APIClient().containers(all=True) for name in each["Names"]))
"""
IMAGES = """
import docker, json
print(json.dumps(sorted(tag for image in docker.APIClient().images() for tag in image["RepoTags"] or image["RepoDigests"] or [])))
"""


def registry() -> str:
    return login()["registry"]


def images(word: str) -> dict[str, list[str]]:
    """Node -> the ends of its images' names in which the word is."""
    told = {node: json.loads(on(node, "python3 -", IMAGES)) for node in NODES}
    return {node: sorted({name.rpartition("/")[2].partition("@")[0] for name in names if word in name}) for node, names in told.items()}


def prune(*arguments: str, **variables: Any) -> Run:
    # The base of the lab's own builds is spared: there is no public registry to have it from again.
    return done("prune", *arguments, **{"confirm": "lab", "prune_older_than": "0s", "prune_spare": ["debian:*"], **variables})


@pytest.fixture(scope="module", autouse=True)
def updated() -> Iterator[None]:
    """A service on every node that was updated twice."""
    on("m1", "python3 -", MAKE.format(**login()))
    on("m1", "python3 -", CREATE.format(**login()))
    until(lambda: len(services()["kept"]["tasks"]) == 3)
    for number in (2, 3):
        done("update", services_names=["kept"], services_update={"image": f"{registry()}/kept:{number}"})
    for node in NODES:
        on(node, "python3 -", LEAVE)
    on("w1", "python3 -", LEFT)
    yield
    on("m1", "python3 -", "import docker; docker.APIClient().remove_service('kept')")


def test_check_mode_names_what_would_go_and_removes_nothing() -> None:
    before = images("")
    planned = prune("--check", "--diff")
    assert any(planned.changed.values()) and "leftover:1" in planned.out and "of-before" in planned.out and images("") == before
    assert "/of-before" in on("w1", "python3 -", CONTAINERS)


def test_young_images_stay() -> None:
    young = prune("--check", "--diff", prune_older_than="1h").out
    assert "leftover:1" not in young and "of-before" not in young


def test_what_nobody_needs_goes_from_every_node_and_the_way_back_stays() -> None:
    tasks = {name: each["tasks"] for name, each in services().items()}
    prune()
    assert images("leftover") == {node: [] for node in NODES} and "/of-before" not in on("w1", "python3 -", CONTAINERS)
    kept = images("kept")
    assert all(len(names) == 2 for names in kept.values()), kept
    assert images("debian:trixie")["m1"] == ["debian:trixie"]
    assert {name: each["tasks"] for name, each in services().items()} == tasks
    again = prune()
    assert not any(again.changed.values())
    done("rollback", services_names=["kept"])
    assert images("kept") == kept


def test_the_lab_converges_without_what_went() -> None:
    assert not any(done("site").changed.values())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"prune_older_than": "yesterday"}, "older_than: found 'yesterday', expected seconds or a duration"),
        ({"prune_older_than": ""}, "older_than: found '', expected seconds or a duration"),
    ],
)
def test_wrong_input_gives_one_clear_message(variables: dict[str, Any], words: str) -> None:
    before = images("")
    run = play("prune", **variables)
    assert run.rc == 2 and words in run.text and "Traceback" not in run.out and not any(run.changed.values())
    assert images("") == before
