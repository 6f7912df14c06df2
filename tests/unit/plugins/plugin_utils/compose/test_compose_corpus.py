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
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.stack.spec import StackObjects, convert
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack

PROJECT = Path(__file__).resolve().parents[5]
CORPUS = Path(os.environ.get("FLOTILLA_CORPUS") or PROJECT.parent / "shared" / "corpus")
STACKS = {"micro": "stk", "real": "demo"}
# Cases that the CLI rejects and we take, for the reasons in docs/stack-differences.md.
TAKEN = {
    "annotations_key", "cast_pids_var", "cast_replicas_literal_string", "configs_content", "env_bool", "env_file_map",
    "interp_plus", "labels_bool", "net_null_options", "networks_ipam_gateway", "null_sections", "ports_long_extra",
    "profiles_key", "pull_policy_key", "runtime_key", "top_name", "unknown_service_key",
    "SreeSatyaGit__SummitChatbot__summit__docker-stack",
}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}; FLOTILLA_CORPUS can name another folder"
)


def cases() -> list[t.Any]:
    folders = (path for kind in STACKS for path in sorted((CORPUS / kind).glob("*/")))
    return [pytest.param(path, id=path.name) for path in folders]


@pytest.mark.parametrize("folder", cases())
def test_the_objects_are_those_of_the_cli(folder: Path) -> None:
    answer = json.loads((folder / "expected.json").read_text(), object_hook=lambda item: _filled_in(item, folder))
    env_file = folder / "env.json"
    env = json.loads(env_file.read_text()) if env_file.exists() else answer["env"]
    rejected = answer.get("error") or answer.get("rc")
    try:
        loaded = load_stack([str(folder / "stack.yml")], env={"HOME": "/home/user", **env}, undefined="blank")
    except ComposeError as error:
        assert rejected, str(error)
        assert str(folder) in str(error)
        return
    made = convert(STACKS[folder.parent.name], json.loads(json.dumps(loaded.model)), content_names=False)
    if rejected:
        assert folder.name in TAKEN
        return
    for kind in ("networks", "secrets", "configs", "services"):
        assert [_comparable(body) for body in getattr(made, kind)] == [_comparable(body) for body in answer[kind]]


def test_the_merge_of_two_files_is_that_of_the_cli() -> None:
    folder = CORPUS / "merge"
    loaded = load_stack([str(folder / "a.yml"), str(folder / "b.yml")])
    made = convert("stk", loaded.model, content_names=False)
    assert _by_name(_bodies(made)) == _by_name(json.loads((folder / "expected.json").read_text())["bodies"])


def _filled_in(item: dict[str, t.Any], folder: Path) -> dict[str, t.Any]:
    """The case with its folder put in; the CLI cleans paths, and so do we."""
    return {
        key: os.path.normpath(value.replace("{dir}", str(folder)))
        if isinstance(value, str) and "{dir}" in value
        else value
        for key, value in item.items()
    }


def _comparable(body: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without the IDs, which the recording engine made up, and with ports in one order: the CLI's order of them is chance."""
    body = copy.deepcopy(body)
    if "TaskTemplate" not in body:
        return body
    container = body["TaskTemplate"]["ContainerSpec"]
    for reference in (*container.get("Secrets", []), *container.get("Configs", [])):
        reference.pop("SecretID", None)
        reference.pop("ConfigID", None)
    credentials = container["Privileges"]["CredentialSpec"]
    if credentials:
        credentials["Config"] = credentials["Config"].removeprefix("configs-id-")
    if "Ports" in body["EndpointSpec"]:
        body["EndpointSpec"]["Ports"].sort(key=lambda port: json.dumps(port, sort_keys=True))
    return body


def _bodies(made: StackObjects) -> list[dict[str, t.Any]]:
    return [*made.networks, *made.secrets, *made.configs, *made.services]


def _by_name(bodies: list[dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    return {body["Name"]: _comparable(body) for body in bodies}
