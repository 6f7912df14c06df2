# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the systems names tests that exist, and every system of the lab."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/systems/README.md").read_text()
ROWS = re.findall(r"^\| .* \| .* \| (`test_.*) \|$", PAGE, re.MULTILINE)
NAMED = sorted({each for row in ROWS for each in re.findall(r"`(test_\w+\.py(?:::\w+)?)`", row)})
FILES = {path.name: path for folder in ("tests/unit", "molecule") for path in (ROOT / folder).rglob("test_*.py")}


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_exists(named: str) -> None:
    file, _colons, function = named.partition("::")
    assert f"def {function}" in FILES[file].read_text()


def test_every_row_names_a_test() -> None:
    lines = PAGE.partition("\n## ")[2].splitlines()
    assert len(ROWS) > 50 and len(ROWS) == len([line for line in lines if line.startswith("| ") and "shown by" not in line])


def test_every_system_that_can_be_demonstrated_has_a_row() -> None:
    systems = [path.name.removesuffix("-lab") for path in (ROOT / "inventories").glob("*-lab")]
    assert systems and [name for name in systems if f"](../../examples/{name}/README.md)" not in PAGE or f"]({name}.md)" not in PAGE] == []
