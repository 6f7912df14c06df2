#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Have named volumes on the engine of this host, and those of former stacks removed
version_added: 0.1.0
description:
  - Creates volumes that are not there. Tasks of a stack then find the same volume on every node that this module ran
    on.
  - An engine never changes an existing volume, and takes a create with other options for success. This module
    compares driver, options
    and the wanted labels, and refuses with the node, the option, and the containers that use the volume.
  - Volumes that are not named are left alone, and no volume is removed but by O(recreate) and O(remove_stack_volumes).
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes
  - flotilla.swarm.guard
options:
  volumes:
    description: The volumes.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the volume.
        type: str
        required: true
      driver:
        description: Volume driver.
        type: str
        default: local
      options:
        description: Options of the driver, such as C(type), C(o) and C(device) of V(local).
        type: dict
      nfs:
        description: A directory of an NFS server, as options of the driver V(local). Excludes O(volumes[].options).
        type: dict
        suboptions:
          server:
            description: Name or address of the server.
            type: str
            required: true
          path:
            description: Absolute path that the server exports.
            type: str
            required: true
          version:
            description: Version of the protocol.
            type: str
            default: "4.2"
          preset:
            description:
              - Mount options for a purpose. All of them wait for a server that is away instead of losing data.
              - V(data) reads and writes. V(cache) reads and writes files that others seldom change, with attributes
                kept for 10 minutes.
                V(readonly) reads.
            type: str
            choices: [data, cache, readonly]
            default: data
          options:
            description: Mount options in place of those of O(volumes[].nfs.preset).
            type: list
            elements: str
      labels:
        description: Labels that the volume must have.
        type: dict
  differing:
    description:
      - V(refuse) creates O(volumes), and fails where one exists with other options, unless O(recreate) allows to make it anew.
      - V(tell) creates nothing and returns RV(differing).
    type: str
    choices: [refuse, tell]
    default: refuse
  recreate:
    description:
      - What becomes of a volume whose options differ.
      - With V(never) the module fails.
      - With V(if_unused) it is removed and created, if no container refers to it and its data is elsewhere (C(device)
        is set). Else the module
        fails.
    type: str
    choices: [never, if_unused]
    default: never
  remove_stack_volumes:
    description:
      - Names of stacks that were removed from the swarm. Their volumes on this host go too, with the data in them; data on a server,
        such as that of an NFS volume, stays there.
      - Where O(swarm_name) is given, O(confirm) has to be the same before any is removed, and a host in another swarm than O(cluster_id)
        is refused.
      - A volume is known by its label C(com.docker.stack.namespace). One that a container still uses makes the module fail, after it
        waited 30 seconds for the container to go.
    type: list
    elements: str
    default: []
  test_image:
    description:
      - An image on this host with C(stat) in it. A throw-away container of it mounts each volume that was created, before
        anything relies on it. When that fails the volume is removed again, and the module fails with the cause.
      - Without it the engine mounts a volume for the first time when a task starts.
    type: str
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Have the shared submissions on every node
  flotilla.swarm.volume:
    volumes:
      - name: grading_submissions
        nfs: {server: 10.0.0.5, path: /srv/submissions}
      - name: grading_scratch
    recreate: if_unused
    test_image: registry.example.org/debian:trixie

- name: Remove what a former stack kept on this host
  flotilla.swarm.volume:
    remove_stack_volumes: [grading]
"""

RETURN = r"""
differing:
  description: How volumes that exist differ from O(volumes) in driver and options, by name. What may be a credential is hidden.
  returned: when O(differing=tell)
  type: dict
  sample: {media_data: 'options.o is "size=10m", wanted is "size=20m"'}
plan:
  description: The volumes that were created, replaced or removed, or in check mode would be.
  returned: success
  type: list
  elements: dict
"""

import typing as t
from dataclasses import replace

from ..module_utils._core.cluster import guard
from ..module_utils._core.host import volume_plan, volumes
from ..module_utils._io.engine import Conflict, EngineError, NotFound
from ..module_utils._io.member import Member, member_target
from ..module_utils._io.polling import poll
from ..module_utils._io.target import Target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

NFS = {
    "server": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "version": {"type": "str", "default": "4.2"},
    "preset": {"type": "str", "choices": list(volume_plan.PRESETS), "default": "data"},
    "options": {"type": "list", "elements": "str"},
}
VOLUME = {
    "name": {"type": "str", "required": True},
    "driver": {"type": "str", "default": "local"},
    "options": {"type": "dict"},
    "nfs": {"type": "dict", "options": NFS},
    "labels": {"type": "dict"},
}
ARGUMENTS = {
    **guard.ARGUMENTS,
    "volumes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": VOLUME,
        "mutually_exclusive": [("options", "nfs")],
    },
    "recreate": {"type": "str", "choices": ["never", "if_unused"], "default": "never"},
    "differing": {"type": "str", "choices": ["refuse", "tell"], "default": "refuse"},
    "remove_stack_volumes": {"type": "list", "elements": "str", "default": []},
    "test_image": {"type": "str"},
}
GRACE_SECONDS = 30
TEST_POINT = "/flotilla-volume-test"


class Work(t.NamedTuple):
    volume: volumes.Volume
    test_image: str | None = None


def engine_of(member: Member) -> t.Any:
    """The engine, or in check mode None if the run that is predicted would have to install it first."""
    return None if member.is_to_be_installed else member.require_engine()


def observe(engine: t.Any, params: dict[str, t.Any]) -> dict[str, t.Any]:
    if params["remove_stack_volumes"]:
        guard.refuse_if_named(params)
        _refuse_stranger(engine, params)
    only_told = params["differing"] == "tell"
    wanted = volume_plan.wanted_volumes(params["volumes"], checked=not only_told)
    if engine is None:
        return {"engine": False, "wanted": wanted, "existing": {}, "users": {}, "node": ""}
    listed = engine.get("/volumes", doing="listing volumes")["Volumes"] or []
    existing = {item["Name"]: volumes.existing_volume(item) for item in listed}
    differing = [item.name for item in wanted if item.name in existing and volumes.drift(existing[item.name], item)]
    if only_told or not differing:
        return {"engine": True, "wanted": wanted, "existing": existing, "users": {}, "node": ""}
    containers = engine.get("/containers/json", doing="listing containers", all=True, filters={"volume": differing})
    users = {
        name: [
            container["Names"][0].lstrip("/")
            for container in containers
            if any(mount.get("Name") == name for mount in container.get("Mounts", []))
        ]
        for name in differing
    }
    node = engine.get("/info", doing="asking the engine for its name")["Name"]
    return {"engine": True, "wanted": wanted, "existing": existing, "users": users, "node": node}


def _refuse_stranger(engine: t.Any, params: dict[str, t.Any]) -> None:
    if engine is not None and params["cluster_id"]:
        member = Member(engine, "", params["docker_host"].startswith("unix:"), check_mode=False)
        guard.refuse_stranger(member.inspect("")[0], params["cluster_id"])


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    if params["differing"] == "tell":
        return Plan(result={"differing": volumes.tell_differing(observed["wanted"], observed["existing"])})
    there = {name: value for name, value in observed.items() if name != "engine"}
    decided = volume_plan.plan_volumes(**there, recreate=params["recreate"])
    changes = (replace(change, payload=Work(change.payload, params["test_image"])) for change in decided.changes)
    left = volume_plan.volumes_of_stacks(observed["existing"].values(), params["remove_stack_volumes"])
    removals = [Change("volume", item.name, "remove", reason=f"of stack {stack}", payload=Work(item)) for item, stack in left]
    warnings = [] if observed["engine"] else ["there is no engine on this host yet, so all volumes are absent"]
    return replace(decided, changes=(*changes, *removals), warnings=(*warnings, *decided.warnings))


def apply(engine: t.Any, change: Change, _observed: t.Any) -> None:
    volume, test_image = t.cast(Work, change.payload)
    if change.action == "remove":
        _remove(engine, volume.name)
        return
    if change.action == "replace":
        engine.delete(f"/volumes/{volume.name}", doing=f"removing volume {volume.name}")
    engine.post(
        "/volumes/create",
        {"Name": volume.name, "Driver": volume.driver, "DriverOpts": volume.options, "Labels": volume.labels},
        doing=f"creating volume {volume.name}",
    )
    problem = _try(engine, volume.name, test_image) if test_image else ""
    if problem:
        engine.delete(f"/volumes/{volume.name}", doing=f"removing volume {volume.name}")
        node = engine.get("/info", doing="asking the engine for its name")["Name"]
        raise FlotillaError(f"volume {volume.name} can't be used on {node}, and was removed again: {problem}")


def _remove(engine: t.Any, name: str) -> None:
    """Swarm tells that the tasks of a stack are gone before their containers are."""

    def remove() -> Conflict | None:
        try:
            engine.delete(f"/volumes/{name}", doing=f"removing volume {name}")
        except NotFound:
            pass
        except Conflict as error:
            return error
        return None

    conflict = poll(remove, lambda conflict: not conflict, GRACE_SECONDS, pause=1)
    if conflict:
        raise conflict


def _try(engine: t.Any, name: str, image: str) -> str:
    """Mount a volume into a container that looks at it; what went wrong, empty if nothing did."""
    doing = f"mounting volume {name} into a container of {image}"
    mount = {"Type": "volume", "Source": name, "Target": TEST_POINT, "VolumeOptions": {"NoCopy": True}}
    body = {"Image": image, "Entrypoint": ["stat"], "Cmd": [TEST_POINT], "HostConfig": {"Mounts": [mount], "NetworkMode": "none"}}
    container = ""
    try:
        container = engine.post("/containers/create", body, doing=doing)["Id"]
        engine.post(f"/containers/{container}/start", doing=doing)
        code = engine.post(f"/containers/{container}/wait", doing=doing)["StatusCode"]
    except EngineError as error:
        return str(error)
    finally:
        if container:
            engine.delete(f"/containers/{container}", doing="removing the container of the test", force=True)
    return f"stat {TEST_POINT} ended with {code} in a container of {image}." if code else ""


def main() -> None:
    run_module(
        ARGUMENTS, observe, plan, apply, target=Target(member_target.arguments, lambda module: engine_of(member_target.open(module)))
    )


if __name__ == "__main__":
    main()
