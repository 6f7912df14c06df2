# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read on the controller: regular files of a bounded size, in clear, and inside a directory where one is given."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.backup_files import pack_stacks
from ansible_collections.flotilla.swarm.plugins.plugin_utils.build_context import BuildContext, ContextError, Recipe
from ansible_collections.flotilla.swarm.plugins.plugin_utils.controller_files import LARGEST_BYTES, ControllerFiles, read_regular
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model
from ansible_collections.flotilla.swarm.plugins.plugin_utils.vault_file import VaultFile

SECRETS = [("default", VaultSecret(b"right"))]
OTHERS = [("default", VaultSecret(b"wrong"))]
CONTENTS = {"extends": "services: {a: {image: z}}", "include": "services: {c: {image: z}}", "files": "services: {a: {image: z}}"}
# Every way in which a stack names a file; {} is the path.
WAYS = {
    "env_file": ("services: {{a: {{image: x, env_file: [{}]}}}}", {}),
    "optional env_file": ("services: {{a: {{image: x, env_file: [{{path: {}, required: false}}]}}}}", {}),
    "secret": ("services: {{a: {{image: x}}}}\nsecrets: {{s: {{file: {}}}}}", {}),
    "config": ("services: {{a: {{image: x}}}}\nconfigs: {{s: {{file: {}}}}}", {}),
    "extends": ("services: {{a: {{extends: {{file: {}, service: a}}}}}}", {}),
    "include": ("include: [{}]\nservices: {{a: {{image: x}}}}", {}),
    "include's env_file": ("include: [{{path: [other.yml], env_file: [{}]}}]\nservices: {{a: {{image: x}}}}", {}),
    "env_files": ("services: {{a: {{image: x}}}}", {"env_files": ["{}"]}),
    "files": ("services: {{a: {{image: x}}}}", {"files": ["stack.yml", "{}"]}),
}


def load(folder: Path, way: str, path: str, secrets: t.Sequence[t.Any] = (), **more: t.Any) -> t.Any:
    text, options = WAYS[way]
    (folder / "stack.yml").write_text(text.format(path))
    (folder / "other.yml").write_text("services: {b: {image: y}}")
    named = {name: [each.format(path) for each in value] for name, value in options.items()}
    return load_model({"name": "app", "files": ["stack.yml"], **named, **more}, [folder], secrets=secrets).model


def odd(folder: Path) -> dict[str, str]:
    """Path -> what is said of it, of what is no file that can be read whole."""
    os.mkfifo(folder / "pipe")
    with (folder / "large").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    (folder / "link").symlink_to("/dev/zero")
    (folder / "folder").mkdir()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(folder / "socket"))
    left.close()
    found = {"pipe": "a named pipe", "link": "a device", "folder": "a directory", "socket": "a socket"}
    found["large"] = f"{LARGEST_BYTES + 1} bytes"
    return {"/dev/zero": "a device", **{str(folder / name): text for name, text in found.items()}}


@pytest.mark.parametrize("way", WAYS)
def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path, way: str) -> None:
    for path, told in odd(tmp_path).items():
        with pytest.raises(FlotillaError) as caught:
            load(tmp_path, way, path)
        assert path in str(caught.value) and told in str(caught.value) and "expected" in str(caught.value)


def test_a_file_that_tells_no_size_is_bounded_too() -> None:
    assert len(read_regular("/proc/self/status")) > 100
    with pytest.raises(ValueError, match="expected at most 100 bytes"):
        read_regular("/proc/self/status", largest=100)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_outside_the_directory_is_read(tmp_path: Path, way: str) -> None:
    project = tmp_path / "project"
    (project / "stacks").mkdir(parents=True)
    good = CONTENTS.get(way, "A=1")
    (tmp_path / "outside").write_text(good)
    (tmp_path / "project-two").write_text(good)
    (project / "inside").write_text(good)
    (project / "link").symlink_to("../outside")
    load(project / "stacks", way, "../inside", files_below=str(project))
    load(project / "stacks", way, "../../outside")
    for path in ("../../outside", str(tmp_path / "outside"), "../link", "../../project-two"):
        with pytest.raises(FlotillaError, match=r"outside|project-two") as caught:
            load(project / "stacks", way, path, files_below=str(project))
        assert f"expected a file in {project} (files_below)" in str(caught.value)


def test_the_directory_itself_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(FlotillaError, match="files_below: directory nowhere was not found"):
        load(tmp_path, "secret", "stack.yml", files_below="nowhere")


@pytest.mark.parametrize("way", WAYS)
def test_what_ansible_vault_encrypted_is_read_in_clear(tmp_path: Path, way: str) -> None:
    content = CONTENTS.get(way, "A=geheim")
    (tmp_path / "clear").write_text(content)
    (tmp_path / "vaulted").write_bytes(VaultLib(SECRETS).encrypt(content))
    clear = load(tmp_path, way, "clear")
    assert load(tmp_path, way, "vaulted", SECRETS) == clear
    for secrets, told in (((), "this run has no password for it"), (OTHERS, "no password of this run opens it")):
        with pytest.raises(FlotillaError) as caught:
            load(tmp_path, way, "vaulted", secrets)
        text = str(caught.value)
        assert "vaulted" in text and f"it is encrypted with ansible-vault, and {told}" in text and "--vault-password-file" in text


def test_an_optional_file_that_is_absent_is_no_error(tmp_path: Path) -> None:
    assert load(tmp_path, "optional env_file", "nowhere")["services"]["a"]["environment"] == {}


def test_the_files_of_a_backup_are_bounded_too(tmp_path: Path) -> None:
    for path, told in odd(tmp_path).items():
        with pytest.raises(FlotillaError, match=told):
            pack_stacks([{"name": "app", "files": [path]}], [tmp_path])


def test_a_broken_dockerignore_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    context = BuildContext(tmp_path, Recipe("Dockerfile", {}))
    assert context.hash()
    (tmp_path / ".dockerignore").write_bytes(b"\xff\xfe")
    with pytest.raises(ContextError, match="it is not UTF-8 text"):
        context.hash()
    (tmp_path / ".dockerignore").unlink()
    (tmp_path / ".dockerignore").symlink_to("/dev/zero")
    with pytest.raises(ContextError, match="a device"):
        context.hash()


@pytest.mark.parametrize(
    "data", [b"$ANSIBLE_VAULT", b"$ANSIBLE_VAULT;1.1;AES256\n", b"$ANSIBLE_VAULT;1.1;AES256\nzz\n", b"$ANSIBLE_VAULT;9;X\n31\n"]
)
def test_what_only_begins_like_ansible_vault_is_told_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "vaulted").write_bytes(data)
    with pytest.raises(FlotillaError, match="vaulted"):
        load(tmp_path, "secret", "vaulted", SECRETS)
    loader = mock.Mock(_vault=VaultLib(SECRETS))
    with pytest.raises(FlotillaError, match="vaulted on the controller: it is encrypted with ansible-vault"):
        VaultFile("vaulted", [tmp_path], loader).read()


def test_a_file_stays_encrypted_with_the_password_that_opened_it(tmp_path: Path) -> None:
    """Not with the first of the run, which others may know."""
    dev, prod = ("dev", OTHERS[0][1]), ("prod", SECRETS[0][1])
    (tmp_path / "vaulted").write_bytes(VaultLib([prod]).encrypt(b"a: b", prod[1], "prod"))
    file = VaultFile("vaulted", [tmp_path], mock.Mock(_vault=VaultLib([dev, prod])))
    assert file.write(file.read(), "", "a") == []
    data = (tmp_path / "vaulted").read_bytes()
    assert data.splitlines()[0].endswith(b";prod") and b"a: b" in VaultLib([prod]).decrypt(data)


def test_a_directory_that_becomes_a_link_leads_nowhere(tmp_path: Path) -> None:
    """Between the look at the path and the opening of it."""
    inside, outside = tmp_path / "project" / "conf", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "key").write_text(folder.name)
    files = ControllerFiles(below=str(tmp_path / "project"))
    assert files.read(str(inside / "key")) == b"conf"
    real = os.path.realpath

    def swapped(path: str) -> str:
        place = real(path)
        if place == str(inside / "key"):
            inside.rename(tmp_path / "project" / "former")
            inside.symlink_to(outside)
        return place

    with mock.patch("os.path.realpath", swapped), pytest.raises(OSError, match="Not a directory|Too many levels"):
        files.read(str(inside / "key"))


class _Loader:
    _vault = VaultLib([])


@pytest.mark.parametrize("name", ["pipe", "large"])
def test_a_vault_file_is_a_regular_file_of_bounded_size(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd(tmp_path)
    vault = VaultFile(name, [tmp_path], _Loader())
    monkeypatch.setattr(vault, "exists", lambda: True)
    with pytest.raises(FlotillaError, match="expected a regular file|expected at most"):
        vault.read()


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    vault = VaultFile("login.yml", [tmp_path], _Loader())
    with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")), pytest.raises(FlotillaError, match="No space left"):
        vault.write({"password": "x"}, "", "a password")
    assert list(tmp_path.iterdir()) == []
