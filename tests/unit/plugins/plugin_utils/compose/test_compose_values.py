# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scalars, units and words, each against what Go and the docker CLI make of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.scalars import Octal, go_text, plain
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.shellwords import split_words
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.units import duration_ns, nano_cpus, size_bytes

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False),
        ("yes", "yes"), ("on", "on"), ("y", "y"), ("No", "No"),
        ("1", 1), ("-3", -3), ("+1", 1), ("1_000", 1000), ("0644", Octal(420)),
        ("017", Octal(15)), ("0o17", Octal(15)), ("0x1F", 31), ("0b101", 5),
        ("08", 8.0), ("1e3", 1000.0), (".5", 0.5), ("1.0", 1.0), ("1e999", "1e999"), ("99999999999999999999", 1e20),
        ("22:22", "22:22"), ("1.2.3", "1.2.3"), ("-", "-"), ("+", "+"), (".", "."), ("0x", "0x"), ("v1", "v1"), ("1s", "1s"),
        ("2024-01-02", "2024-01-02 00:00:00 +0000 UTC"),
        ("2024-1-2 3:4:5.600", "2024-01-02 03:04:05.6 +0000 UTC"),
        ("2024-01-02T03:04:05+01:00", "2024-01-02 03:04:05 +0100 +0100"),
        ("2024-13-01", "2024-13-01"), ("2024-01-02T03:04:05", "2024-01-02T03:04:05"),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, value: t.Any) -> None:
    found = plain(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (2.50, "2.5"), (1e6, "1e+06"), (1e21, "1e+21"), (0.5, "0.5"), (123456.5, "123456.5"), (0.0001, "0.0001"),
        (0.00001, "1e-05"), (-1.5e-7, "-1.5e-07"), (1234567.0, "1.234567e+06"), (float("inf"), "+Inf"), (float("-inf"), "-Inf"),
        (float("nan"), "NaN"), (420, "420"), (True, "true"), (False, "false"), ("x", "x"), (0.0, "0"),
    ],
)  # fmt: skip
def test_go_text(value: t.Any, text: str) -> None:
    assert go_text(value) == text


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1m30s", 90 * SECOND), ("500ms", SECOND // 2), ("1.5h", 5400 * SECOND), ("0", 0), ("1us", 1000), ("1µs", 1000),
        ("7ns", 7), ("-1s", -SECOND), ("+1s", SECOND), (".5s", SECOND // 2), ("1.s", SECOND), ("1h1h", 7200 * SECOND),
    ],
)  # fmt: skip
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration_ns(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "1d", "s", "1 s", "1m 30s", "--1s", "1e3s", "99999999h", "."])
def test_texts_that_are_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration_ns(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024), ("1k", 1024), ("512m", 512 << 20), ("512 mb", 512 << 20), ("1G", 1 << 30), ("1GB", 1 << 30),
        ("1gib", 1 << 30), ("1.5k", 1536), ("0", 0), ("10b", 10), ("1T", 1 << 40), ("1P", 1 << 50), ("0.3", 0),

        ("1e3", 1000), ("1.5e1k", 15 << 10),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "1X", "m", "-1m", "1  m", "1mm", "1e", "1e999k", "99999999P"])
def test_texts_that_are_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        size_bytes(text)


@pytest.mark.parametrize(("text", "nano"), [("0.5", SECOND // 2), ("2", 2 * SECOND), ("1/4", SECOND // 4), ("0.000000001", 1)])
def test_cpus(text: str, nano: int) -> None:
    assert nano_cpus(text) == nano


@pytest.mark.parametrize("text", [" 1", "x", "1/0", "0.0000000001", "1/3", "nan"])
def test_texts_that_are_no_cpus(text: str) -> None:
    with pytest.raises(ValueError, match="CPUs"):
        nano_cpus(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []), ("  \t\r\n ", []), ("a b", ["a", "b"]), ("""a "c d" 'e f' g\\ h""", ["a", "c d", "e f", "g h"]),
        (r'"\d"', ["d"]), (r"'\d'", [r"\d"]), (r"\d", ["d"]), ('a"b"c', ["abc"]), ('""', [""]), ("x#y z", ["x#y", "z"]),
        ("run # rest\nnext", ["run", "next"]), ("run # rest", ["run"]), ("a;b|c", ["a;b|c"]), ("$HOME", ["$HOME"]),
    ],
)  # fmt: skip
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("text", ['"x', "'x", "x\\", '"x\\'])
def test_commands_that_end_too_early(text: str) -> None:
    with pytest.raises(ValueError, match=r"closing|after the backslash"):
        split_words(text)
