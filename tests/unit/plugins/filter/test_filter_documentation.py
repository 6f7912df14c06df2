# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each filter has a page that tells of its arguments as they are."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[4] / "plugins/filter"
MODULES = [importlib.import_module(f"ansible_collections.flotilla.swarm.plugins.filter.{path.stem}") for path in FOLDER.glob("*.py")]
FILTERS: dict[str, Callable[..., Any]] = {name: each for module in MODULES for name, each in module.FilterModule().filters().items()}


def test_each_page_is_of_a_filter() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yml")) == sorted(FILTERS)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_arguments_are_documented_as_they_are(name: str) -> None:
    page = yaml.safe_load((FOLDER / f"{name}.yml").read_text())["DOCUMENTATION"]
    _input, *arguments = inspect.signature(FILTERS[name]).parameters.values()
    options = page["options"]
    assert page["name"] == name and list(options) == ["_input", *(argument.name for argument in arguments)]
    for argument in arguments:
        given, option = argument.default, options[argument.name]
        assert option.get("required", False) is (given is inspect.Parameter.empty)
        assert (option.get("default") or None) == (None if given is inspect.Parameter.empty else given or None)
