#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: registry_credentials
short_description: Have a certificate and a login for a registry
version_added: 0.1.0
description:
  - Keeps one file on the controller with all that a registry with TLS and a login needs, and makes what it lacks, a private certificate
    authority, a certificate for the registry, a user and a password with its hash for C(htpasswd).
  - The file is encrypted where Ansible was given a vault password (the first one, as C(ansible-vault encrypt) takes it). Without one it is
    readable by its owner alone, and a warning says so.
  - Any run renews a certificate within 90 days before its end, and when it does not cover all names. The authority lasts ten years,
    a certificate 825 days.
  - The file may be written by hand, too, as by C(ansible-vault create). It has the texts C(username), C(password), C(certificate),
    C(key), and C(ca), each optional. A certificate without C(ca_key) is the user's own and is never replaced; the module fails where it
    is not for the registry or has ended, and warns 30 days before its end. Without C(ca) engines have to trust it as they are.
  - It refuses to create new credentials if the host's engine already trusts an authority for this registry, because they would
    lock out everyone
    who has the old ones. In a job of AWX it refuses, too, because the file would be lost with the job.
  - Nothing secret is returned or shown. P(flotilla.swarm.registry_login#lookup) hands the login on.
extends_documentation_fragment:
  - flotilla.swarm.attributes
attributes:
  diff_mode:
    support: full
    details:
      - It shows names and dates alone.
options:
  file:
    description:
      - The file on the controller. A relative path starts at the playbook, beside its directory C(playbooks), or where Ansible was started.
    type: str
    required: true
  registry:
    description:
      - Where the registry is reached, as image names begin with it, such as V(127.0.0.1:5000).
    type: str
    required: true
  names:
    description:
      - More host names and addresses that the certificate is for. V(127.0.0.1), V(localhost) and the host of O(registry) always are
        among them.
    type: list
    elements: str
    default: []
requirements:
  - bcrypt and cryptography on the controller
seealso:
  - plugin: flotilla.swarm.registry_login
    plugin_type: lookup
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Have the certificate and the login of the swarm's registry
  flotilla.swarm.registry_credentials:
    file: inventories/prod/.registry_credentials.yml
    registry: 127.0.0.1:5000
  register: registry

- name: Let the engine trust it
  ansible.builtin.copy:
    dest: /etc/docker/certs.d/127.0.0.1:5000/ca.crt
    content: "{{ registry.ca }}"
    mode: "0644"
"""

RETURN = r"""
ca:
  description: The certificate of the authority in PEM. Empty where O(file) has a certificate and no C(ca).
  returned: success
  type: str
file:
  description: The file that was found or made, as an absolute path.
  returned: success
  type: str
plan:
  description: What was made, or in check mode would be. At most one change, of kind V(registry).
  returned: success
  type: list
  elements: dict
"""
