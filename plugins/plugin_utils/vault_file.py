# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A YAML file of secrets on the controller, readable only by its owner, and encrypted if Ansible has a vault password."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

import yaml
from ansible.parsing.vault import match_encrypt_secret

from ..module_utils.errors import FlotillaError, PlanError
from .controller_files import ControllerFiles


class VaultFile:
    """``loader`` is Ansible's, which knows the passwords of this run."""

    def __init__(self, name: str, places: t.Sequence[Path], loader: t.Any) -> None:
        """A relative name is looked for below the places; a file that is not there yet belongs below the first that has its folder."""
        paths = [place / Path(name).expanduser() for place in places]
        fitting = [path for path in paths if path.is_file()] or [path for path in paths if path.parent.is_dir()] or paths
        self.path, self._vault = fitting[0], loader._vault
        self._opener: tuple[str, t.Any] | None = None

    def exists(self) -> bool:
        return self.path.is_file()

    def read(self) -> dict[str, str]:
        """Its texts by name; empty if there is no file or nothing in it."""
        if not self.exists():
            return {}
        try:
            opened = ControllerFiles(self._vault.secrets or ()).open(str(self.path))
            found = yaml.safe_load(opened.data) or {}
        except (OSError, ValueError) as error:
            raise PlanError(f"reading {self.path} on the controller: {getattr(error, 'strerror', None) or error}.") from None
        except yaml.YAMLError:  # its text would quote the file
            raise PlanError(f"{self.path} on the controller is not YAML.") from None
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise PlanError(f"{self.path} on the controller: expected a mapping of names to texts.")
        self._opener = (opened.vault_id, opened.secret) if opened.secret else None
        return {str(name): value for name, value in found.items()}

    def write(self, content: t.Mapping[str, str], head: str, what: str) -> list[str]:
        """Replace it at once, encrypted with the password that opened it, or else the first of the run; what to warn of.

        ``what`` it holds is named where there is no password.
        """
        plain = {str(name): str(text) for name, text in content.items()}  # Ansible has texts of its own kind
        data = f"{head}---\n{yaml.dump(plain, Dumper=_Dumper, sort_keys=False)}".encode()
        secrets = self._vault.secrets
        if secrets:
            vault_id, secret = self._opener or match_encrypt_secret(secrets)
            data = self._vault.encrypt(data, secret, None if vault_id == "default" else vault_id)
        temporary = ""
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.path.name.lstrip('.')}-", delete=False) as stream:
                temporary = stream.name
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            raise FlotillaError(f"writing {self.path} on the controller: {error.strerror}.") from None
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
        if secrets:
            return []
        cure = f"Encrypt it: ansible-vault encrypt {self.path}"
        return [f"{self.path} holds {what} and is not encrypted, because Ansible has no vault password. {cure}"]


class _Dumper(yaml.SafeDumper):
    """Certificates as blocks of lines."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
