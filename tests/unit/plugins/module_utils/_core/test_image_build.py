# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an image is built, loaded or pushed."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.image_build import (
    ImageState,
    Wanted,
    build_header,
    manifests_of,
    plan_images,
    push_header,
)
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import split_tag
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

NAME = "r:5000/app:1"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
BUILD = Wanted(NAME, context_hash=NEW)
BUILD_AND_PUSH = Wanted(NAME, context_hash=NEW, push=True)
LOAD = Wanted(NAME, archive="/var/tmp/app.tar")
PUSH = Wanted(NAME, push=True)


@pytest.mark.parametrize(
    ("wanted", "seen", "steps", "reason"),
    [
        (BUILD, ImageState(), "build", "build, it is not on this host"),
        (BUILD, ImageState(True, OLD), "build", "build, its context changed"),
        (BUILD, ImageState(True), "build", "build, what is there was not built from a context"),
        (BUILD, ImageState(True, NEW), "", ""),
        (BUILD_AND_PUSH, ImageState(True, NEW, (OLD,), OLD), "", ""),
        (BUILD_AND_PUSH, ImageState(True, NEW, (OLD, NEW), NEW), "", ""),
        (BUILD_AND_PUSH, ImageState(True, OLD, (OLD,), OLD), "build push", "push to r:5000, which then has an older one"),
        (BUILD_AND_PUSH, ImageState(), "build push", "push to r:5000, which has no such image"),
        (BUILD_AND_PUSH, ImageState(True, NEW, (OLD,), NEW), "push", "push to r:5000, which has another one"),
        (BUILD_AND_PUSH, ImageState(True, NEW, (), "", "timed out"), "push", "can't be read: timed out"),
        (LOAD, ImageState(), "load", "load /var/tmp/app.tar, it is not on this host"),
        (LOAD, ImageState(True), "", ""),
        (PUSH, ImageState(True), "push", "push to r:5000, which has no such image"),
    ],
)
def test_steps_and_reasons(wanted: Wanted, seen: ImageState, steps: str, reason: str) -> None:
    changes = plan_images([wanted], {NAME: seen}).changes
    done = [step for change in changes for step in ("build", "load", "push") if getattr(change.payload, step)]
    assert done == steps.split()
    assert reason in "".join(change.reason for change in changes)
    assert [change.action for change in changes] == (["update" if seen.present else "create"] if steps else [])


def test_the_plan_shows_hashes_short() -> None:
    (change,) = plan_images([BUILD], {NAME: ImageState(True, OLD)}).changes
    assert [(f.path, f.before, f.after) for f in change.fields] == [("context", "sha256:aaaaaaaaaaaa", "sha256:bbbbbbbbbbbb")]


def test_the_order_is_kept_because_an_image_may_be_the_base_of_the_next() -> None:
    wanted = [Wanted("z:1", context_hash=NEW), Wanted("a:1", context_hash=NEW)]
    assert [change.name for change in plan_images(wanted, {"z:1": ImageState(), "a:1": ImageState()}).changes] == ["z:1", "a:1"]


def test_an_image_out_of_nothing_is_refused() -> None:
    with pytest.raises(PlanError, match=r"r:5000/app:1 is not on this host.*context.*archive"):
        plan_images([PUSH], {NAME: ImageState()})


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(PlanError, match="listed 2 times"):
        plan_images([BUILD, LOAD], {NAME: ImageState()})


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("debian:trixie", ("debian", "trixie")),
        ("debian", ("debian", "latest")),
        ("10.0.0.1:5000/app", ("10.0.0.1:5000/app", "latest")),
        ("10.0.0.1:5000/team/app:42", ("10.0.0.1:5000/team/app", "42")),
    ],
)
def test_split_tag(name: str, parts: tuple[str, str]) -> None:
    assert split_tag(name) == parts


def test_only_digests_of_the_same_repository_count() -> None:
    known = ["r:5000/app@sha256:1", "other:5000/app@sha256:2", "r:5000/app2@sha256:3"]
    assert manifests_of("r:5000/app:1", known) == ("sha256:1",)


def decode(headers: dict[str, str], name: str) -> t.Any:
    return json.loads(base64.urlsafe_b64decode(headers[name]))


def test_credentials_go_to_their_registry_only() -> None:
    credentials = [{"registry": "r:5000", "username": "u", "password": "p"}]
    assert decode(push_header(NAME, credentials), "X-Registry-Auth")["password"] == "p"
    assert decode(push_header("other:5000/app:1", credentials), "X-Registry-Auth") == {}
    assert decode(build_header(credentials), "X-Registry-Config") == {"r:5000": {"username": "u", "password": "p"}}


def test_secrets_are_not_in_the_representation() -> None:
    wanted = Wanted(NAME, context_hash=NEW, push_headers={"X-Registry-Auth": "c2VjcmV0"}, build_headers={"X": "c2VjcmV0"})
    assert "c2VjcmV0" not in repr(plan_images([wanted], {NAME: ImageState()}))
