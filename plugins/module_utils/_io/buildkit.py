# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds by ``docker buildx bake``: the one thing for which the command line client is used."""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
import tarfile
import tempfile
import typing as t

from .._core.connection import read_tls
from .._core.image_bake import BuildKit, bake_file, client_config, client_environment, why_failed
from .._core.image_build import KEPT_LINES, Wanted, last_lines
from ..errors import FlotillaError
from ..masking import SHORTEST, mask

_CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}


def problem() -> str:
    """Why nothing can be built with BuildKit on this host; empty if it can."""
    if not shutil.which("docker"):
        return "there is no command docker"
    try:
        ran = subprocess.run(["docker", "buildx", "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        return f"docker can't be run: {error.strerror}"
    return "the client has no plugin buildx" if ran.returncode else ""


def build(image: Wanted, kit: BuildKit) -> None:
    """Build the image and load it into the engine. What bake reads is in a directory that only this user can enter."""
    doing = f"building image {image.name}"
    try:
        with tempfile.TemporaryDirectory(prefix="flotilla-build-") as folder:
            _unpack(image.context_archive, os.path.join(folder, "context"))
            target = {
                "context": "context",
                "dockerfile": image.dockerfile,
                "args": image.args,
                "labels": image.all_labels,
                "tags": [image.name],
                "platforms": kit.platforms,
                "cache-from": kit.cache_from,
                "secret": [f"id={name},src={_put(folder, f'secret-{at}', text)}" for at, (name, text) in enumerate(kit.secrets.items())],
                "ssh": [_ssh(folder, f"key-{at}", name, key, doing) for at, (name, key) in enumerate(kit.ssh.items())],
                "output": ["type=docker"],
                **({"target": image.target} if image.target else {}),
            }
            path = _put(folder, "bake.json", bake_file(target))
            _run(["docker", "buildx", "bake", "--progress", "plain", "--file", path], folder, kit, doing)
    except OSError as error:
        raise FlotillaError(f"{error.filename or 'docker'}: {error.strerror}", doing=doing) from None


def _unpack(archive: str, folder: str) -> None:
    with tarfile.open(archive) as packed:
        # Our own archive, with the links that the context has; newer Pythons would refuse those that leave it.
        packed.extraction_filter = lambda member, _path: member
        packed.extractall(folder)


def _put(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    return path


def _ssh(folder: str, file: str, name: str, key: str, doing: str) -> str:
    """A key, or the agent by the path of its socket, which older and newer bakes take alike."""
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    if not key and not agent:
        cure = "Give the key in ssh, or start the agent where Ansible runs and forward it (ForwardAgent)."
        raise FlotillaError(f"ssh {name} has no key, and there is no SSH agent on this host", cure, doing)
    return f"{name}={_put(folder, file, key) if key else agent}"


def _run(command: list[str], folder: str, kit: BuildKit, doing: str) -> None:
    environment = {**os.environ, **_environment(folder, kit)}
    output: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        output.extend(line.rstrip() for line in t.cast("t.IO[str]", process.stdout))
    if process.returncode:
        hidden = [line for text in (*kit.secrets.values(), *kit.ssh.values()) for line in text.splitlines() if len(line) >= SHORTEST]
        said = mask([*output], hidden)
        raise FlotillaError(f"{why_failed(said)}. {last_lines(said)}", doing=doing)


def _environment(folder: str, kit: BuildKit) -> dict[str, str]:
    """Certificates are found by the names that the client has for them. Without credentials the user's own config.json holds."""
    client = kit.client
    tls = read_tls(client["tls"], client["validate_certs"])
    environment = client_environment(client["docker_host"], tls.used, tls.verified)
    if tls.used:
        environment["DOCKER_CERT_PATH"] = os.path.join(folder, "certificates")
        os.mkdir(environment["DOCKER_CERT_PATH"], 0o700)
        for option, name in _CERTIFICATES.items():
            if client[option]:
                os.symlink(client[option], os.path.join(environment["DOCKER_CERT_PATH"], name))
    if kit.credentials:
        own = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
        environment["DOCKER_CONFIG"] = os.path.join(folder, "config")
        os.mkdir(environment["DOCKER_CONFIG"], 0o700)
        _put(environment["DOCKER_CONFIG"], "config.json", client_config(kit.credentials, os.path.join(own, "cli-plugins")))
        environment["BUILDX_CONFIG"] = os.environ.get("BUILDX_CONFIG") or os.path.join(own, "buildx")
    return environment
