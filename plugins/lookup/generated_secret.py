# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret from the file that ``generated_secrets`` keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: generated_secret
short_description: A secret that role secrets made
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Reads the file that M(flotilla.swarm.generated_secrets) keeps, and decrypts it with the vault passwords of the run.
  - Of a secret that is not made yet, as before the first run, it returns a stand-in with which check mode can plan. Nothing is deployed
    or built with a stand-in, M(flotilla.swarm.stack), M(flotilla.swarm.service), M(flotilla.swarm.job) and M(flotilla.swarm.image) refuse
    it.
options:
  _terms:
    description:
      - Names of secrets of C(secrets_generated). What has several parts is asked for by part, such as V(site.certificate).
    type: list
    elements: str
  file:
    description:
      - The file on the controller. A relative path starts at the playbook, beside its directory C(playbooks), or where Ansible was started.
      - Without it that of the variable C(secrets_file), and without that C(.generated_secrets.yml) beside the inventory.
    type: str
"""

EXAMPLES = r"""
# group_vars/all/stacks.yml
secrets_generated:
  - name: database_password
  - {name: internal, kind: authority}
  - {name: site, kind: certificate, authority: internal, names: [grader.example.org]}
stacks_present:
  - name: autograder
    files: [stacks/autograder.yml]
    env:
      DATABASE_PASSWORD: "{{ lookup('flotilla.swarm.generated_secret', 'database_password') }}"
      CERTIFICATE: "{{ lookup('flotilla.swarm.generated_secret', 'site.certificate') }}"
"""

RETURN = r"""
_raw:
  description: The texts.
  type: list
  elements: str
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import find_text
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories
from ansible_collections.flotilla.swarm.plugins.plugin_utils.vault_file import VaultFile

from ..module_utils.errors import FlotillaError

DEFAULT_NAME = ".generated_secrets.yml"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        specs = self._templar.template(known.get("secrets_generated", []))
        name = self.get_option("file") or self._templar.template(known.get("secrets_file", ""))
        name = name or str(Path(known.get("inventory_dir") or ".") / DEFAULT_NAME)
        try:
            file = VaultFile(name, directories(self._loader.get_basedir()), self._loader)
            texts = file.read() if file.exists() else None
            return [find_text(texts, [{"kind": "password", **spec} for spec in specs], term) for term in terms]
        except FlotillaError as error:
            raise AnsibleError(str(error)) from None
