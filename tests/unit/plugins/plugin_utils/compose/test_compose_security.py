# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``security_opt`` from the file to the Engine API."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.fields import comparable, refuse_unknown
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack, load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.render import as_file

NONE = {"CredentialSpec": None, "NoNewPrivileges": False, "SELinuxContext": None}
PROFILE = '{"defaultAction": "SCMP_ACT_ALLOW"}'
CUSTOM = {"Mode": "custom", "Profile": base64.b64encode(PROFILE.encode()).decode()}


def load(*options: str, folder: Path | None = None) -> LoadedStack:
    text = json.dumps({"services": {"a": {"image": "i", "security_opt": list(options)}}})
    return load_stack(content=text, project_dir=str(folder or "/stack"))


def made(loaded: LoadedStack) -> dict[str, t.Any]:
    return convert("stk", json.loads(json.dumps(loaded.model)), content_names=False).services[0]


@pytest.mark.parametrize(
    ("options", "privileges"),
    [
        ([], {}),
        (["no-new-privileges"], {"NoNewPrivileges": True}),
        (["no-new-privileges:true"], {"NoNewPrivileges": True}),
        (["no-new-privileges=false"], {}),
        (["seccomp=unconfined", "apparmor:unconfined"], {"Seccomp": {"Mode": "unconfined"}, "AppArmor": {"Mode": "disabled"}}),
        ([f"seccomp={PROFILE}"], {"Seccomp": CUSTOM}),
        (["seccomp:./profile.json"], {"Seccomp": CUSTOM}),
        (["label=disable"], {"SELinuxContext": {"Disable": True}}),
        (["label:user:USER", "label=level:s0:c1"], {"SELinuxContext": {"User": "USER", "Level": "s0:c1"}}),
    ],
)
def test_what_a_swarm_has_is_set(options: list[str], privileges: dict[str, t.Any], tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text(PROFILE)
    loaded = load(*options, folder=tmp_path)
    assert loaded.warnings == ()
    assert made(loaded)["TaskTemplate"]["ContainerSpec"]["Privileges"] == {**NONE, **privileges}
    shown = json.dumps(as_file(loaded.model))
    assert load_stack(content=shown.replace("$", "$$"), project_dir="/elsewhere").model == loaded.model


@pytest.mark.parametrize("option", ["apparmor=own", "systempaths=unconfined", "label=nonsense", "no-new-privileges:maybe", "seccomp="])
def test_what_a_swarm_has_not_is_said(option: str) -> None:
    loaded = load("no-new-privileges", option)
    assert loaded.warnings == (f"content: services.a.security_opt.1: Swarm ignores {option}; set it for the engine",)
    assert made(loaded)["TaskTemplate"]["ContainerSpec"]["Privileges"] == {**NONE, "NoNewPrivileges": True}


def test_a_plan_shows_it_and_an_old_engine_is_refused() -> None:
    body = made(load("no-new-privileges", f"seccomp={PROFILE}", "label=disable"))
    shown = {word: value for word, value in comparable(body).items() if word.startswith("security_opt")}
    assert shown.keys() == {"security_opt.no_new_privileges", "security_opt.seccomp", "security_opt.selinux"}
    assert shown["security_opt.no_new_privileges"] is True and shown["security_opt.selinux"] == {"disable": True}
    assert "ALLOW" not in str(shown) and shown["security_opt.seccomp"]["mode"] == "custom"
    refuse_unknown([body], (1, 44))
    with pytest.raises(PlanError, match=r"service stk_a: security_opt\.no_new_privileges is new in version 1\.44 of the Engine API"):
        refuse_unknown([body], (1, 43))
    refuse_unknown([made(load("label=disable"))], (1, 41))
