# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files at the root of the collection say about each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements-lock.txt", "requirements-test-lock.txt")


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def options_of(source: str, names: str) -> set[str]:
    """The options that the documentation in a Python file has itself, without those of fragments."""
    found = re.findall(rf'^ *(?:{names}) = r"""\n(.*?)"""', source, re.DOTALL | re.MULTILINE)
    return {option for text in found for option in yaml.safe_load(text).get("options") or {}}


def requirements(path: str) -> set[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return {line for line in lines if line}


def test_what_every_module_s_hosts_answer_is_read_by_an_action() -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    actions = {path.stem: path.read_text() for path in (ROOT / "plugins/action").glob("*.py")}
    assert set(actions) == modules
    unread = {name for name, text in actions.items() if not any(word in text for word in ("Asking", "ObservedAction", "Following"))}
    assert not [name for name in unread if "_execute_module" in actions[name].replace('_execute_module("ansible.', "")]


def test_the_action_group_is_the_modules() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
    assert read("meta/runtime.yml")["action_groups"]["swarm"] == modules


def test_an_option_of_a_fragment_is_documented_nowhere_else() -> None:
    """But for names that mean something else in other modules."""
    fragments = [path.read_text() for path in (ROOT / "plugins/doc_fragments").glob("*.py")]
    shared = {option for text in fragments for option in options_of(text, r"[A-Z]+")} - {"name", "stack", "label", "cluster_id"}
    assert {"wait_timeout", "vault_password", "docker_host"} <= shared
    modules = {path.stem: options_of(path.read_text(), "DOCUMENTATION") for path in (ROOT / "plugins/modules").glob("*.py")}
    assert {name: found for name, options in modules.items() if (found := options & shared)} == {}


def test_a_clone_finds_its_own_collection() -> None:
    link = ROOT / "collections/ansible_collections/flotilla/swarm"
    assert link.is_symlink() and not link.readlink().is_absolute()
    assert link.resolve() == ROOT


def test_execution_environments_get_what_the_controller_needs() -> None:
    assert requirements("meta/ee-requirements.txt") == {
        line for line in requirements("requirements.txt") if not line.startswith("ansible-core")
    }


def locked(path: str) -> list[tuple[Requirement, int]]:
    """What a lock names, and how many hashes it has for each."""
    text = "\n".join(line.split(" #")[0] for line in (ROOT / path).read_text().splitlines() if not line.strip().startswith("#"))
    entries = [entry.split("--hash=sha256:") for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]
    return [(Requirement(name.strip()), sum(len(digest.strip()) == 64 for digest in digests)) for name, *digests in entries]


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
@pytest.mark.parametrize("python", ["3.11.2", "3.12.1", "3.13.0"])
def test_the_locks_hold_what_is_required_with_hashes(name: str, python: str) -> None:
    environment = {"python_full_version": python, "python_version": python.rpartition(".")[0], "sys_platform": "linux"}
    held = {}
    for entry, hashes in locked(f"{name}-lock.txt"):
        assert hashes and not entry.url and [each.operator for each in entry.specifier] == ["=="], f"{entry} has no version or no hash"
        if entry.marker is None or entry.marker.evaluate(environment):
            assert entry.name not in held, f"{entry.name} twice for Python {python}"
            held[entry.name] = next(iter(entry.specifier)).version
    for line in requirements(f"{name}.txt") | requirements("requirements.txt"):
        if not line.startswith("-r"):
            wanted = Requirement(line)
            version = held.get(wanted.name.lower())
            assert version and wanted.specifier.contains(version), f"{name}-lock.txt has no {line}: make lock"


def test_both_locks_hold_the_same() -> None:
    small, large = ({(each.name, str(each.specifier)) for each, _hashes in locked(name)} for name in LOCKS)
    assert small <= large


def test_no_mirror_is_named_and_what_is_installed_is_locked() -> None:
    for name in LOCKS:
        assert "://" not in (ROOT / name).read_text()
        assert f"tests/venv.sh .venv {name}" in (ROOT / "Makefile").read_text()


def test_playbooks_exist_for_the_root_and_by_name() -> None:
    imported = read("site.yml")[0]["ansible.builtin.import_playbook"]
    assert (ROOT / imported).is_file()
