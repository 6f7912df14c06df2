# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that users name on the controller are read by one function; it opens vaults and keeps to allowed folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
ON_CONTROLLER = ("action", "callback", "filter", "inventory", "lookup", "plugin_utils", "test")
FILES = sorted(path.relative_to(PLUGINS).as_posix() for kind in ON_CONTROLLER for path in (PLUGINS / kind).rglob("*.py"))
READS = ("read_text", "read_bytes", "get_text_file_contents", "load_from_file", "get_real_file", "get_vault_file")
OTHERS = {
    "plugin_utils/controller_files.py": "the function itself",
    "plugin_utils/compose/schema.py": "a schema of the collection",
    "plugin_utils/inventory_schema.py": "a schema of the collection",
    "plugin_utils/asking.py": "the documentation of our own modules",
    "plugin_utils/run_identity.py": "what the kernel says of processes",
    "plugin_utils/build_context.py": "the context of an image, which goes to the engine as it is",
    "plugin_utils/interruption.py": "the errors of ansible-playbook, which are written to",
    "plugin_utils/at_once.py": "a pipe to a child",
    "plugin_utils/backup_files.py": "archives of its own, which are written",
    "action/service_logs.py": "logs, which are written",
}
"""Files that open something else, and what."""


def opened(source: str) -> Iterator[str]:
    """The calls that open or read a file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        call = node.func
        name = call.id if isinstance(call, ast.Name) else call.attr if isinstance(call, ast.Attribute) else ""
        owner = ast.unparse(call.value) if isinstance(call, ast.Attribute) else ""
        if (owner and name in READS) or (name in ("open", "fdopen") and "ControllerFiles" not in owner and owner != "tarfile"):
            yield ast.unparse(call)


@pytest.mark.parametrize("path", FILES)
def test_files_of_users_are_read_in_one_place(path: str) -> None:
    found = list(opened((PLUGINS / path).read_text()))
    assert bool(found) <= (path in OTHERS), f"plugins/{path}: {', '.join(found)}: read it by ControllerFiles"


def test_the_table_has_nothing_that_is_gone() -> None:
    assert [path for path in OTHERS if not list(opened((PLUGINS / path).read_text()))] == []


@pytest.mark.parametrize(
    "source",
    ["open(path)", "Path(path).read_text()", "path.open('rb')", "os.open(path, 0)", "loader.get_text_file_contents(path)", "io.open(path)"],
)
def test_it_would_be_seen(source: str) -> None:
    assert list(opened(source))
