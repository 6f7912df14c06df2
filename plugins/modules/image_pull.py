#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Have images on a host before tasks need them
version_added: 0.1.0
description:
  - Pulls the images that the host does not have yet. A task that starts on a node without its image waits for the pull, and with
    C(stop-first) its service has one task less meanwhile.
  - Nothing is removed; M(flotilla.swarm.prune) does that.
extends_documentation_fragment:
  - flotilla.swarm.attributes
  - flotilla.swarm.engine
  - flotilla.swarm.registry
attributes:
  idempotent:
    support: full
    details: An image that is named by its tag alone is not asked for again once the host has one of that name.
options:
  images:
    description: The images, by tag, or by tag and digest such as V(registry.example.com/app:42@sha256:...).
    type: list
    elements: str
    default: []
  node_images:
    description:
      - More images by the ID of the node that must have them, as M(flotilla.swarm.stack) returns them in
        RV(flotilla.swarm.stack#module:pulls).
    type: dict
    default: {}
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Plan a deploy
  flotilla.swarm.stack:
    name: grading
    files: [stack.yml]
  check_mode: true
  delegate_to: m1
  run_once: true
  register: planned

- name: Have its images on the nodes that may run them
  flotilla.swarm.image_pull:
    node_images: "{{ planned.pulls }}"
"""

RETURN = r"""
plan:
  description: What was pulled, or in check mode would be, changes of kind V(image).
  returned: success
  type: list
  elements: dict
"""

import typing as t
from functools import partial

from ..module_utils._core.image_pull import plan_pulls
from ..module_utils._core.service.images import REGISTRY_AUTH, auth_headers, registry_of, source_of
from ..module_utils._io.engine import EngineError
from ..module_utils._io.member import Member, member_target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import Params, run_module

ARGUMENTS: dict[str, t.Any] = {
    "images": {"type": "list", "elements": "str", "default": []},
    "node_images": {"type": "dict", "default": {}},
    "registry_auth": REGISTRY_AUTH,
}


class Observed(t.NamedTuple):
    """``wanted`` are the images of this host; ``listed`` is what the engine lists; ``headers`` gives the login for an image."""

    wanted: list[str]
    listed: list[dict[str, t.Any]]
    headers: t.Callable[[str], dict[str, str] | None]


def observe(member: Member, params: Params) -> Observed:
    if member.is_to_be_installed:
        return Observed(params["images"], [], lambda image: None)
    engine = member.require_engine()
    wanted = list(params["images"])
    if params["node_images"]:
        node = engine.get("/info", "reading which node this is")["Swarm"]["NodeID"]
        wanted += params["node_images"].get(node) or []
    listed = engine.get("/images/json", "listing images") if wanted else []
    return Observed(wanted, listed, partial(auth_headers, credentials=params["registry_auth"], stored=engine.stored_login))


def plan(observed: Observed, _params: Params) -> Plan:
    return plan_pulls(observed.wanted, observed.listed)


def apply(member: Member, change: Change, observed: Observed) -> None:
    doing = f"pulling {change.name} from {registry_of(change.name)}"
    try:
        for _message in member.require_engine().stream(
            "/images/create", doing=doing, headers=observed.headers(change.name), fromImage=source_of(change.name)
        ):
            pass
    except EngineError as error:
        raise FlotillaError(error.problem, "Check the disk of this host, its way to the registry, and the login.", doing) from None


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=member_target)


if __name__ == "__main__":
    main()
