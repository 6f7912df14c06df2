#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_runtime
short_description: Make the NVIDIA container runtime give tasks the GPUs that swarm assigned
version_added: 0.1.0
description:
  - Sets C(swarm-resource), and where told the mode, in the configuration of the NVIDIA container toolkit. Everything
    else in the file stays as it is, to the byte.
  - Refuses a toolkit that ignores what swarm assigns, which are 1.18 and 1.19.0-rc.1 unless their mode is V(legacy).
  - The runtime reads the file whenever a container starts, so nothing has to restart.
  - In the mode V(legacy), and in V(auto) before 1.18, gives each device its link in C(/dev/char), at once and by a udev rule. Without it
    C(systemctl daemon-reload) takes the GPUs away from running containers.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  swarm_resource:
    description:
      - The variables in which the engine tells a task what it was assigned, V(DOCKER_RESOURCE_) and the kind in upper
        case, joined by commas. RV(flotilla.swarm.gpu_info#module:swarm_resource) is made for this.
    type: str
    default: DOCKER_RESOURCE_GPU
  mode:
    description: The runtime's mode. Left as it is where this is not given.
    type: str
    choices: [auto, legacy]
  path:
    description: The file.
    type: path
    default: /etc/nvidia-container-runtime/config.toml
requirements:
  - nvidia-ctk (C(nvidia-container-toolkit) in NVIDIA's repository)
author:
  - Flotilla contributors (@flotilla-swarm)
seealso:
  - module: flotilla.swarm.gpu_info
"""

EXAMPLES = r"""
- name: Give tasks the GPUs that they reserved
  flotilla.swarm.nvidia_runtime:
    swarm_resource: DOCKER_RESOURCE_GPU

- name: Stay with version 1.18 of the toolkit
  flotilla.swarm.nvidia_runtime:
    mode: legacy
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be. At most two changes, of kind V(file).
  returned: success
  type: list
  elements: dict
backup:
  description: Path of the copy of the former configuration.
  returned: when there was one, and it was replaced
  type: str
"""

import re
import typing as t
from dataclasses import dataclass

from ..module_utils._core.host import gpus, toml_key
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Plan, compare
from ..module_utils.runner import run_module

ARGUMENTS = {
    "swarm_resource": {"type": "str", "default": "DOCKER_RESOURCE_GPU"},
    "mode": {"type": "str", "choices": ["auto", "legacy"]},
    "path": {"type": "path", "default": gpus.CONFIG},
}
TABLE = "nvidia-container-runtime"
RULE = gpus.RULE
LINKS = ["nvidia-ctk", "system", "create-dev-char-symlinks", "--create-all"]
RULE_TEXT = f"""\
# Managed by flotilla.swarm.nvidia_runtime
ACTION=="add", DEVPATH=="/bus/pci/drivers/nvidia", RUN+="/usr/bin/{" ".join(LINKS)}"
"""
ONE = r"DOCKER_RESOURCE_[A-Z0-9][A-Z0-9_.-]*"


@dataclass(frozen=True)
class Observed:
    text: str | None
    rule: str | None
    toolkit: str


def observe(host: Host, params: dict[str, t.Any]) -> Observed:
    return Observed(host.read(params["path"]), host.read(RULE), gpus.parse_version(host.run([*gpus.TOOLKIT])[1]))


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if not re.fullmatch(f"{ONE}(,{ONE})*", params["swarm_resource"]):
        raise PlanError(f"swarm_resource: {params['swarm_resource']!r} must be DOCKER_RESOURCE_<KIND>, several joined by commas.")
    if not observed.toolkit:
        raise PlanError("nvidia-ctk --version shows no version", "Install the NVIDIA container toolkit, 1.19 or newer.")
    before, text = observed.text or "", observed.text or ""
    text = toml_key.put(text, "", "swarm-resource", params["swarm_resource"])
    if params["mode"]:
        text = toml_key.put(text, TABLE, "mode", params["mode"])
    if gpus.ignores_swarm(observed.toolkit) and toml_key.get(text, TABLE, "mode") != "legacy":
        raise PlanError(
            f"The NVIDIA container toolkit {observed.toolkit} ignores which GPU swarm assigned to a task, so tasks would share GPUs",
            "Install 1.19 or newer, or set mode to legacy.",
        )
    changes = []
    if text != before:
        fields = compare(_shown(before), _shown(text))
        changes.append(Change("file", params["path"], "create" if observed.text is None else "update", fields, payload=text))
    if gpus.is_legacy(observed.toolkit, toml_key.get(text, TABLE, "mode")) and observed.rule != RULE_TEXT:
        changes.append(Change("file", RULE, "create" if observed.rule is None else "update", reason="links to the devices"))
    return Plan(tuple(changes))


def _shown(text: str) -> dict[str, t.Any]:
    keys = {"swarm-resource": ("", "swarm-resource"), f"{TABLE}.mode": (TABLE, "mode")}
    values = {name: toml_key.get(text, *place) for name, place in keys.items()}
    return {name: value for name, value in values.items() if value is not None}


def apply(host: Host, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    if change.name == RULE:
        code, out, err = host.run(LINKS)
        if code:
            raise FlotillaError(f"{' '.join(LINKS)} failed: {(err or out).strip()}")
        host.put(RULE, RULE_TEXT)
        return {}
    backup = host.write(change.name, change.payload, 0o644)
    return {"backup": backup} if backup else {}


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
