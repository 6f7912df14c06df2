# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions with a mistake, and those without one."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.promql import find_wrong
from hypothesis import given
from hypothesis import strategies as st

from tests.prometheus_programs import REASON, find_program

PROMTOOL = find_program("promtool")
WRONG = [
    ("", "is empty"),
    ("# nothing but a comment", "is empty"),
    ("sum(up", "has ( that nothing closes. Close it with )"),
    ("up)", "has a ) that closes nothing"),
    ("sum(rate(up[5m)])", "has ) where ] is expected"),
    ("up{a='b}", "has a string that begins at character 6 and has no end. Close it with '"),
    ("rat(up[5m])", "calls rat, which is no function of PromQL. Write rate"),
    ("up ==", "has == with nothing after it"),
    ("== 1", "has == with nothing before it"),
    ("(* up)", "has * with nothing before it"),
    ("up and", "has and with nothing after it"),
    ("sum by (node) rate(up[5m])", "has rate right after )"),
    ("sum(up) rate(up[5m])", "has rate right after )"),
    ("sum(up) (up)", "has ( right after )"),
    ("up up", "has up right after up"),
    ("up > 1 2", "has 2 right after 1"),
    ("up{a='b'} 'text'", "has 'text' right after }"),
    ("up > $limit", "has '$' at character 6, which PromQL does not know"),
]
RIGHT = [
    "up",
    "-up",
    "up == bool 1 # trailing",
    "sum by (a, b) (rate(x{c=~'d.+', e!~\"[)]\"}[5m:1m] offset 1h)) > 3e6",
    "sum(x) without (a) / on (b) group_left (c) y",
    "max_over_time((a - b)[1h:]) unless up",
    "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
    "x @ end() + 1",
    "{__name__='x'}",
    "job:rate:sum",
    'label_replace(up, "a", "$1", "b", "(.*)")',
    "a or vector(0) * NaN",
    "sum(x) by (a) > 1",
    "topk by (a) (3, sum(x) without (b))",
    "a * on () group_left (c) b",
    "a and on (b) (c or d)",
    "count_values('v', x)",
    "x offset -5m > bool 1",
    "(a) / (b)",
    "up {a='b'} [5m] offset 1h",
]


@pytest.mark.parametrize(("expr", "words"), WRONG)
def test_a_mistake_is_told_with_its_cure(expr: str, words: str) -> None:
    wrong = find_wrong(expr)
    assert wrong and f"{wrong.text}. {wrong.cure}".startswith(words)


@pytest.mark.parametrize("expr", RIGHT)
def test_what_is_right_passes(expr: str) -> None:
    assert find_wrong(expr) is None


@given(st.text(alphabet="ab1()[]{}=~!<>+-*/ \"'`#,5m$.é\n", max_size=30))
def test_any_text_gets_an_answer(expr: str) -> None:
    wrong = find_wrong(expr)
    assert wrong is None or (wrong.text and wrong.cure)


@given(st.recursive(st.sampled_from(["up", "x{a='('}", "1"]), lambda inner: inner.map("({})".format) | inner.map("abs({}) + 1".format)))
def test_whatever_bracket_is_lost_is_missed(expr: str) -> None:
    assert find_wrong(expr) is None
    for index, letter in enumerate(expr):
        if letter in "()" and expr[index - 1] != "'":
            assert find_wrong(expr[:index] + expr[index + 1 :])


@pytest.mark.skipif(not PROMTOOL, reason=REASON.format("promtool"))
@pytest.mark.parametrize("expr", [*RIGHT, *(expr for expr, _words in WRONG if expr)])
def test_promtool_says_the_same(expr: str) -> None:
    done = subprocess.run([str(PROMTOOL), "promql", "--experimental", "format", "--", expr], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (find_wrong(expr) is None), done.stderr
