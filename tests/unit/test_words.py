# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no file of the project may hold, and what each must: no secrets, a licence, and a length that can be read."""

from __future__ import annotations

import ast
import re
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANY_LINES = 500  # a file is cut by meaning, so that more is a warning
DOCUMENTS = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
CODE = {".py", ".sh", ".yml", ".yaml", ".toml", ".cfg", ".ini", ".conf"}
CODE_NAMES = {"Makefile", "Dockerfile", ".ansible-lint", ".yamllint"}
SECRET = re.compile(
    r"SWMTKN-1-([0-9a-z]{40,}-[0-9a-z]{20,})|SWMKEY-1-([0-9A-Za-z+/]{40,})"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+([\w+/=]{40,})"
)
RANDOM_CHARACTERS = 12  # a made-up secret of a test, such as one of a single letter, has fewer different ones


def secrets(text: str) -> list[str]:
    """Beginnings only: the test's own output must not spread what it finds."""
    tails = [(found.group()[:12], next(filter(None, found.groups()))) for found in SECRET.finditer(text)]
    return [beginning for beginning, tail in tails if len(set(tail)) >= RANDOM_CHARACTERS]


def code_lines(source: str) -> int:
    """Lines without those of the documentation that Ansible keeps in a module's strings."""
    assignments = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    documents = [node for node in assignments if ast.unparse(node.targets[0]) in DOCUMENTS]
    return source.count("\n") - sum((node.end_lineno or node.lineno) - node.lineno for node in documents)


def is_code(path: str) -> bool:
    name = Path(path).name
    if path.startswith("changelogs/") and path != "changelogs/config.yaml":
        return False  # antsibull-changelog writes these anew
    return Path(path).suffix in CODE or name in CODE_NAMES


def tracked() -> Iterator[tuple[str, str]]:
    """Path and text of every tracked file that holds text."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            try:
                yield name, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue


FILES = dict(tracked())
PROGRAMS = {name: text for name, text in FILES.items() if is_code(name) or text.startswith("#!")}


def test_no_file_holds_a_secret() -> None:
    assert {name: found for name, text in FILES.items() if (found := secrets(text))} == {}


def test_every_code_file_names_its_licence() -> None:
    assert [name for name, text in PROGRAMS.items() if text.strip() and SPDX not in text[:800]] == []


def test_long_python_files_are_told() -> None:
    for name, text in FILES.items():
        if name.endswith(".py") and (lines := code_lines(text)) > MANY_LINES:
            warnings.warn(f"{name} has {lines} lines: does it hold more than one noun?", stacklevel=1)


def test_documentation_of_a_module_is_not_counted() -> None:
    assert code_lines('DOCUMENTATION = """\na: 1\nb: 2\n"""\nimport os\n\nprint(os)\n') == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SWMTKN-1-" + "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd" + "-" + "0123456789abcdefghijklmno", True),
        ("SWMKEY-1-" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", True),
        ("-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB", True),
        ("SWMTKN-1-" + "a" * 50 + "-" + "b" * 25, False),
        ("SWMTKN-1-...", False),
    ],
)
def test_secrets_are_seen(text: str, found: bool) -> None:
    assert bool(secrets(text)) is found
