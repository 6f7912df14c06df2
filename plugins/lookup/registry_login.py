# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of a registry from the file that ``registry_credentials`` keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_login
short_description: The login of the swarm's registry
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - Reads files that M(flotilla.swarm.registry_credentials) made or that were written as it says, and decrypts them with the vault
    passwords of the run.
  - Of a file that is not there yet, as before the first run, there is no login.
options:
  _terms:
    description:
      - The files. A relative path starts at the playbook, beside its directory C(playbooks), or where Ansible was started.
    type: list
    elements: str
  server:
    description:
      - Return what the registry itself needs instead. C(CERTIFICATE), C(KEY) and C(HTPASSWD), for O(flotilla.swarm.stack#module:env). Of
        a file that is not there yet they are stand-ins, with which check mode can plan.
    type: bool
    default: false
"""

EXAMPLES = r"""
# group_vars/all/registry.yml
registry_credentials_file: inventories/prod/.registry_credentials.yml
registry_login: "{{ query('flotilla.swarm.registry_login', registry_credentials_file) }}"
images_registry_auth: "{{ registry_login }}"
stacks_registry_auth: "{{ registry_login }}"
services_registry_auth: "{{ registry_login }}"
"""

RETURN = r"""
_raw:
  description: For each file C(registry), C(username) and C(password), as O(flotilla.swarm.stack#module:registry_auth) wants them.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import STAND_IN
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import directories
from ansible_collections.flotilla.swarm.plugins.plugin_utils.vault_file import VaultFile

from ..module_utils.errors import FlotillaError

LOGIN = ("registry", "username", "password")
SERVER = ("certificate", "key", "htpasswd")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        places = directories(self._loader.get_basedir())
        files = [VaultFile(term, places, self._loader) for term in terms]
        if self.get_option("server"):
            return [{name.upper(): text for name, text in _parts(file, SERVER).items()} for file in files]
        return [_parts(file, LOGIN) for file in files if file.exists()]


def _parts(file: VaultFile, names: t.Sequence[str]) -> dict[str, str]:
    if not file.exists():
        return dict.fromkeys(names, STAND_IN)
    try:
        found = file.read()
    except FlotillaError as error:
        raise AnsibleError(str(error)) from None
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise AnsibleError(f"{file.path} has no {' and no '.join(missing)} yet. Run site.yml, which creates what is missing.")
    return {name: found[name] for name in names}
