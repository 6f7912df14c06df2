# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module acts on: the options that reach it, and how it is opened."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .._core.connection import read_tls, warn_of_plain
from .engine import Engine


def _cert_fallback(file_name: str) -> str:
    """The file of this name in the directory that DOCKER_CERT_PATH names, as the Docker clients do."""
    from ansible.module_utils.basic import AnsibleFallbackNotFound

    directory = os.environ.get("DOCKER_CERT_PATH")
    if not directory:
        raise AnsibleFallbackNotFound
    return os.path.join(directory, file_name)


CONNECTION: dict[str, t.Any] = {
    "docker_host": {
        "type": "str",
        "default": "unix:///var/run/docker.sock",
        "fallback": (env_fallback, ["DOCKER_HOST"]),
    },
    "tls": {"type": "bool", "default": False, "fallback": (env_fallback, ["DOCKER_TLS"])},
    "validate_certs": {"type": "bool", "fallback": (env_fallback, ["DOCKER_TLS_VERIFY"])},
    "ca_path": {"type": "path", "fallback": (_cert_fallback, ["ca.pem"])},
    "client_cert": {"type": "path", "fallback": (_cert_fallback, ["cert.pem"])},
    "client_key": {"type": "path", "fallback": (_cert_fallback, ["key.pem"])},
    "timeout": {"type": "int", "default": 60, "fallback": (env_fallback, ["DOCKER_TIMEOUT"])},
}


@dataclass(frozen=True)
class Target:
    """What a module acts on: the options that reach it, and how it is opened."""

    arguments: dict[str, t.Any]
    open: t.Callable[[AnsibleModule], t.Any]


def connect(module: AnsibleModule, first: str = "") -> Engine:
    """The engine that the options name; ``first`` is what is asked first. Raises EngineError."""
    params = {name: module.params[name] for name in CONNECTION}
    warning = warn_of_plain(params["docker_host"], read_tls(params["tls"], params["validate_certs"]))
    if warning:
        module.warn(warning)
    return Engine.connect(**params, first=first)


engine_target = Target(CONNECTION, connect)
