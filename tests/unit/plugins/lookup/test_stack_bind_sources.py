# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.lookup.stack_bind_sources import LookupModule


@pytest.fixture
def lookup(tmp_path: Path) -> LookupModule:
    (tmp_path / "a.yml").write_text("services: {a: {image: x, volumes: ['/srv/b:/b', '/srv/a:/a', 'data:/d']}}\nvolumes: {data: {}}\n")
    (tmp_path / "made.yml").write_text("services: {a: {image: x, volumes: ['/srv/{{ 1 + 1 }}:/b']}}\n")
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    return LookupModule(loader=loader, templar=Templar(loader))


def test_sources_of_all_stacks_are_listed_once(lookup: LookupModule) -> None:
    same = {"name": "two", "files": ["a.yml"]}
    assert lookup.run([{"name": "one", "files": ["a.yml"]}, same]) == ["/srv/a", "/srv/b"]


def test_templates_are_filled_in(lookup: LookupModule) -> None:
    assert lookup.run([{"name": "one", "files": ["made.yml"], "template": True}]) == ["/srv/2"]


def test_a_stack_that_cannot_be_loaded_is_left_to_the_module(lookup: LookupModule) -> None:
    assert lookup.run([{"name": "one", "files": ["gone.yml"]}, {"name": "two", "files": ["a.yml"]}]) == ["/srv/a", "/srv/b"]


def test_no_stacks(lookup: LookupModule) -> None:
    assert lookup.run([]) == []
