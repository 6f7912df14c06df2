# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as an Ansible inventory: YAML file, script output, ssh configuration, known hosts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .model import Lab, Node


def ssh_options(directory: Path, node: Node) -> dict[str, str]:
    """ssh options of one node; *directory* holds the lab's files. Ansible and people share connections."""
    return {
        "UserKnownHostsFile": str(directory / "known_hosts"),
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "ControlMaster": "auto",
        "ControlPath": str(directory / f"{node.name}.ssh"),
        "ControlPersist": "300s",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
    }


def host_vars(directory: Path, node: Node) -> dict[str, str]:
    options = ssh_options(directory, node)
    return {
        "ansible_host": node.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(directory / "id_ed25519"),
        # ssh takes the first value of an option, and Ansible's own ssh_args would come first
        "ansible_ssh_args": "-C " + " ".join(f"-o {key}={value}" for key, value in options.items()),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={options['UserKnownHostsFile']}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def group_vars(lab: Lab) -> dict[str, Any]:
    return {"lab_name": lab.name, "lab_release": lab.release, "lab_features": dict(lab.features)}


def groups(lab: Lab) -> dict[str, list[str]]:
    """Group -> node names. The NFS server is the first worker, or manager; there is none without a kernel for it."""
    managers = [node.name for node in lab.nodes if node.manager]
    workers = [node.name for node in lab.nodes if not node.manager]
    return {
        "swarm_managers": managers,
        "swarm_workers": workers,
        "nfs_servers": (workers or managers)[:1] if lab.features.get("nfsd") else [],
        "gpu_nodes": [],
    }


def as_yaml_inventory(lab: Lab, directory: Path) -> str:
    """hosts.yml: a static inventory."""
    hosts = {node.name: host_vars(directory, node) for node in lab.nodes}
    children: dict[str, Any] = {group: {"hosts": {name: {} for name in names}} for group, names in groups(lab).items()}
    return to_yaml({"all": {"hosts": hosts, "children": children}})


def as_script(lab: Lab, directory: Path) -> dict[str, Any]:
    """What an inventory script prints for --list."""
    listed: dict[str, Any] = {group: {"hosts": names} for group, names in groups(lab).items()}
    return listed | {
        "all": {"children": list(listed), "vars": group_vars(lab) | {"lab_directory": str(directory)}},
        "_meta": {"hostvars": {node.name: host_vars(directory, node) for node in lab.nodes}},
    }


def ssh_config(lab: Lab, directory: Path) -> str:
    """A file for `ssh -F`: each node by its name."""
    blocks = []
    for node in lab.nodes:
        options = {"HostName": node.address, "User": "root", "IdentityFile": str(directory / "id_ed25519")}
        lines = [f"    {key} {value}" for key, value in (options | ssh_options(directory, node)).items()]
        blocks.append("\n".join([f"Host {node.name}", *lines]))
    return "\n".join(blocks) + "\n"


def known_hosts(lab: Lab, public_keys: Mapping[str, str]) -> str:
    """known_hosts lines; *public_keys* is node name -> content of its ssh_host_*_key.pub."""
    lines = [f"{node.address} {' '.join(public_keys[node.name].split()[:2])}" for node in lab.nodes]
    return "\n".join(lines) + "\n"


def to_yaml(data: Mapping[str, Any], depth: int = 0) -> str:
    """Nested mappings as block YAML; anything else as JSON, which YAML reads."""
    text = ""
    for key, value in data.items():
        pad = "  " * depth
        if isinstance(value, Mapping) and value:
            text += f"{pad}{key}:\n{to_yaml(value, depth + 1)}"
        else:
            text += f"{pad}{key}: {json.dumps(value)}\n"
    return text
