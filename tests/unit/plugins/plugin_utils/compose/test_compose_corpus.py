# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stack files with known answers ask for."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from corpus import CORPUS, KINDS, MISSING, TAKEN, Case, by_name, find_cases

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=MISSING)


def asked(case: Case) -> dict[str, dict[str, t.Any]]:
    loaded = load_stack(case.files, env=case.env, undefined="blank")
    made = convert(case.stack, json.loads(json.dumps(loaded.model)), content_names=False)
    return by_name(body for kind in KINDS for body in getattr(made, kind))


@pytest.mark.parametrize("case", find_cases(), ids=lambda case: case.name)
def test_the_objects_are_those_of_the_cli(case: Case) -> None:
    if case.rejected and case.name not in TAKEN:
        with pytest.raises(ComposeError) as error:
            asked(case)
        assert str(Path(case.files[0]).parent) in str(error.value)
        return
    found = asked(case)
    assert case.rejected or found == case.expected
