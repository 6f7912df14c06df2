# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module image from its arguments to the requests that the engine gets."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import image
from fake_engine.faults import Fault
from image_builder import DIGEST, Builder
from module_runner import run_module_main

NAME = "r:5000/app:1"
HASH, OTHER_HASH = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.fixture
def item(tmp_path: Path) -> dict[str, t.Any]:
    (tmp_path / "context.tgz").write_bytes(b"packed")
    return {
        "name": NAME,
        "context": "app",
        "context_hash": HASH,
        "context_archive": str(tmp_path / "context.tgz"),
        "args": {"BASE": "debian:trixie", "JOBS": 2},
        "target": "web",
        "push": True,
    }


def run(builder: Builder, *items: t.Mapping[str, t.Any], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(image.main, {"docker_host": builder.docker_host, "images": list(items), **options}, check=check)


def test_builds_and_pushes_once(builder: Builder, item: dict[str, t.Any]) -> None:
    assert run(builder, item)["changed"]
    assert builder.local == {NAME: HASH} and builder.remote == {NAME: DIGEST}
    assert builder.writes == ["POST /build", "POST /images/r:5000/app/push"]
    (built,) = [request for request in builder.requests if request.path == "/build"]
    assert built.body == b"packed"
    assert json.loads(built.query["buildargs"]) == {"BASE": "debian:trixie", "JOBS": "2"}
    assert (built.query["target"], built.query["dockerfile"]) == ("web", "Dockerfile")
    builder.requests.clear()
    assert not run(builder, item)["changed"]
    assert [request.call for request in builder.requests if request.path not in ("/version", "/_ping", "/info")] == [
        f"GET /images/{NAME}/json",
        f"GET /distribution/{NAME}/json",
    ]


def test_check_mode_says_why_and_only_reads(builder: Builder, item: dict[str, t.Any]) -> None:
    builder.local, builder.remote = {NAME: OTHER_HASH}, {NAME: DIGEST}
    result = run(builder, {**item, "context_archive": None}, check=True)
    assert result["changed"] and not builder.writes
    (change,) = result["plan"]
    assert change["reason"] == "build, its context changed; push to r:5000, which then has an older one"
    assert change["fields"] == [{"path": "context", "before": "sha256:bbbbbbbbbbbb", "after": "sha256:aaaaaaaaaaaa"}]


def test_check_mode_without_an_engine_plans_everything(bare_host: str, item: dict[str, t.Any]) -> None:
    arguments = {"docker_host": bare_host, "images": [item]}
    assert run_module_main(image.main, arguments, check=True)["changed"]
    failed = run_module_main(image.main, arguments)
    assert failed["failed"] and "connecting to the engine" in failed["msg"]


def test_an_image_that_the_registry_lost_is_pushed_again(builder: Builder, item: dict[str, t.Any]) -> None:
    run(builder, item)
    builder.remote.clear()
    builder.requests.clear()
    run(builder, item)
    assert builder.writes == ["POST /images/r:5000/app/push"]


def test_an_image_that_was_replaced_in_the_registry_is_pushed_again(builder: Builder, item: dict[str, t.Any]) -> None:
    run(builder, item)
    builder.remote[NAME] = f"sha256:{'e' * 64}"
    (change,) = run(builder, item)["plan"]
    assert change["fields"] == [{"path": "manifest", "before": "sha256:eeeeeeeeeeee", "after": "sha256:dddddddddddd"}]
    assert builder.remote == {NAME: DIGEST}


def test_a_registry_that_does_not_answer_is_told_as_the_reason(builder: Builder, item: dict[str, t.Any]) -> None:
    run(builder, item)
    builder.faults.add(Fault("GET", "/distribution/.*", times=None, status=500, message="connect: no route to host"))
    (change,) = run(builder, item, check=True)["plan"]
    assert change["reason"] == "push to r:5000, which can't be read: connect: no route to host"


def test_a_failed_build_tells_its_last_lines(builder: Builder, item: dict[str, t.Any]) -> None:
    builder.fails = "The command '/bin/sh -c make' returned a non-zero code: 2"
    result = run(builder, item)
    assert result["failed"]
    assert result["msg"].startswith(f"building image {NAME}: The command '/bin/sh -c make' returned a non-zero code: 2.")
    assert "RUN step20" in result["msg"] and "RUN step5\n" not in result["msg"]
    assert "POST /images/r:5000/app/push" not in builder.writes


def test_loads_an_archive_once(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "base.tar").write_bytes(b"archive")
    builder.archives = {b"archive": "debian:trixie"}
    base = {"name": "debian:trixie", "archive": str(tmp_path / "base.tar")}
    assert run(builder, base)["changed"]
    assert not run(builder, base)["changed"]
    assert builder.writes == ["POST /images/load"]


def test_an_archive_of_another_image_is_an_error(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "base.tar").write_bytes(b"archive")
    builder.archives = {b"archive": "debian:bookworm"}
    result = run(builder, {"name": "debian:trixie", "archive": str(tmp_path / "base.tar")})
    assert result["msg"].endswith("the archive has no image of that name. Save it under that name. Nothing was changed.")


def test_a_missing_archive_is_named(builder: Builder, tmp_path: Path) -> None:
    result = run(builder, {"name": "debian:trixie", "archive": str(tmp_path / "none.tar")})
    assert f"{tmp_path}/none.tar: No such file or directory" in result["msg"]


def test_credentials_are_sent_and_never_shown(builder: Builder, item: dict[str, t.Any]) -> None:
    credentials = [{"registry": "r:5000", "username": "ci", "password": "hunter2"}]
    result = run(builder, item, registry_auth=credentials)
    assert builder.headers("POST /images/r:5000/app/push", "X-Registry-Auth")["password"] == "hunter2"
    assert builder.headers("POST /build", "X-Registry-Config")["r:5000"]["username"] == "ci"
    assert "hunter2" not in json.dumps({**result, "invocation": None})


def test_a_context_and_an_archive_exclude_each_other(builder: Builder, item: dict[str, t.Any]) -> None:
    result = run(builder, {**item, "archive": "/x.tar"})
    assert "mutually exclusive: context|archive" in result["msg"]
