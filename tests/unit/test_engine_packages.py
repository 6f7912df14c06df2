# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role engine would install on distributions that the lab does not have, rendered by Ansible itself from the role's own variables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/engine"
RENDERED = ("is_el", "release", "wanted", "missing", "outdated", "pinned", "upgraded", "foreign", "el_folder", "config")
CE = ["docker-ce", "containerd.io", "python3-docker"]
CLIENT = ["docker-ce-cli", "docker-buildx-plugin", "docker-compose-plugin"]


def host(distribution: str, version: str, packages: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
    installed = {name: {"version": number, "hold": False} for name, number in (packages or {}).items()}
    seen = {
        "host": {"distribution": {"id": distribution, "version": version, "codename": "x"}, "engine": variables.pop("engine", "")},
        "packages": installed,
        "units": {},
    }
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {"__engine_host": {**seen, "check_mode": False}, **here, **variables}


HOSTS = {
    "jammy": host("ubuntu", "22.04"),
    "noble_docker_io": host("ubuntu", "24.04", engine_packages="distribution", engine_client=True),
    "noble_pinned": host("ubuntu", "24.04", {"docker-ce": "5:28.0.0-1"}, engine_version="5:29.1.3-1~ubuntu.24.04~noble"),
    "plucky": host("ubuntu", "25.04"),
    "rocky": host("rocky", "9.4", engine_client=True),
    "stream": host("centos", "9"),
    "rhel": host("rhel", "9.2", {"docker-ce": "29.1.3-1.el9", "containerd.io": "2", "python3-docker": "7"}, engine_version="29.1.3-1.el9"),
    "rocky_behind": host(
        "rocky", "9.4", {"docker-ce": "28.5.2-1.el9", "containerd.io": "2", "python3-docker": "7"}, engine_version="29.1.3-1.el9"
    ),
    "alma_pinned": host("almalinux", "9.5", engine_version="29.1.3-1.el9"),
    "el8": host("rocky", "8.9"),
    "bookworm_mixed": host("debian", "12", {"docker.io": "20.10.24"}),
    "broken_off": host("debian", "13", {"python3-docker": "7"}, engine="26.1", engine_packages="distribution"),
    "metrics": host("rocky", "9.4", engine_metrics_address="10.0.0.11:9323", engine_nofile=65536),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Host -> the role's private variables, without ``__engine_``, and ``supported``."""
    folder = tmp_path_factory.mktemp("engine")
    values = ", ".join(f"'{name}': __engine_{name}" for name in RENDERED)
    supported = "__engine_release in (__engine_supported[__engine_host.host.distribution.id] | default([]))"
    copy = {"content": f"{{{{ {{{values}, 'supported': {supported}}} | to_json }}}}", "dest": f"{folder}/{{{{ inventory_hostname }}}}.json"}
    play: dict[str, Any] = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROLE / "vars/main.yml")],
        "tasks": [{"ansible.builtin.copy": copy}],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    (folder / "group_vars").mkdir()
    (folder / "group_vars/all.yml").write_text((ROLE / "defaults/main.yml").read_text())
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": HOSTS}}))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"]
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in HOSTS}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jammy", {"supported": True, "is_el": False, "missing": CE, "pinned": CE}),
        ("noble_docker_io", {"supported": True, "wanted": ["docker.io", "python3-docker"]}),
        (
            "noble_pinned",
            {"missing": CE[1:], "outdated": ["docker-ce"], "upgraded": ["docker-ce=5:29.1.3-1~ubuntu.24.04~noble"]},
        ),
        ("plucky", {"supported": False}),
        ("rocky", {"supported": True, "is_el": True, "release": "9", "pinned": CE + CLIENT, "el_folder": "centos"}),
        ("stream", {"supported": True, "release": "9"}),
        ("rhel", {"supported": True, "missing": [], "outdated": [], "el_folder": "rhel"}),
        (
            "rocky_behind",
            {"missing": [], "outdated": ["docker-ce"], "upgraded": ["docker-ce-29.1.3-1.el9", "containerd.io", "python3-docker"]},
        ),
        ("alma_pinned", {"pinned": ["docker-ce-29.1.3-1.el9", "containerd.io", "python3-docker"]}),
        ("el8", {"supported": False, "release": "8"}),
        ("bookworm_mixed", {"foreign": ["docker.io"]}),
        ("broken_off", {"missing": ["docker.io"], "upgraded": ["python3-docker", "docker.io"]}),
    ],
)
def test_packages(rendered: dict[str, dict[str, Any]], name: str, expected: dict[str, Any]) -> None:
    assert {key: rendered[name][key] for key in expected} == expected


def test_metrics_and_limits_become_keys_of_daemon_json(rendered: dict[str, dict[str, Any]]) -> None:
    assert rendered["metrics"]["config"] == {
        "live-restore": False,
        "log-driver": "json-file",
        "log-opts": {"max-size": "100m", "max-file": "5"},
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 65536, "Hard": 65536}},
        "metrics-addr": "10.0.0.11:9323",
    }
    assert "metrics-addr" not in rendered["jammy"]["config"]
