# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom role nfs_server exports to, rendered by Ansible itself from the role's own variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/nfs_server"
EXPORTS: list[dict[str, Any]] = [{"path": "/srv/a"}, {"path": "/srv/b", "clients": ["10.9.9.9"], "options": ["ro"]}]
GROUPS = {
    "swarm_managers": {"m1": {"ansible_host": "10.0.0.1"}},
    "swarm_workers": {"w1": {"ansible_host": "10.0.0.2"}, "w2.example.org": {}},
    "nfs_servers": {"m1": {}, "other": {"ansible_host": "10.0.0.7"}},
}


def test_exports_without_clients_are_for_the_nodes_of_the_swarm(tmp_path: Path) -> None:
    copy = {"content": "{{ __nfs_server_wanted | to_json }}", "dest": f"{tmp_path}/wanted.json"}
    play = {"hosts": "other", "gather_facts": False, "vars_files": [str(ROLE / "vars/main.yml")], "tasks": [{"ansible.builtin.copy": copy}]}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "nfs_server_exports": EXPORTS}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text((ROLE / "defaults/main.yml").read_text())
    (tmp_path / "hosts.json").write_text(
        json.dumps({"all": {"children": {name: {"hosts": hosts} for name, hosts in GROUPS.items()}, "hosts": {"other": here}}})
    )
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    wanted = json.loads((tmp_path / "wanted.json").read_text())
    assert wanted == [{"path": "/srv/a", "clients": ["10.0.0.1", "10.0.0.2", "w2.example.org"]}, EXPORTS[1]]
