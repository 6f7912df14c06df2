# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the survey of ``update`` as one update."""

from __future__ import annotations

DOCUMENTATION = r"""
name: survey_update
short_description: What the survey of an update was answered
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - A survey of AWX sets variables that are texts. This puts C(update_image), C(update_environment) and so on together, one for each
    suboption of O(flotilla.swarm.service#module:update).
  - A text that begins with a bracket or brace is read as JSON. A variable that is not there, or is empty, is left out.
options: {}
"""

EXAMPLES = r"""
- name: Update what the survey names
  flotilla.swarm.service:
    name: "{{ services_names }}"
    update: "{{ lookup('flotilla.swarm.survey_update') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, as O(flotilla.swarm.service#module:update) takes it.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.survey import read_answers

from ..module_utils._core.stack.service_options import UPDATE
from ..module_utils.errors import FlotillaError

PREFIX = "update_"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        there = {f"{PREFIX}{part}" for part in UPDATE} & set(variables or {})
        answers = {name: self._templar.template((variables or {})[name]) for name in there}
        try:
            return [read_answers(answers, PREFIX, UPDATE)]
        except FlotillaError as error:
            raise AnsibleError(str(error)) from None
