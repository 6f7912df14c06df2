# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ``docker buildx bake`` builds from; arguments and environment of a process would be visible. Pure."""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass, field

from .service.images import login_host

Json = dict[str, t.Any]
CLIENT = ("docker_host", "tls", "validate_certs", "ca_path", "client_cert", "client_key")
"""The options of a connection that the client needs, too."""
_HUB = "https://index.docker.io/v1/"
_SIGNS = {"$": "FLOTILLA_DOLLAR", "%": "FLOTILLA_PERCENT"}


@dataclass(frozen=True)
class BuildKit:
    """What a build needs that the engine's classic builder lacks.

    ``secrets`` and ``ssh`` are contents by id; an empty key of ``ssh`` stands for the agent. ``client`` are the options that reach the
    engine, ``credentials`` those for the registries of base images.
    """

    platforms: t.Sequence[str] = ()
    cache_from: t.Sequence[str] = ()
    secrets: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    client: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    credentials: t.Sequence[t.Mapping[str, str]] = field(default=(), repr=False)


def bake_file(target: Json) -> str:
    """A file for bake with one target. Every text in it is literal: no sign begins a template."""
    variables = {name: {"default": sign} for sign, name in _SIGNS.items()}
    return json.dumps({"variable": variables, "target": {"default": _literal(target)}})


def _literal(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {_literal(key): _literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    return "".join(f"${{{_SIGNS[sign]}}}" if sign in _SIGNS else sign for sign in value)


def client_config(credentials: t.Sequence[t.Mapping[str, str]], plugins: str) -> str:
    """The client's config.json with these credentials. ``plugins`` is the directory where the user's own plugins are."""
    accounts = {_HUB if login_host(item["registry"]) == "docker.io" else item["registry"]: _account(item) for item in credentials}
    return json.dumps({"auths": accounts, "cliPluginsExtraDirs": [plugins]})


def _account(item: t.Mapping[str, str]) -> Json:
    return {"auth": base64.b64encode(f"{item['username']}:{item['password']}".encode()).decode()}


def client_environment(docker_host: str, used: bool, verified: bool) -> dict[str, str]:
    """How the client reaches the engine. Newer bakes ask whether a build may read files; ours are those that the task names."""
    environment = {"DOCKER_HOST": docker_host, "BUILDX_BAKE_ENTITLEMENTS_FS": "0", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    # The client takes any value of these for true, and an empty one for false.
    return {**environment, "DOCKER_TLS": "1" if used else "", "DOCKER_TLS_VERIFY": "1" if verified else ""}


def why_failed(output: t.Sequence[str]) -> str:
    """The last error that bake told."""
    errors = [line[len("ERROR: ") :] for line in output if line.startswith("ERROR: ")]
    return errors[-1].rstrip(".") if errors else "docker buildx failed"
