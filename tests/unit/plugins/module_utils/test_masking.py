# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.masking import MASK, mask, show_options

SPECS: dict[str, t.Any] = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"]},
    "wait_timeout": {"default": "10m"},
    "path": {"type": "path"},
    "paths": {"type": "list", "elements": "path"},
    "may": {"type": "list", "elements": "str", "choices": ["init", "join"]},
    "timeout": {"type": "int"},
    "number": {"type": "int", "no_log": True},
    "open": {"type": "dict"},
    "raw": {"type": "raw"},
    "items": {"type": "list", "elements": "dict", "options": {"count": {"type": "int"}, "text": {"type": "str"}}},
}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("name", "web", MASK),
        ("state", "absent", "absent"),
        ("state", "wrong", MASK),
        ("wait_timeout", "10m", "10m"),
        ("wait_timeout", "5m", MASK),
        ("path", "/etc/x", "/etc/x"),
        ("paths", ["/a", "/b"], ["/a", "/b"]),
        ("may", ["init", "wrong"], ["init", MASK]),
        ("timeout", 60, 60),
        ("timeout", "60", MASK),
        ("number", 1234, MASK),
        ("name", None, None),
        ("open", {"PIN": 1234, "ON": True, "deep": {"list": ["x", 1.5]}}, {"PIN": MASK, "ON": True, "deep": {"list": [MASK, MASK]}}),
        ("raw", "x", MASK),
        ("raw", ["x", {"a": 1}], [MASK, {"a": MASK}]),
        ("items", [{"count": 3, "text": "x", "unknown": 4}], [{"count": 3, "text": MASK, "unknown": MASK}]),
        ("items", "not a list", MASK),
        ("open", "A=secret", MASK),
        ("unknown", "x", MASK),
    ],
)
def test_what_is_shown_of_an_option(name: str, value: t.Any, shown: t.Any) -> None:
    assert show_options(SPECS, {name: value}) == {name: shown}


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("the key is opensesame.", f"the key is {MASK}."),
        ("opensesames", MASK),
        ({"opensesame": ["opensesame", ("opensesame", 1)]}, {"opensesame": [MASK, [MASK, 1]]}),
        ("1 of 12 ran, abc", "1 of 12 ran, abc"),
        (4321, 4321),
        (None, None),
    ],
)
def test_secrets_are_taken_out_of_texts(value: t.Any, masked: t.Any) -> None:
    assert mask(value, {"opensesame", "opensesames", "1", "abc", "4321"}) == masked
