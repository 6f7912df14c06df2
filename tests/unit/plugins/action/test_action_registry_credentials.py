# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_credentials and registry_login in real runs of ansible-playbook: what is kept, encrypted, refused and shown."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbook_runs import play_in

REGISTRY = "127.0.0.1:5999"
FILE = ".registry_credentials.yml"
LOGIN = f"query('flotilla.swarm.registry_login', '{FILE}')"
SERVER = f"lookup('flotilla.swarm.registry_login', '{FILE}', server=true)"
SECRETS = ("password", "htpasswd", "key", "ca_key")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tasks = [
        {"flotilla.swarm.registry_credentials": {"file": FILE, "registry": REGISTRY}, "register": "made"},
        {"ansible.builtin.debug": {"msg": f"login={{{{ {LOGIN} | length }}}} server={{{{ {SERVER}.keys() | join(' ') }}}}"}},
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "password").write_text("of the vault")
    (tmp_path / "other").write_text("another one")
    return tmp_path


def play(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return play_in(project, "play.yml", "-i", "localhost,", *options)


def kept(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / FILE).read_text()))


def test_it_is_made_once_and_shows_nothing_secret(project: Path) -> None:
    looked = play(project, "--check", "--diff")
    assert looked.returncode == 0 and "changed=1" in looked.stdout and not (project / FILE).exists()
    assert "login=0 server=CERTIFICATE KEY HTPASSWD" in looked.stdout

    first = play(project, "--diff", "-vvvv")
    assert first.returncode == 0 and "changed=1" in first.stdout, first.stdout + first.stderr
    assert "is not encrypted" in first.stdout + first.stderr
    assert "login=1 server=CERTIFICATE KEY HTPASSWD" in first.stdout
    content = kept(project)
    assert content["registry"] == REGISTRY and (project / FILE).stat().st_mode & 0o777 == 0o600
    lines = [line for name in SECRETS for line in content[name].splitlines() if not line.startswith("-----")]
    assert not [line for line in lines if line in first.stdout + first.stderr]

    second = play(project, "--diff")
    assert "changed=0" in second.stdout and "is not encrypted" not in second.stdout + second.stderr
    assert kept(project) == content
    assert sorted(path.name for path in project.iterdir() if "registry" in path.name) == [FILE]


def test_it_is_encrypted_with_the_vault_password_of_the_run(project: Path) -> None:
    first = play(project, "--vault-password-file", "password")
    assert first.returncode == 0 and "is not encrypted" not in first.stdout + first.stderr
    text = (project / FILE).read_text()
    assert text.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    second = play(project, "--vault-password-file", "password")
    assert "changed=0" in second.stdout and "login=1" in second.stdout and (project / FILE).read_text() == text

    wrong = ["--vault-password-file", "other"]
    for options, words in (([], "this run has no password for it"), (wrong, "no password of this run opens it")):
        refused = play(project, *options)
        assert refused.returncode == 2 and words in " ".join(refused.stdout.split()), refused.stdout
    assert (project / FILE).read_text() == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("- a", "expected a mapping of names to texts"),
        ("username: 5", "expected a mapping of names to texts"),
        ("certificate: x", "one of certificate and key"),
    ],
)
def test_a_file_of_no_use_is_an_error_and_stays(project: Path, text: str, words: str) -> None:
    (project / FILE).write_text(text)
    run = play(project)
    assert run.returncode == 2 and words in " ".join(run.stdout.split()) and "Traceback" not in run.stdout + run.stderr
    assert (project / FILE).read_text() == text


def test_a_job_of_awx_makes_none_that_would_be_lost(project: Path) -> None:
    run = play(project, "-e", "awx_job_id=7")
    assert run.returncode == 2 and "what a job of AWX creates is lost with the job" in " ".join(run.stdout.split())
    assert not (project / FILE).exists()
    assert play(project, "-e", "awx_job_id=7", "--check").returncode == 0
    play(project)
    assert "changed=0" in play(project, "-e", "awx_job_id=7").stdout
