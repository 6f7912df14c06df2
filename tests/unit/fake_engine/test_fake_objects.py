# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, configs, volumes, images."""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Callable

import pytest

from . import FakeEngine, config, node, secret, service, volume
from .conftest import Api

MakeApi = Callable[..., Api]


def cluster() -> dict[str, t.Any]:
    return {
        "nodes": [node("m1", role="manager")],
        "secrets": [secret("key", b"hidden")],
        "configs": [config("conf", b"shown")],
    }


def reference(fake: FakeEngine, kind: str, name: str) -> dict[str, t.Any]:
    stores = {"Secret": fake.cluster.secrets, "Config": fake.cluster.configs}
    found = next(key for key, item in stores[kind].items() if item["Spec"]["Name"] == name)
    return {f"{kind}ID": found, f"{kind}Name": name, "File": {"Name": name, "UID": "0", "GID": "0", "Mode": 292}}


def test_objects_in_use_stay(make_api: MakeApi) -> None:
    api = make_api(**cluster())
    refs = {"Secrets": [reference(api.fake, "Secret", "key")], "Configs": [reference(api.fake, "Config", "conf")]}
    api.ok("POST", "/services/create", service("user", container=refs))
    assert api("DELETE", "/secrets/key")[1]["message"].endswith("secret 'key' is in use by the following service: user")
    assert api("DELETE", "/configs/conf")[0] == 400
    api.ok("DELETE", "/services/user")
    assert api("DELETE", "/secrets/key")[0] == 204
    status, answer = api("POST", "/services/create", service("user", container=refs))
    assert (status, answer["message"].endswith("secret not found: key")) == (400, True)


def test_secret_data_is_never_shown_and_config_data_is(make_api: MakeApi) -> None:
    api = make_api(**cluster())
    assert "Data" not in str(api.ok("GET", "/secrets")) + str(api.ok("GET", "/secrets/key"))
    assert base64.b64decode(api.ok("GET", "/configs/conf")["Spec"]["Data"]) == b"shown"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"Labels": {"a": "b"}}, 200), ({"Data": base64.b64encode(b"other").decode()}, 400), ({"Name": "other"}, 400)],
)
def test_only_labels_of_a_secret_change(make_api: MakeApi, change: dict[str, t.Any], status: int) -> None:
    api = make_api(**cluster())
    index = api.ok("GET", "/secrets/key")["Version"]["Index"]
    got, answer = api("POST", "/secrets/key/update", {**secret("key", b"hidden"), **change}, version=index)
    assert got == status
    assert status == 200 or "only updates to Labels are allowed" in answer["message"]


def test_volumes_keep_their_first_options(make_api: MakeApi) -> None:
    api = make_api(volumes=[volume("data", options={"type": "nfs"})])
    api.ok("POST", "/volumes/create", volume("data", options={"type": "tmpfs"}))
    assert api.ok("GET", "/volumes/data")["Options"] == {"type": "nfs"}
    assert [v["Name"] for v in api.ok("GET", "/volumes")["Volumes"]] == ["data"]
    assert api("DELETE", "/volumes/data")[0] == 204


def test_images_and_digests(make_api: MakeApi) -> None:
    api = make_api(images={"nginx:1": {"digest": "sha256:ab"}, "far:1": {"digest": "sha256:cd", "local": False}})
    assert api.ok("GET", "/distribution/nginx:1/json")["Descriptor"]["digest"] == "sha256:ab"
    assert api.ok("GET", "/images/nginx:1/json")["RepoDigests"] == ["nginx@sha256:ab"]
    assert api("GET", "/images/far:1/json")[0] == 404
