# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack files with known answers: what ``docker stack deploy`` asks the engine to create for them.

The cases are not part of the project. FLOTILLA_CORPUS names their folder, else it is shared/corpus beside the project.
"""

from __future__ import annotations

import copy
import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from fake_engine import config, network, secret

Json = dict[str, t.Any]
CORPUS = Path(os.environ.get("FLOTILLA_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")
MISSING = f"no corpus at {CORPUS}; FLOTILLA_CORPUS can name another folder"
KINDS = ("networks", "secrets", "configs", "services")
# Cases that the CLI rejects and we take, for the reasons in docs/stack-differences.md.
TAKEN = {
    "annotations_key", "cast_pids_var", "cast_replicas_literal_string", "configs_content", "env_bool", "env_file_map",
    "interp_invalid2", "interp_invalid3", "interp_plus", "labels_bool", "net_null_options", "networks_ipam_gateway",
    "null_sections", "ports_long_extra", "profiles_key", "pull_policy_key", "runtime_key", "top_name", "unknown_service_key",
    "SreeSatyaGit__SummitChatbot__summit__docker-stack",
}  # fmt: skip
# Cases that the CLI takes and the engine refuses; the engine of these answers was a recorder, which takes everything.
REFUSED = {"update_config_badaction"}
# What we send where the CLI sends nothing, for the reasons in docs/stack-differences.md: case -> service -> privileges.
MORE = {"shm_size": {"stk_a": {"NoNewPrivileges": True}}}
_STACKS = {"micro": "stk", "real": "demo"}
_SORTED_PORTS = 12  # up to here Go's sort keeps the order of equal ones


@dataclass(frozen=True)
class Case:
    name: str
    stack: str
    files: tuple[str, ...]
    env: t.Mapping[str, str]
    rejected: bool
    expected: t.Mapping[str, Json]
    """Name -> body, of everything that is created."""


def find_cases() -> list[Case]:
    cases = [_read(folder, stack) for kind, stack in _STACKS.items() for folder in sorted((CORPUS / kind).glob("*/"))]
    merge = CORPUS / "merge"
    if merge.is_dir():
        bodies = json.loads((merge / "expected.json").read_text())["bodies"]
        cases.append(Case("merge", "stk", (str(merge / "a.yml"), str(merge / "b.yml")), {}, False, by_name(bodies)))
    return cases


def _read(folder: Path, stack: str) -> Case:
    answer = json.loads((folder / "expected.json").read_text(), object_hook=lambda item: _filled_in(item, folder))
    env_file = folder / "env.json"
    env = json.loads(env_file.read_text()) if env_file.exists() else answer["env"]
    rejected = bool(answer.get("error") or answer.get("rc")) or folder.name in REFUSED
    expected = {} if rejected else by_name(body for kind in KINDS for body in answer[kind])
    for name, privileges in MORE.get(folder.name, {}).items():
        expected[name]["TaskTemplate"]["ContainerSpec"]["Privileges"].update(privileges)
    return Case(folder.name, stack, (str(folder / "stack.yml"),), {"HOME": "/home/user", **env}, rejected, expected)


def _filled_in(item: Json, folder: Path) -> Json:
    """The case with its folder put in; the CLI cleans paths, and so do we."""
    return {
        key: os.path.normpath(value.replace("{dir}", str(folder))) if isinstance(value, str) and "{dir}" in value else value
        for key, value in item.items()
    }


def by_name(bodies: t.Iterable[Json]) -> dict[str, Json]:
    """Without the IDs, which the recording engine made up, and with many ports in one order: the CLI's order of them is chance."""
    return {body["Name"]: _comparable(copy.deepcopy(body)) for body in bodies}


def _comparable(body: Json) -> Json:
    container = body.get("TaskTemplate", {}).get("ContainerSpec", {})
    for reference in (*container.get("Secrets", []), *container.get("Configs", [])):
        reference.pop("SecretID", None)
        reference.pop("ConfigID", None)
    credentials = container.get("Privileges", {}).get("CredentialSpec")
    if credentials and "Config" in credentials:
        credentials["Config"] = ""
    ports = body.get("EndpointSpec", {}).get("Ports", [])
    if len(ports) > _SORTED_PORTS:
        ports.sort(key=lambda port: json.dumps(port, sort_keys=True))
    return body


def outside(case: Case) -> dict[str, list[Json]]:
    """The external objects, and cluster volumes, that the expected services refer to."""
    names: dict[str, set[str]] = {"networks": set(), "secrets": set(), "configs": set(), "volumes": set()}
    for body in case.expected.values():
        template = body.get("TaskTemplate", {})
        container = template.get("ContainerSpec", {})
        names["networks"] |= {item["Target"] for item in template.get("Networks", [])}
        names["secrets"] |= {item["SecretName"] for item in container.get("Secrets", [])}
        names["configs"] |= {item["ConfigName"] for item in container.get("Configs", [])}
        names["volumes"] |= {mount["Source"] for mount in container.get("Mounts", []) if mount["Type"] == "cluster"}
    made: dict[str, t.Callable[[str], Json]] = {"networks": network, "secrets": secret, "configs": config, "volumes": cluster_volume}
    return {kind: [made[kind](name) for name in sorted(found - case.expected.keys())] for kind, found in names.items()}


def cluster_volume(name: str) -> Json:
    return {"Name": name, "Driver": "csi", "ClusterVolumeSpec": {}}
