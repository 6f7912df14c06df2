#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: apt_info
short_description: Say what apt would install, upgrade or downgrade
version_added: 0.1.0
description:
  - Asks the library of apt, by the package lists that the host has. Refresh them before, with M(ansible.builtin.apt).
  - Needs the package C(python3-apt), which M(ansible.builtin.apt) installs.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
options:
  packages:
    description:
      - Packages to install, each as C(name) or C(name=version). The version may have wildcards; the newest match is used.
      - That a package is on hold does not keep it from being changed.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) leaves a package as it is that is installed, and for which O(packages) names no version. V(latest) upgrades it.
    type: str
    choices: [present, latest]
    default: present
  upgrade_system:
    description: Tell of an upgrade of the whole system as well, as C(apt-get dist-upgrade) makes it. Packages on hold stay.
    type: bool
    default: false
  check_sources:
    description: Also try to reach the hosts of the package sources, or the proxies that lead to them.
    type: bool
    default: false
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Find newer packages of the engine
  flotilla.swarm.apt_info:
    packages: [docker-ce, containerd.io]
    state: latest
  register: newer
"""

RETURN = r"""
changes:
  description:
    - The packages that would change, sorted by name, with those that change because others do. Empty where RV(problem) is not.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The name of the package., type: str, returned: success}
    action:
      description: >-
        V(install), V(upgrade), V(downgrade), V(remove), or V(configure), which finishes an installation that was broken off.
      type: str
      returned: success
    before: {description: The version that is there. Empty if there is none., type: str, returned: success}
    after: {description: The version that would be there. Empty if the package would be removed., type: str, returned: success}
unreached:
  description:
    - The hosts of package sources that can't be reached, each with the reason, such as
      V(deb.debian.org could not be resolved (Temporary failure in name resolution\)).
  returned: with O(check_sources)
  type: list
  elements: str
problem:
  description: Why O(packages) can't be had, such as V(apt has no package nix). Empty if they can.
  returned: success
  type: str
"""

import typing as t

from ..module_utils._io.apt_cache import AptCache, Unavailable
from ..module_utils._io.sources import find_unreached
from ..module_utils._io.target import Target
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "latest"], "default": "present"},
    "upgrade_system": {"type": "bool", "default": False},
    "check_sources": {"type": "bool", "default": False},
}


def observe(cache: AptCache, params: dict[str, t.Any]) -> dict[str, t.Any]:
    more = {"unreached": find_unreached(cache.sources())} if params["check_sources"] else {}
    return {**_observe_packages(cache, params), **more}


def _observe_packages(cache: AptCache, params: dict[str, t.Any]) -> dict[str, t.Any]:
    try:
        found = cache.install(params["packages"], newest=params["state"] == "latest")
        found += cache.upgrade() if params["upgrade_system"] else []
    except Unavailable as error:
        return {"changes": [], "problem": str(error)}
    changes = {change["name"]: change for change in reversed(found)}  # what is asked for by name counts more
    return {"changes": [changes[name] for name in sorted(changes)], "problem": ""}


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=Target({}, lambda module: AptCache()))


if __name__ == "__main__":
    main()
