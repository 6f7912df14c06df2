# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of hosts that no run has made yet: a plan goes on with what stands for them, also where its play turned check mode on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import STAND_IN
from playbook_runs import play_in

GIVEN = {
    "sshfs_mount": {"present": [{"path": "/mnt/none", "server": "w9", "export": "/srv"}], "key": STAND_IN, "known_hosts": "w9 ssh-rsa A"},
    "sshfs_server": {"directories": [{"path": "/srv/none"}], "host_key": STAND_IN, "authorized_keys": ["ssh-ed25519 AAAA"]},
}


@pytest.mark.parametrize("role", GIVEN)
def test_a_plan_does_without_a_key(role: str, tmp_path: Path) -> None:
    variables = {f"{role}_{name}": value for name, value in GIVEN[role].items()}
    task = {"name": "Role", "ansible.builtin.import_role": {"name": f"flotilla.swarm.{role}"}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "check_mode": True, "vars": variables, "tasks": [task]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = play_in(tmp_path, "play.yml")
    assert "holds no private key" not in done.stdout and "Packages | Inspect the host" in done.stdout, done.stdout
