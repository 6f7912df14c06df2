# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which volumes stacks declare with options."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_volumes
short_description: Which volumes stacks declare with options
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Loads the files of stacks and lists their volumes that have a driver or options, which an engine does not change where they exist.
  - A stack that can't be loaded counts as one without volumes. M(flotilla.swarm.stack) says what is wrong with it.
options:
  _terms:
    description: Stacks, with the options of M(flotilla.swarm.stack).
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Compare the volumes of every host with those of the stack
  flotilla.swarm.volume:
    volumes: "{{ query('flotilla.swarm.stack_volumes', {'name': 'grading', 'files': ['stack.yml']}) }}"
    differing: tell
"""

RETURN = r"""
_raw:
  description: Volumes in the form that M(flotilla.swarm.volume) takes.
  type: list
  elements: dict
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import optioned_volumes
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_loading import load_for

from ..module_utils.errors import FlotillaError


class LookupModule(LookupBase):
    def run(self, terms: list[dict[str, t.Any]], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        found = {volume["name"]: volume for stack in terms for volume in self._volumes(stack)}
        return list(found.values())

    def _volumes(self, stack: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        try:
            return optioned_volumes(str(stack.get("name", "")), load_for(self, stack, bool(stack.get("template"))).model)
        except FlotillaError:
            return []
