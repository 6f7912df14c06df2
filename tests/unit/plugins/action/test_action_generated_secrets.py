# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""generated_secrets and generated_secret in real runs of ansible-playbook: what is kept, encrypted, refused and shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from playbook_runs import play_in

FILE = ".generated_secrets.yml"
SECRETS = [
    {"name": "database"},
    {"name": "operators", "kind": "login"},
    {"name": "checkout", "kind": "ssh_key"},
    {"name": "internal", "kind": "authority"},
    {"name": "site", "kind": "certificate", "authority": "internal", "names": ["site.example.org"]},
]
PUBLIC = (".username", ".public", ".certificate", ".ca")


def lookup(term: str) -> str:
    return f"{{{{ lookup('flotilla.swarm.generated_secret', '{term}') }}}}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make = {"file": FILE, "secrets": "{{ secrets_generated }}", "rotate": "{{ rotate | default([]) }}"}
    tasks = [
        {"flotilla.swarm.generated_secrets": make},
        {"ansible.builtin.debug": {"msg": f"user={lookup('operators.username')} length={{{{ {lookup('database')[3:-3]} | length }}}}"}},
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    variables = {"secrets_generated": SECRETS, "ansible_python_interpreter": sys.executable}
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": None}, "vars": variables}}))
    (tmp_path / "password").write_text("of the vault")
    return tmp_path


def play(project: Path, *options: str, playbook: str = "play.yml") -> subprocess.CompletedProcess[str]:
    return play_in(project, playbook, "-i", "inventory.yml", *options)


def kept(project: Path) -> dict[str, str]:
    return dict(yaml.safe_load((project / FILE).read_text()))


def test_they_are_made_once_and_shown_never(project: Path) -> None:
    looked = play(project, "--check", "--diff")
    assert looked.returncode == 0 and "changed=1" in looked.stdout and not (project / FILE).exists(), looked.stdout + looked.stderr
    assert "user=(made by the run that needs it)" in looked.stdout

    first = play(project, "--diff", "-vvvv")
    assert first.returncode == 0 and "changed=1" in first.stdout, first.stdout + first.stderr
    assert "is not encrypted" in first.stdout + first.stderr and "user=operators length=32" in first.stdout
    texts = kept(project)
    assert (project / FILE).stat().st_mode & 0o777 == 0o600
    lines = [line for name, text in texts.items() if not name.endswith(PUBLIC) for line in text.splitlines() if "-----" not in line]
    assert lines and not [line for line in lines if line in first.stdout + first.stderr]

    again = play(project)
    assert again.returncode == 0 and "changed=0" in again.stdout and kept(project) == texts


def test_the_file_is_encrypted_with_the_password_of_the_run(project: Path) -> None:
    first = play(project, "--vault-password-file", "password")
    assert first.returncode == 0 and "is not encrypted" not in first.stdout + first.stderr
    assert (project / FILE).read_text().startswith("$ANSIBLE_VAULT;")
    assert "changed=0" in play(project, "--vault-password-file", "password").stdout
    without = play(project)
    assert without.returncode != 0 and "this run has no password for it" in without.stdout + without.stderr


def test_what_is_rotated_is_new(project: Path) -> None:
    play(project)
    before = kept(project)
    assert "changed=1" in play(project, "-e", '{"rotate": ["database"]}').stdout
    assert {name for name, text in kept(project).items() if before[name] != text} == {"database"}


def test_a_job_of_awx_makes_none_and_takes_what_is_there(project: Path) -> None:
    refused = play(project, "-e", "awx_job_id=7")
    assert refused.returncode != 0 and "what a job of AWX makes is lost with the job" in refused.stdout
    assert not (project / FILE).exists()
    play(project)
    assert play(project, "-e", "awx_job_id=7").returncode == 0


def test_a_stack_is_not_deployed_with_a_stand_in(project: Path) -> None:
    service = {"image": "a@sha256:" + "0" * 64, "secrets": ["password"]}
    model = {"services": {"web": service}, "secrets": {"password": {"environment": "IT"}}}
    task = {"flotilla.swarm.stack": {"name": "web", "content": model, "env": {"IT": lookup("database")}, "docker_host": "unix:///nowhere"}}
    play_of_stack = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    (project / "stack.yml").write_text(json.dumps([play_of_stack]))
    refused = play(project, playbook="stack.yml")
    assert "is not made yet. Run site.yml, which makes it. Nothing was changed." in refused.stdout
    assert "nowhere" in play(project, "--check", playbook="stack.yml").stdout


def test_no_image_is_built_with_a_stand_in(project: Path) -> None:
    (project / "kit").mkdir()
    (project / "kit/Dockerfile").write_text("FROM scratch\n")
    image = {"name": "r:5000/kit:1", "context": "kit", "args": {"TOKEN": lookup("database")}}
    task = {"flotilla.swarm.image": {"images": [image], "docker_host": "unix:///nowhere"}}
    (project / "image.yml").write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}]))
    refused = play(project, playbook="image.yml")
    assert "that is not made yet. Run playbooks/secrets.yml, which makes it. Nothing was changed." in refused.stdout
    assert "nowhere" in play(project, "--check", playbook="image.yml").stdout
