#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_info
short_description: Say which NVIDIA GPUs a host has and what a swarm should know of them
version_added: 0.1.0
description:
  - Asks C(nvidia-smi) for the GPUs and their MIG devices, and says the generic resources and labels of such a node.
  - A host without a driver is no error; RV(state) says so.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
options:
  kinds:
    description:
      - The kind of generic resource by model. A key is a model as C(nvidia-smi) names it, in which V(*) stands for
        anything and case does not matter. The first key that fits counts, and V(gpu) is the kind of the other models.
      - Each GPU is of one kind, so that no two tasks are given the same one.
    type: dict
    default: {}
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look at the GPUs
  flotilla.swarm.gpu_info:
    kinds: {"*A100*": gpu_large}
  register: found
"""

RETURN = r"""
state:
  description:
    - V(ready) where the driver answers, V(absent) where there is no C(nvidia-smi), and V(failed) where it can't tell of
      every GPU.
  returned: success
  type: str
  sample: ready
message:
  description: What C(nvidia-smi) said, unless RV(state=ready).
  returned: success
  type: str
  sample: ""
gpus:
  description: The GPUs. Empty unless RV(state=ready).
  returned: success
  type: list
  elements: dict
  contains:
    index: {description: Its number., type: int, returned: success}
    uuid: {description: The whole UUID., type: str, returned: success}
    model: {description: Its model., type: str, returned: success}
    memory_mb: {description: Memory in MiB., type: int, returned: success}
    mig: {description: Whether it is in MIG mode., type: bool, returned: success}
    devices:
      description: Its MIG devices, with V(uuid) and V(profile).
      type: list
      elements: dict
      returned: success
resources:
  description: C(node-generic-resources) of the engine, one entry for each GPU, or for each MIG device of one in MIG mode.
  returned: success
  type: list
  elements: str
  sample: ["gpu=GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"]
swarm_resource:
  description: The value of C(swarm-resource) in the container toolkit's configuration.
  returned: success
  type: str
  sample: DOCKER_RESOURCE_GPU
labels:
  description: Labels of the node, V(gpu) and one for each model.
  returned: success
  type: dict
  sample: {"gpu": "true", "gpu.nvidia-a100-sxm4-40gb": "true"}
toolkit:
  description: Version of the NVIDIA container toolkit. Empty where there is none.
  returned: success
  type: str
  sample: 1.19.0
"""

import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils.host import gpus
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Plan, PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import host_world, run_module

ARGUMENTS = {"kinds": {"type": "dict", "default": {}}}
NO_COMMAND = 127
NO_DEVICES = "No devices were found"


def observe(host: t.Any, params: dict[str, t.Any]) -> dict[str, t.Any]:
    gpus.refuse_wrong_kinds(params["kinds"])
    toolkit = gpus.parse_version(host.run(["nvidia-ctk", "--version"])[1])
    code, out, err = host.run(["nvidia-smi", f"--query-gpu={gpus.QUERY}", "--format=csv,noheader,nounits"])
    if code == NO_COMMAND:
        return {"state": "absent", "message": err.strip(), "gpus": [], "toolkit": toolkit}
    # newer drivers exit with 6 where there is no GPU
    if code and NO_DEVICES not in out:
        return {"state": "failed", "message": out.strip() or err.strip(), "gpus": [], "toolkit": toolkit}
    try:
        found = gpus.parse_query(out, host.run(["nvidia-smi", "-L"])[1])
    except PlanError as error:  # a GPU that is lost is a line of complaint among the others
        return {"state": "failed", "message": str(error), "gpus": [], "toolkit": toolkit}
    return {"state": "ready", "message": "", "gpus": found, "toolkit": toolkit}


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    found, kinds = observed["gpus"], params["kinds"]
    told = {
        "gpus": [gpu.as_result() for gpu in found],
        "resources": gpus.resources(found, kinds),
        "swarm_resource": gpus.swarm_resource(found, kinds),
        "labels": gpus.labels(found),
    }
    return Plan(result={**observed, **told})


def main() -> None:
    run_module(ARGUMENTS, observe, plan, world=host_world)


if __name__ == "__main__":
    main()
