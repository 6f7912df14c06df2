# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of image, in a real run of ansible-playbook: what is hashed, sent, and asked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from fake_docker import FakeDocker
from image_builder import Builder
from playbook_runs import play_in

NAMES = ("r:5000/app:1", "r:5000/tool:1")


@pytest.fixture
def project(tmp_path: Path, builder: Builder) -> Path:
    """A playbook in its directory ``playbooks``, and two contexts beside that."""
    for context in ("app", "tool"):
        (tmp_path / context).mkdir()
        (tmp_path / context / "Dockerfile").write_text(f"FROM {context}\n")
    images = [{"name": name, "context": name[7:-2], "push": True} for name in NAMES]
    task = {"flotilla.swarm.image": {"images": images, "docker_host": builder.docker_host}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "build.yml").write_text(json.dumps([play]))
    return tmp_path


def started(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    path = f"{project / 'docker-bin'}:{os.environ['PATH']}"
    return play_in(project, "playbooks/build.yml", *options, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal", PATH=path)


def play(project: Path, *options: str) -> dict[str, Any]:
    """The result of the playbook's one task."""
    done = started(project, *options)
    _head, arrow, result = done.stdout.partition("=> ")
    assert arrow, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(result)
    return answer


def built(builder: Builder) -> dict[str, list[str]]:
    """Image -> files of the context that the engine got."""
    contexts = {}
    for request in builder.requests:
        if request.path == "/build":
            with tarfile.open(fileobj=io.BytesIO(request.body)) as archive:
                contexts[request.query["t"]] = archive.getnames()
    return contexts


def test_only_what_changed_is_sent(project: Path, builder: Builder) -> None:
    assert play(project, "--check")["changed"] and not builder.writes

    assert play(project)["changed"]
    assert built(builder) == {name: ["Dockerfile"] for name in NAMES}
    assert set(builder.remote) == set(NAMES)

    builder.requests.clear()
    assert not play(project)["changed"]
    assert [request.call for request in builder.requests].count(f"GET /images/{NAMES[0]}/json") == 1

    (project / "tool" / "new").write_text("x")
    builder.requests.clear()
    (change,) = play(project)["plan"]
    assert change["reason"].startswith("build, its context changed; push to r:5000")
    assert built(builder) == {NAMES[1]: ["Dockerfile", "new"]}
    assert list((project / "remote").glob("*")) == []


def test_an_argument_without_a_value_is_empty_for_both_halves(project: Path, builder: Builder) -> None:
    path = project / "playbooks/build.yml"
    (begun,) = json.loads(path.read_text())
    image = begun["tasks"][0]["flotilla.swarm.image"]["images"][0]
    begun["tasks"][0]["flotilla.swarm.image"]["images"] = [image]
    changed = []
    for value in (None, "", "None"):
        image["args"] = {"PROXY": value}
        path.write_text(json.dumps([begun]))
        changed.append(play(project)["changed"])
    assert changed == [True, False, True]


def test_a_missing_context_is_named(project: Path, builder: Builder) -> None:
    (project / "app" / "Dockerfile").unlink()
    result = play(project)
    assert f"reading the build context {project}/app: it has no file Dockerfile" in result["msg"]
    assert not builder.requests


@pytest.mark.parametrize("images", [["app:1"], {"name": "app:1"}, [{"name": "app:1", "context": "app", "args": "A=1"}]])
def test_images_of_another_shape_are_told(project: Path, builder: Builder, images: Any) -> None:
    task = {"flotilla.swarm.image": {"images": images}}
    text = json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}])
    (project / "playbooks" / "build.yml").write_text(text)
    assert "images: expected a list of mappings such as {name: app:1" in play(project)["msg"]


def write_role(project: Path, builder: Builder, **variables: Any) -> None:
    given = {"images_registry_auth": [], **variables}
    roles = [{"role": "flotilla.swarm.images", **given}]
    defaults = {"group/flotilla.swarm.swarm": {"docker_host": builder.docker_host}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "module_defaults": defaults, "roles": roles}
    (project / "playbooks" / "build.yml").write_text(json.dumps([play]))


def test_the_role_builds_what_a_stack_file_says(project: Path, builder: Builder) -> None:
    docker = FakeDocker(project)
    stack = "services: {web: {image: 'r:5000/web:$TAG', build: {context: app, secrets: [token]}}}\nsecrets: {token: {environment: TOKEN}}"
    (project / "site.yml").write_text(stack)
    site = {"name": "site", "files": ["site.yml"], "env": {"TAG": "7", "TOKEN": "hush-hush"}}
    write_role(project, builder, images_stacks=[site], images_from_stacks=["site"])
    planned = started(project, "--check", "-vvvv").stdout
    assert "build, it is not on this host; push to r:5000, which has no such image" in planned and docker.builds == []
    done = started(project, "-vvvv").stdout
    (build,) = docker.builds
    assert build["target"]["tags"] == ["r:5000/web:7"] and build["context"] == ["Dockerfile"]
    assert build["files"] == {"secret-0": ["hush-hush", "0o600"]} and list(builder.remote) == ["r:5000/web:7"]
    assert "hush-hush" not in planned + done


def test_the_role_tells_what_is_wrong_with_a_stack(project: Path, builder: Builder) -> None:
    write_role(project, builder, images_build=[], images_stacks=[], images_from_stacks=["site"])
    said = " ".join(started(project).stdout.split())
    assert "images_from_stacks names site, which is not a stack of stacks_present." in said
