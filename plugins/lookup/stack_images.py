# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images the build keys of stacks make."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stack_images
short_description: Which images the build keys of stacks make
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Loads the files of stacks and makes an entry of O(flotilla.swarm.image#module:images) of each service with C(build), to be
    built with BuildKit and pushed under the C(image) of the service.
  - It knows C(context), C(dockerfile), C(target), C(args), C(labels), C(platforms), C(cache_from), C(secrets) and C(ssh). Other keys are an
    error. Variables inside C(build) need a value.
  - What it returns holds the content of the builds' secrets.
options:
  _terms:
    description: Names out of O(stacks), or stacks with the options of M(flotilla.swarm.stack), whose name may be left out.
    type: list
    elements: raw
  stacks:
    description: The stacks that a name may stand for.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Build and push what the stack file builds
  flotilla.swarm.image:
    images: "{{ query('flotilla.swarm.stack_images', {'files': ['stack.yml'], 'env': {'TAG': '42'}}) }}"
"""

RETURN = r"""
_raw:
  description: Entries for O(flotilla.swarm.image#module:images), in the order of the files. One for each image.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_images import chosen_stacks, images_of, join_images
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_loading import load_for

from ..module_utils.errors import FlotillaError
from ..module_utils.redact import redact_text


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        try:
            return join_images(self._images(stack) for stack in chosen_stacks(terms, kwargs.get("stacks") or []))
        except FlotillaError as error:
            raise AnsibleError(redact_text(str(error))) from None

    def _images(self, stack: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
        return images_of(stack["name"], load_for(self, stack, bool(stack.get("template")), builds=True).model)
