#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: deploy_gate
short_description: Refuse a deploy unless the controller is ready for it
version_added: 0.1.0
description:
  - Looks at the controller alone, before any host is asked, and fails with all that stands against a deploy.
  - In check mode it warns instead, so that the plan is still shown.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
options:
  branch:
    description: Branches, or patterns such as V(release/*), one of which O(directory) must be on. None allows all.
    type: list
    elements: str
    default: []
  clean:
    description: Whether O(directory) must have no changes that are not committed, and no new files that git does not ignore.
    type: bool
    default: false
  variables:
    description: Names of variables that must be set and not be empty. Their values are not shown.
    type: list
    elements: str
    default: []
  command:
    description:
      - A command with its arguments that must end with 0, such as V([make, check]). It runs in O(directory), without a shell, and only when
        nothing else stands against the deploy. Its last lines are shown where it fails. Other users of the controller can read its
        arguments while it runs, so that no secret belongs there.
    type: list
    elements: str
    default: []
  directory:
    description: The checkout. Empty is where Ansible was started.
    type: str
    default: ""
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Deploy from what everybody can see
  flotilla.swarm.deploy_gate:
    branch: [main, release/*]
    clean: true
    variables: [image_tag]
    command: [make, check]
"""

RETURN = r"""
refusals:
  description: What stands against a deploy, one sentence each. Only in check mode can there be any.
  returned: success
  type: list
  elements: str
"""
