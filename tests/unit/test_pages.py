# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of all pages, and the paths that the recipes of CONTRIBUTING.md name, lead to files that exist; tables are whole."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
PAGES = [name for name in FILES if name.endswith(".md")]
LEFT_OUT = yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
PLACEHOLDER = re.compile(r"NAME|NOUN|ROLE|VERB")
NEIGHBOUR = re.compile(r"^[\w-]+\.(py|yml|md)$")  # a name without a folder is that of a file beside the one named before it


def is_published(name: str) -> bool:
    """Whether a file is part of the collection that is built."""
    return not any(fnmatch(part, pattern) for part in Path(name).parts[:1] for pattern in LEFT_OUT)


def links(page: str) -> list[str]:
    return LINK.findall((ROOT / page).read_text())


def loose_rows(text: str) -> list[str]:
    """First rows of tables that have no head, as a blank line inside a table leaves them."""
    blocks = re.findall(r"(?:^\|.*\n?)+", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return [block.splitlines()[0] for block in blocks if not re.match(r".*\n\|(\s*:?-+:?\s*\|)+$", block, re.MULTILINE)]


def recipe_paths() -> list[str]:
    """What the first column of each recipe's table names, in full."""
    found = []
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            path = name.replace("...", "plugins/module_utils", 1) if name.startswith(".../") else name
            path = folder + path if NEIGHBOUR.match(path) and not (ROOT / path).exists() else path
            folder = path.rpartition("/")[0] + "/"
            found.append(path)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert [link for link in links(page) if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", [name for name in PAGES if is_published(name) and name != "CONTRIBUTING.md"])
def test_links_of_the_built_collection_stay_in_it(page: str) -> None:
    targets = {link: ((ROOT / page).parent / link).resolve().relative_to(ROOT.resolve()) for link in links(page)}
    assert [link for link, target in targets.items() if not is_published(str(target))] == []


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_whole(page: str) -> None:
    assert loose_rows((ROOT / page).read_text()) == []


def test_a_table_with_a_gap_is_seen() -> None:
    assert loose_rows("| a |\n|---|\n| b |\n\n| c |\n") == ["| c |"]


def test_recipes_name_files_that_exist() -> None:
    paths = [path for path in recipe_paths() if not PLACEHOLDER.search(path)]
    assert len(paths) > 40
    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []
