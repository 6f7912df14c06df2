# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook is a verb: it has a page that says what one has to know before, a job template, and a line in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NO_VERBS = {"confirm", "given", "secrets"}  # imported by others
VERBS = sorted({path.stem for path in (ROOT / "playbooks").glob("*.yml")} - NO_VERBS)
PAGES = sorted((ROOT / "docs/verbs").glob("*.md"))
PARTS = {
    "what it costs": r"^(## What it costs|\*\*What it costs)",
    "what can go wrong": r"^(## What can go wrong|\*\*What can go wrong)",
    "the commands that it replaces": r"^(## What it replaces|\*\*Instead of)",
    "how it is run": r"^    ansible-playbook ",
}


class Loader(yaml.SafeLoader):
    """Reads !unsafe as plain text."""


Loader.add_constructor("!unsafe", lambda loader, node: str(node.value))
TEMPLATES = yaml.load((ROOT / "awx/templates.yml").read_text(), Loader)["controller_templates"]  # a SafeLoader


def templates_of(verb: str) -> list[str]:
    """The job templates that run a playbook."""
    return [item["name"] for item in TEMPLATES if Path(item["playbook"]).stem == verb]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_a_page_with_every_part(verb: str) -> None:
    text = (ROOT / f"docs/verbs/{verb}.md").read_text()
    assert [part for part, pattern in PARTS.items() if not re.search(pattern, text, re.MULTILINE)] == []
    assert re.search(rf"^    ansible-playbook (playbooks/)?{verb}\.yml ", text, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_names_the_job_templates(verb: str) -> None:
    text = (ROOT / f"docs/verbs/{verb}.md").read_text()
    assert templates_of(verb)
    assert [name for name in templates_of(verb) if not re.search(rf"[Tt]emplate\s+\*{name}\*", text)] == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_readme_lists_the_verb(verb: str) -> None:
    assert re.search(rf"^\| `(playbooks/)?{verb}\.yml` \|", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_no_page_is_of_a_verb_that_is_gone() -> None:
    assert sorted(page.stem for page in PAGES) == VERBS
