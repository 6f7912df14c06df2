# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for registries."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  registry_auth:
    description:
      - Credentials for registries, sent with the requests that need them. No host keeps them; the swarm keeps those of its services,
        for the nodes that pull later.
      - For a registry that is not listed M(flotilla.swarm.stack) and M(flotilla.swarm.service) use those that the target
        keeps from C(docker login), if any.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: Host of the registry, with its port; V(docker.io) for Docker Hub.
        type: str
        required: true
      username:
        description: Name of the user.
        type: str
        required: true
      password:
        description: Password or token.
        type: str
        required: true
"""
