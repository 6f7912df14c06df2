# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module image gets of the build keys of stack files."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_images import chosen_stacks, images_of, join_images

Json = dict[str, t.Any]
ENV = {"TAG": "7", "JOBS": "4", "TOKEN": "tok"}


def images(folder: Path, *texts: str, env: t.Mapping[str, str] = ENV, **options: t.Any) -> list[Json]:
    loaded = load_stack(content=list(texts), project_dir=str(folder), env=env, builds=True, **options)
    return images_of("site", loaded.model)


@pytest.mark.parametrize("version", ["", 'version: "3.9"\n'])
@pytest.mark.parametrize(
    ("build", "made"),
    [
        ("app", {"context": "{}/app"}),
        (".", {"context": "{}"}),
        ("/srv/app", {"context": "/srv/app"}),
        ("{context: app, dockerfile: docker/web, target: web}", {"context": "{}/app", "dockerfile": "docker/web", "target": "web"}),
        ("{dockerfile: web}", {"context": "{}", "dockerfile": "web"}),
        ("{context: app, dockerfile: /srv/web}", None),
        ("{context: /srv/app, dockerfile: /srv/app/d/web}", {"context": "/srv/app", "dockerfile": "d/web"}),
        ("{context: ., args: {JOBS: $JOBS, N: 2, EMPTY: ''}}", {"context": "{}", "args": {"JOBS": "4", "N": "2", "EMPTY": ""}}),
        ("{context: ., args: [A=x=y, JOBS, NOT_GIVEN]}", {"context": "{}", "args": {"A": "x=y", "JOBS": "4"}}),
        ("{context: ., args: {JOBS: , NOT_GIVEN: }}", {"context": "{}", "args": {"JOBS": "4"}}),
        ("{context: ., labels: [a=1, b]}", {"context": "{}", "labels": {"a": "1", "b": ""}}),
        ("{context: ., platforms: [linux/arm64]}", {"context": "{}", "platforms": ["linux/arm64"]}),
        ("{context: ., cache_from: ['r:5000/app:$TAG']}", {"context": "{}", "cache_from": ["r:5000/app:7"]}),
        ("{context: ., secrets: [token]}", {"context": "{}", "secrets": {"token": "tok"}}),
        ("{context: ., secrets: [{source: token, target: npm}]}", {"context": "{}", "secrets": {"npm": "tok"}}),
        ("{context: ., ssh: default}", {"context": "{}", "ssh": {"default": ""}}),
        ("{context: ., ssh: [default, deploy=key]}", {"context": "{}", "ssh": {"default": "", "deploy": "a key\n"}}),
        ("{context: ., ssh: {deploy: ./key}, x-note: me}", {"context": "{}", "ssh": {"deploy": "a key\n"}}),
    ],
)
def test_a_build_becomes_an_image(tmp_path: Path, version: str, build: str, made: Json | None) -> None:
    (tmp_path / "key").write_text("a key\n")
    text = f"{version}services: {{web: {{image: 'r:5000/app:$TAG', build: {build}}}}}\n"
    secrets = "secrets: {token: {environment: TOKEN}}\n" if "token" in build and not version else ""
    if version and "secrets" in build:
        (tmp_path / "token").write_text("tok")
        secrets = "secrets: {token: {file: token}}\n"
    (image,) = images(tmp_path, text + secrets)
    context = tmp_path / "app"
    made = made or {"context": str(context), "dockerfile": str(Path(*[".."] * len(context.parts[1:])) / "srv/web")}
    filled = {key: value.replace("{}", str(tmp_path)) if isinstance(value, str) else value for key, value in made.items()}
    assert image == {"name": "r:5000/app:7", "buildkit": True, "push": True, **filled}


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("{build: app}", "no image is given; expected image: name:tag; build it and name it in image"),
        (
            "{image: a:1, build: {context: app, network: host}}",
            "services.web.build.network: images are not built with this key here; expected",
        ),
        ("{image: a:1, build: 'https://git.example/a.git'}", "expected a directory of the controller; check it out on the controller"),
        ("{image: a:1, build: {context: '$NO'}}", "services.web.build.context: the variable NO is not set"),
        ("{image: a:1, build: {context: [a]}}", "services.web.build.context: found ['a']; expected a text"),
        ("{image: a:1, build: {args: 3}}", "services.web.build.args: found something else; expected a mapping of texts, or a list"),
        ("{image: a:1, build: {args: {a: {b: c}}}}", "services.web.build.args: found something else"),
        ("{image: a:1, build: {platforms: linux/amd64}}", "services.web.build.platforms: found 'linux/amd64'; expected a list of texts"),
        ("{image: a:1, build: {ssh: [deploy=gone]}}", "services.web.build.ssh.deploy: cannot read "),
        ("{image: a:1, build: {secrets: [{target: x}]}}", "services.web.build.secrets.0: has no source"),
        ("{image: a:1, build: {secrets: [no]}}", "stack site, service web: its build needs the secret no, which is not defined. Define it"),
        ("{image: a:1, build: {secrets: [far]}}", "its build needs the secret far, which only the swarm has. Give it file or environment."),
        ("{image: a:1, build: {secrets: [binary]}}", "the secret binary is not text, and a build gets no other"),
        (f"{{image: 'a@sha256:{'a' * 64}', build: .}}", "has a digest, which no build can promise. Name the image by its tag."),
        ("{image: a:1}", "stack site: no service has a build. Take the stack out of images_from_stacks, or activate its profiles."),
    ],
)
def test_what_can_not_be_built_is_told(tmp_path: Path, service: str, message: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    secrets = "secrets: {far: {external: true}, binary: {file: binary}}\n"
    with pytest.raises(FlotillaError) as caught:
        images(tmp_path, f"services: {{web: {service}}}\n{secrets}")
    assert message in str(caught.value)


def test_later_files_override_and_services_share_an_image(tmp_path: Path) -> None:
    first = "services: {web: {image: a:1, build: {context: app, args: {A: 1, B: 2}, cache_from: [a:0]}}}"
    second = "services: {web: {build: {target: fast, args: {B: 3}, cache_from: [b:0]}}}"
    (image,) = images(tmp_path, first, second)
    assert (image["context"], image["target"]) == (str(tmp_path / "app"), "fast")
    assert (image["args"], image["cache_from"]) == ({"A": "1", "B": "3"}, ["a:0", "b:0"])

    same = "services: {web: {image: a:1, build: app}, worker: {image: a:1, build: app}, other: {image: b:1, build: app}, db: {image: c}}"
    assert [image["name"] for image in images(tmp_path, same)] == ["a:1", "b:1"]
    with pytest.raises(PlanError, match="stack site: services web and worker build a:1 in two ways"):
        images(tmp_path, same.replace("a:1, build: app}, other", "a:1, build: lib}, other"))


def test_profiles_and_included_files_count(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/more.yml").write_text("services: {base: {image: base:1, build: {target: x}, profiles: [base]}}")
    text = "include: [lib/more.yml]\nservices: {web: {image: a:1, build: app}}"
    assert [image["name"] for image in images(tmp_path, text)] == ["a:1"]
    (first, second) = sorted(images(tmp_path, text, profiles=["base"]), key=lambda image: str(image["name"]))
    assert (first["name"], second["context"]) == ("a:1", str(tmp_path / "lib"))


def test_who_deploys_needs_no_variables_of_a_build(tmp_path: Path) -> None:
    text = "services: {web: {image: a:1, build: {context: $NO, network: host}}}"
    loaded = load_stack(content=text, project_dir=str(tmp_path))
    assert loaded.model["services"]["web"] == {"image": "a:1"}
    assert loaded.warnings == (
        "content: services.web.build: Swarm ignores it; images_from_stacks of role images builds it before the deploy",
    )


def test_an_image_of_two_stacks_is_built_once() -> None:
    one, other = {"name": "a:1", "context": "/a"}, {"name": "b:1", "context": "/a"}
    assert join_images([[one, other], [{**one}]]) == [one, other]


def test_names_stand_for_declared_stacks() -> None:
    stacks = [{"name": "site", "files": ["site.yml"]}, {"name": "jobs", "files": ["jobs.yml"]}]
    own = {"files": ["tools.yml"], "env": {"TAG": "1"}}
    assert chosen_stacks(["jobs", own], stacks) == [stacks[1], {**own, "name": "tools.yml"}]
    with pytest.raises(PlanError, match="images_from_stacks names jbos, which is not a stack of stacks_present. Write jobs."):
        chosen_stacks(["jbos"], stacks)
    with pytest.raises(PlanError, match="Its stacks are jobs, site; or give files in place of a name."):
        chosen_stacks(["xyz"], stacks)
    with pytest.raises(PlanError, match="images_from_stacks: file is not an option of a stack. Write files."):
        chosen_stacks([{"file": ["site.yml"]}], stacks)
    with pytest.raises(PlanError, match="images_from_stacks holds 7. Name a stack of stacks_present, or give files and env."):
        chosen_stacks([7], stacks)
