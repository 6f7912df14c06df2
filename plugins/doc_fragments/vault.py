# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of backups."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  vault_password:
    description:
      - Password with which archives are encrypted for ansible-vault on the controller, and with which the list of the backup's files is
        sealed.
      - A backup that is made without one is in clear, with a warning. Whoever can write in its directory then decides what a recovery
        or a restore brings back, so that M(flotilla.swarm.recover) and M(flotilla.swarm.data_restore) take it only with
        O(flotilla.swarm.recover#module:accept_unauthenticated).
    type: str
    default: ""
"""

    # For modules that bring a backup back.
    RESTORE = r"""
options:
  accept_unauthenticated:
    description:
      - Whether a backup is used that O(vault_password) does not authenticate, because it was made without one, was changed since, or
        an archive of it is not in its directory. Anyone who could write to it decides what is restored.
    type: bool
    default: false
"""
