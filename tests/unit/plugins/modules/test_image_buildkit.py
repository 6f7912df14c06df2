# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module image with BuildKit: what docker buildx bake is told, and what nobody else is."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import image
from fake_docker import FakeDocker
from image_builder import DIGEST, Builder
from module_runner import run_module_main

NAME = "r:5000/app:1"
HASH = f"sha256:{'a' * 64}"
TOKEN, KEY = "hunter2", "-----BEGIN KEY-----\nc2VjcmV0LWtleQ\n-----END KEY-----\n"
ODD = 'x${PATH} %{if} $$ "q" \\ é\nnew'


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker(tmp_path)
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("SSH_AUTH_SOCK", "DOCKER_CONFIG", "BUILDX_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return fake


@pytest.fixture
def item(tmp_path: Path) -> dict[str, t.Any]:
    with tarfile.open(tmp_path / "context.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = 7
        archive.addfile(entry, io.BytesIO(b"FROM x\n"))
        link = tarfile.TarInfo("away")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    return {
        "name": NAME,
        "context": "app",
        "context_hash": HASH,
        "context_archive": str(tmp_path / "context.tgz"),
        "buildkit": True,
        "push": True,
    }


def run(builder: Builder, *items: t.Mapping[str, t.Any], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return run_module_main(image.main, {"docker_host": builder.docker_host, "images": list(items), **options}, check=check)


def test_builds_pushes_and_is_silent_then(builder: Builder, docker: FakeDocker, item: dict[str, t.Any], tmp_path: Path) -> None:
    more = {"args": {"ODD": ODD, "N": 2}, "labels": {"team": "blue"}, "target": "web", "platforms": ["linux/arm64"], "cache_from": ["r/c"]}
    assert run(builder, {**item, **more})["changed"]
    (build,) = docker.builds
    assert build["target"] == {
        "context": "context",
        "dockerfile": "Dockerfile",
        "target": "web",
        "args": {"ODD": ODD, "N": "2"},
        "labels": {"team": "blue", "io.flotilla.swarm.context": HASH},
        "tags": [NAME],
        "platforms": ["linux/arm64"],
        "cache-from": ["r/c"],
        "secret": [],
        "ssh": [],
        "output": ["type=docker"],
    }
    assert build["argv"][:-1] == ["buildx", "bake", "--progress", "plain", "--file"]
    assert build["context"] == ["Dockerfile", "away"] and build["environment"]["DOCKER_HOST"] == builder.docker_host
    assert build["config"] is None and not Path(build["folder"][0]).exists()
    assert builder.writes == ["POST /images/r:5000/app/push"] and builder.remote == {NAME: DIGEST}

    builder.local[NAME] = HASH
    assert not run(builder, {**item, **more})["changed"]
    assert len(docker.builds) == 1


def test_secrets_go_by_files_that_are_gone_afterwards(builder: Builder, docker: FakeDocker, item: dict[str, t.Any], tmp_path: Path) -> None:
    login = [{"registry": "docker.io", "username": "ci", "password": "pass-word"}]
    secret = {**item, "secrets": {"npm": TOKEN, "pin": 123456}, "ssh": {"default": KEY}}
    result = run(builder, secret, registry_auth=login)
    (build,) = docker.builds
    folder, mode = build["folder"]
    assert mode == "0o700"
    assert build["files"] == {"secret-0": [TOKEN, "0o600"], "secret-1": ["123456", "0o600"], "key-0": [KEY, "0o600"]}
    assert build["target"]["secret"] == [f"id=npm,src={folder}/secret-0", f"id=pin,src={folder}/secret-1"]
    assert build["target"]["ssh"] == [f"default={folder}/key-0"]
    assert build["config"]["auths"] == {"https://index.docker.io/v1/": {"auth": base64.b64encode(b"ci:pass-word").decode()}}
    assert build["config"]["cliPluginsExtraDirs"] == [str(tmp_path / "home/.docker/cli-plugins")]
    assert build["environment"]["BUILDX_CONFIG"] == str(tmp_path / "home/.docker/buildx")
    seen = json.dumps([build["argv"], build["environment"], build["target"], result])
    assert not [word for word in (TOKEN, "123456", "c2VjcmV0", "pass-word") if word in seen]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_agent_is_used_where_there_is_one(
    builder: Builder, docker: FakeDocker, item: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(builder, {**item, "ssh": {"default": ""}})
    assert result["msg"].startswith(f"building image {NAME}: ssh default has no key, and there is no SSH agent on this host. Give the key")
    assert docker.builds == []
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    run(builder, {**item, "ssh": {"default": None}})
    assert docker.builds[0]["target"]["ssh"] == ["default=/run/agent"]


def test_a_failed_build_tells_its_last_lines_without_secrets(
    builder: Builder, docker: FakeDocker, item: dict[str, t.Any], tmp_path: Path
) -> None:
    steps = "\n".join(f"#{number} RUN step{number}" for number in range(1, 21))
    docker.fail(f"{steps}\n#21 {TOKEN} c2VjcmV0LWtleQ\nERROR: failed to solve: process make did not complete: exit code: 2\n")
    result = run(builder, {**item, "secrets": {"npm": TOKEN}, "ssh": {"default": KEY}})
    assert result["failed"] and not builder.writes
    assert result["msg"].startswith(f"building image {NAME}: failed to solve: process make did not complete: exit code: 2. The last lines")
    assert "RUN step20" in result["msg"] and "RUN step5\n" not in result["msg"]
    assert TOKEN not in result["msg"] and "c2VjcmV0" not in result["msg"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_host_without_buildx_is_told_before_anything_is_done(builder: Builder, docker: FakeDocker, item: dict[str, t.Any]) -> None:
    docker.lose_buildx()
    other = {**item, "name": "r:5000/other:1", "buildkit": False}
    result = run(builder, other, item)
    assert result["msg"].startswith(f"building image {NAME} with BuildKit: the client has no plugin buildx. Set engine_client: true for")
    assert not builder.writes
    (docker.folder / "docker").unlink()
    planned = run(builder, other, item, check=True)
    assert planned["changed"] and len(planned["plan"]) == 2
    assert planned["warnings"][0].startswith("Nothing can be built with BuildKit on this host yet: there is no command docker. Set engine")
    builder.local[NAME] = HASH
    assert not run(builder, {**item, "push": False})["changed"]


@pytest.mark.parametrize("option", [{"secrets": {"a": "b"}}, {"ssh": {"a": ""}}, {"platforms": ["linux/arm64"]}, {"cache_from": ["x"]}])
def test_what_only_buildkit_can_do_needs_it(builder: Builder, item: dict[str, t.Any], option: dict[str, t.Any]) -> None:
    result = run(builder, {**item, "buildkit": False, **option})
    assert result["msg"].startswith(f"image {NAME}: {next(iter(option))} is for BuildKit. Set buildkit: true for the image.")


def test_certificates_bear_the_names_that_the_client_knows(tmp_path: Path, docker: FakeDocker, item: dict[str, t.Any]) -> None:
    from ansible_collections.flotilla.swarm.plugins.module_utils._core.image_bake import BuildKit
    from ansible_collections.flotilla.swarm.plugins.module_utils._core.image_build import Wanted
    from ansible_collections.flotilla.swarm.plugins.module_utils._io import buildkit

    client = {
        "docker_host": "tcp://h:2376",
        "tls": True,
        "validate_certs": None,
        "ca_path": "/c/a",
        "client_cert": "/c/b",
        "client_key": None,
    }
    buildkit.build(Wanted(NAME, HASH, context_archive=item["context_archive"]), BuildKit(client=client))
    (build,) = docker.builds
    assert build["certificates"] == ["ca.pem", "cert.pem"]
    assert (build["environment"]["DOCKER_TLS"], build["environment"]["DOCKER_TLS_VERIFY"]) == ("1", "1")
