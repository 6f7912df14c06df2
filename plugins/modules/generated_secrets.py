#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: generated_secrets
short_description: Make passwords, keys and certificates once, and keep them
version_added: 0.1.0
description:
  - Keeps one file on the controller with secrets that nobody has to think up, and makes what it lacks.
  - The file is encrypted where Ansible was given a vault password, the one that opened it or the first one, as C(ansible-vault encrypt)
    takes it. Without one it is readable by its owner alone, and a warning says so.
  - What is in the file stays as it is, also when O(secrets[].length) or O(secrets[].username) of a password differs now. Any run renews a
    certificate within 90 days before its end, and when it does not cover all names. An authority lasts ten years, a certificate 825 days.
  - What the file has besides stays, so that a secret that is declared again later is the same.
  - In a job of AWX it refuses to make anything, because the file would be lost with the job.
  - Nothing secret is returned or shown. P(flotilla.swarm.generated_secret#lookup) hands a secret on.
extends_documentation_fragment:
  - flotilla.swarm.attributes
attributes:
  diff_mode:
    support: full
    details:
      - It shows names, dates, public keys and fingerprints alone.
options:
  file:
    description:
      - The file on the controller. A relative path starts at the playbook, beside its directory C(playbooks), or where Ansible was started.
    type: str
    required: true
  secrets:
    description:
      - The secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - By which the lookup asks for it. Lower-case letters, digits and underscores.
        type: str
        required: true
      kind:
        description:
          - V(password) is one text of letters and digits, V(hex) one of hexadecimal digits.
          - V(login) has the parts C(username), C(password) and C(htpasswd), a line with its bcrypt hash for basic authentication.
          - V(ssh_key) is an Ed25519 key with the parts C(private) and C(public).
          - V(gpg_key) has the parts C(private), C(public) (both armoured) and C(fingerprint). It has no passphrase and does not end.
          - V(authority) is a private certificate authority with the parts C(certificate) and C(key).
          - V(certificate) is for a server, with the parts C(certificate), C(key) and C(ca).
        type: str
        choices: [password, hex, login, ssh_key, gpg_key, authority, certificate]
        default: password
      length:
        description:
          - Characters of a V(password) or V(hex), at least 16.
        type: int
        default: 32
      username:
        description:
          - The user of a V(login). Empty takes O(secrets[].name).
        type: str
        default: ""
      identity:
        description:
          - Whose key it is. The user ID of a V(gpg_key), the comment of an V(ssh_key), the subject of an V(authority). Empty takes
            O(secrets[].name).
        type: str
        default: ""
      authority:
        description:
          - The V(authority) that issues a V(certificate), by its O(secrets[].name). Required for it.
        type: str
        default: ""
      names:
        description:
          - The host names and addresses that a V(certificate) is for. At least one.
        type: list
        elements: str
        default: []
  rotate:
    description:
      - Names of secrets that are made anew in any case. What uses them has to be deployed again. Where a program keeps its password
        itself, as a database does, change it there, too.
    type: list
    elements: str
    default: []
requirements:
  - bcrypt on the controller for the kind V(login)
  - cryptography on the controller for the kinds V(ssh_key), V(authority) and V(certificate)
  - gpg on the controller for the kind V(gpg_key)
seealso:
  - plugin: flotilla.swarm.generated_secret
    plugin_type: lookup
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Have the secrets of the grader
  flotilla.swarm.generated_secrets:
    file: inventories/prod/.generated_secrets.yml
    secrets:
      - name: database_password
      - {name: django_key, length: 64}
      - {name: signing, kind: gpg_key, identity: "Grader <grader@example.org>"}
      - {name: internal, kind: authority}
      - {name: site, kind: certificate, authority: internal, names: [grader.example.org, 10.0.0.5]}
"""

RETURN = r"""
file:
  description: The file that was found or made, as an absolute path.
  returned: success
  type: str
plan:
  description: What was made, or in check mode would be. A change of kind V(generated) for each secret.
  returned: success
  type: list
  elements: dict
"""
