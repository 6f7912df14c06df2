# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths of the nodes stacks mount."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_bind_sources
short_description: Which paths of the nodes stacks mount
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Loads the files of stacks and lists the sources of their bind mounts, which the engine does not create.
  - A stack that can't be loaded counts as one without bind mounts. M(flotilla.swarm.stack) says what is wrong with it.
options:
  _terms:
    description: Stacks, with the options of M(flotilla.swarm.stack).
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Look on every host for what the stack mounts
  flotilla.swarm.path_info:
    paths: "{{ query('flotilla.swarm.stack_bind_sources', {'name': 'grading', 'files': ['stack.yml']}) }}"
"""

RETURN = r"""
_raw:
  description: Absolute paths, sorted.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import bind_sources
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_loading import load_for

from ..module_utils.errors import FlotillaError


class LookupModule(LookupBase):
    def run(self, terms: list[dict[str, t.Any]], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        return sorted(set().union(*(self._sources(stack) for stack in terms)))

    def _sources(self, stack: dict[str, t.Any]) -> set[str]:
        try:
            return bind_sources(load_for(self, stack, bool(stack.get("template"))).model)
        except FlotillaError:
            return set()
