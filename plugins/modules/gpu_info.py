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
  - A host without a driver is no error; RV(state) says so. Nor is one without an engine or the Docker SDK; RV(engine.route) says so.
extends_documentation_fragment:
  - flotilla.swarm.engine
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
    - V(ready) if the driver answers, V(absent) if there is no C(nvidia-smi), and V(failed) if it can't tell of
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
other_resources:
  description: What the engine offers already that is no NVIDIA GPU, in the same form.
  returned: success
  type: list
  elements: str
  sample: ["fpga=2"]
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
  description: Version of the NVIDIA container toolkit. Empty if there is none.
  returned: success
  type: str
  sample: 1.19.0
engine:
  description: By which ways the engine gives GPUs to containers.
  returned: success
  type: dict
  contains:
    version: {description: Its version. Empty if none answers., type: str, returned: success}
    route:
      description:
        - V(default runtime) where every container goes through NVIDIA's runtime, which services of a swarm need.
        - V(runtime) if only those do that ask for it, and V(cdi) if there is no such runtime, but devices that C(docker run) can
          name. A service can do neither.
        - V(none) if there is no way, V(unknown) if no engine answers.
      type: str
      returned: success
    runtimes: {description: Names of its runtimes., type: list, elements: str, returned: success}
    default_runtime: {description: The one of containers that name none., type: str, returned: success}
    cdi_spec_dirs:
      description: Where it looks for CDI devices. Empty where CDI is off, as in engines before 25, and before 28.2 by default.
      type: list
      elements: str
      returned: success
    cdi_specs:
      description:
        - The files there that describe NVIDIA GPUs, with V(path) and V(fresh), which is whether the file names the libraries of the driver
          that is loaded. After an update of the driver it does not, until C(nvidia-ctk cdi generate) runs again. V(null) if the driver's
          version is not known.
      type: list
      elements: dict
      returned: success
"""

import typing as t

from ..module_utils._core.host import gpus
from ..module_utils._io.gpus import find_gpus
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS = {"kinds": {"type": "dict", "default": {}}}
DRIVER = gpus.DRIVER


def observe(place: MemberHost, params: dict[str, t.Any]) -> dict[str, t.Any]:
    gpus.refuse_wrong_kinds(params["kinds"])
    toolkit = gpus.parse_version(place.host.run([*gpus.TOOLKIT])[1])
    # What another host's engine says has nothing to do with the GPUs and files here.
    info = place.member.inspect("")[1] if place.member.is_local else {}
    looked = dict(zip(("state", "message", "gpus"), find_gpus(place.host)))
    return {**looked, "toolkit": toolkit, "engine": _engine(place, info), "offered": info.get("GenericResources") or []}


def _engine(place: MemberHost, info: dict[str, t.Any]) -> dict[str, t.Any]:
    paths = [f"{folder}/{name}" for folder in gpus.spec_dirs(info) for name in _read(place.host.list_dir, folder) or []]
    specs = {path: _read(place.host.read, path) or "" for path in paths if path.endswith((".yaml", ".json"))}
    return gpus.read_route(info, specs, (_read(place.host.read, DRIVER) or "").strip())


def _read(read: t.Callable[[str], t.Any], path: str) -> t.Any:
    """What can't be read is for the engine to complain about."""
    try:
        return read(path)
    except FlotillaError:
        return None


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    found, kinds = observed["gpus"], params["kinds"]
    offered, told_before = observed["offered"], {name: value for name, value in observed.items() if name != "offered"}
    resources = gpus.resources(found, kinds)
    told = {
        "gpus": [gpu.as_result() for gpu in found],
        "resources": resources,
        "other_resources": gpus.other_resources(offered, resources),
        "swarm_resource": gpus.swarm_resource(found, kinds),
        "labels": gpus.labels(found),
    }
    return Plan(result={**told_before, **told})


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=member_host_target)


if __name__ == "__main__":
    main()
