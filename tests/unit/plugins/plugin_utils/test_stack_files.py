# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import bind_sources, directories, load_model

Options = dict[str, t.Any]


def load(options: Options, *places: Path, **more: t.Any) -> t.Any:
    return load_model({"name": "app", **options}, places, **more).model


def test_relative_files_start_at_the_playbook_or_above_or_where_ansible_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, started = tmp_path / "project", tmp_path / "started"
    (project / "playbooks").mkdir(parents=True)
    started.mkdir()
    monkeypatch.chdir(started)
    assert directories(str(project / "playbooks")) == [project / "playbooks", project, started]
    assert directories(str(project)) == [project, started]
    assert directories(str(started)) == [started]


def test_the_first_place_that_has_the_file_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for place in (one, two):
        place.mkdir()
        (place / "stack.yml").write_text(f"services: {{web: {{image: {place.name}}}}}")
    assert load({"files": ["stack.yml"]}, one, two)["services"]["web"]["image"] == "one"
    assert load({"files": [str(two / "stack.yml")]}, one, two)["services"]["web"]["image"] == "two"


@pytest.mark.parametrize(("value", "text"), [(42, "42"), (True, "true"), (1.5, "1.5"), ("a b", "a b"), ([1], "[1]")])
def test_values_become_the_text_that_a_person_would_write(tmp_path: Path, value: t.Any, text: str) -> None:
    content = {"services": {"web": {"image": "x", "environment": {"A": "${A}"}}}}
    model = load({"content": content, "env": {"A": value}}, tmp_path)
    assert model["services"]["web"]["environment"]["A"] == text


def test_a_null_is_no_value(tmp_path: Path) -> None:
    with pytest.raises(FlotillaError, match="A"):
        load({"content": "services: {web: {image: '${A}'}}", "env": {"A": None}}, tmp_path)


def test_stack_text_is_raw_unless_it_is_a_template(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text("services: {web: {image: x, user: '{{ name }}'}}")
    assert load({"files": "stack.yml"}, tmp_path)["services"]["web"]["user"] == "{{ name }}"
    made = load({"files": "stack.yml"}, tmp_path, template=lambda text: text.replace("{{ name }}", "n1"))
    assert made["services"]["web"]["user"] == "n1"


def test_a_template_leaves_the_files_that_the_stack_refers_to_alone(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text("services: {web: {image: x, configs: [c]}}\nconfigs: {c: {file: c.txt}}")
    (tmp_path / "c.txt").write_text("{{ name }}")
    plain = load({"files": "stack.yml"}, tmp_path)
    assert load({"files": "stack.yml"}, tmp_path, template=lambda text: text.replace("{{ name }}", "n1")) == plain


def test_sources_of_bind_mounts(tmp_path: Path) -> None:
    volumes = ["/srv/a:/a", "data:/b", "/c", "/srv/{{.Node.Hostname}}:/d", "/srv/a:/e"]
    model = load({"content": {"services": {"web": {"image": "x", "volumes": volumes}}, "volumes": {"data": {}}}}, tmp_path)
    assert bind_sources(model) == {"/srv/a"}
