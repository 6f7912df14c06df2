# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of stacks by name and by file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.flotilla.swarm.plugins.lookup.stack_images import LookupModule

WEB = "services: {web: {image: 'web:$TAG', build: web}}\n"


@pytest.fixture
def lookup(tmp_path: Path) -> LookupModule:
    (tmp_path / "web.yml").write_text(WEB)
    (tmp_path / "made.yml").write_text("services: {job: {image: 'job:{{ 1 + 1 }}', build: job}}\n")
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    return LookupModule(loader=loader, templar=Templar(loader))


def test_names_and_files(lookup: LookupModule, tmp_path: Path) -> None:
    stacks = [{"name": "site", "files": ["web.yml"], "env": {"TAG": 3}}]
    found = lookup.run(["site", {"files": ["made.yml"], "template": True}], stacks=stacks)
    assert [(image["name"], image["context"]) for image in found] == [("web:3", f"{tmp_path}/web"), ("job:2", f"{tmp_path}/job")]


def test_what_is_wrong_is_told(lookup: LookupModule) -> None:
    with pytest.raises(AnsibleError, match=r"web.yml:1: services.web.image: the variable TAG is not set"):
        lookup.run([{"files": ["web.yml"]}])
    with pytest.raises(AnsibleError, match="images_from_stacks names gone, which is not a stack of stacks_present"):
        lookup.run(["gone"], stacks=[])
