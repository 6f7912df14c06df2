# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be told of a PromQL expression without Prometheus. Pure.

Strings that end, brackets that match, operators with two sides and between two sides, and functions that exist: the mistakes of the
hand. Prometheus itself judges the rest when it reads its rules.
"""

from __future__ import annotations

import difflib
import itertools
import re
import typing as t

FUNCTIONS = frozenset(
    """
    abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos cosh
    count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp floor histogram_avg histogram_count
    histogram_fraction histogram_quantile histogram_stddev histogram_stdvar histogram_sum double_exponential_smoothing holt_winters hour
    idelta increase info irate label_join label_replace last_over_time ln log10 log2 mad_over_time max_over_time min_over_time minute
    month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_by_label
    sort_by_label_desc sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year
    """.split()
)
AGGREGATIONS = frozenset("avg bottomk count count_values group limitk limit_ratio max min quantile stddev stdvar sum topk".split())
BEFORE_BRACKETS = frozenset("and or unless by without on ignoring group_left group_right bool atan2 offset start end".split())
BINARY = frozenset("+ - * / % ^ == != > < >= <= and or unless atan2".split())
SIGNS = frozenset("+ -".split())
GROUPINGS = frozenset("by without on ignoring group_left group_right".split())
MATCHINGS = GROUPINGS - {"by", "without"}
KEYWORDS = BINARY | GROUPINGS | {"bool", "offset"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    r"""\s+|\#[^\n]*"""
    r"""|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)"""
    r"""|(?P<bracket>[()\[\]{}])"""
    r"""|(?P<operator>==|!=|>=|<=|=~|!~|[-+*/%^<>=@,:])"""
    r"""|(?P<word>[a-zA-Z_][a-zA-Z0-9_:.]*|[0-9.][a-zA-Z0-9.]*)"""
)


class Wrong(t.NamedTuple):
    text: str
    cure: str


def find_wrong(expr: str) -> Wrong | None:
    """The first mistake, as the end of a sentence that begins with the name of the expression."""
    tokens, wrong = _read(expr)
    if wrong:
        return wrong
    if not tokens:
        return Wrong("is empty", "Write a PromQL expression")
    outside = _outside(tokens)
    return _of_brackets(tokens) or _of_functions(tokens) or _of_operators(outside) or _of_neighbours(outside)


def _read(expr: str) -> tuple[list[str], Wrong | None]:
    tokens: list[str] = []
    position = 0
    while position < len(expr):
        found = TOKEN.match(expr, position)
        if not found:
            letter = expr[position]
            if letter in "\"'`":
                return tokens, Wrong(f"has a string that begins at character {position + 1} and has no end", f"Close it with {letter}")
            return tokens, Wrong(f"has '{letter}' at character {position + 1}, which PromQL does not know", "Remove it")
        if found.lastgroup:
            tokens.append(found.group())
        position = found.end()
    return tokens, None


def _of_brackets(tokens: t.Sequence[str]) -> Wrong | None:
    opened: list[str] = []
    for token in tokens:
        if token in CLOSING:
            opened.append(token)
        elif token in CLOSING.values():
            if not opened:
                return Wrong(f"has a {token} that closes nothing", "Remove it, or open it before")
            expected = CLOSING[opened.pop()]
            if token != expected:
                return Wrong(f"has {token} where {expected} is expected", "Close brackets in the order in which they open")
    if opened:
        return Wrong(f"has {opened[-1]} that nothing closes", f"Close it with {CLOSING[opened[-1]]}")
    return None


def _of_functions(tokens: t.Sequence[str]) -> Wrong | None:
    for word, following in itertools.pairwise(tokens):
        lower = word.lower()
        if following == "(" and word[0].isalpha() and not {lower} & (FUNCTIONS | AGGREGATIONS | BEFORE_BRACKETS):
            near = difflib.get_close_matches(lower, sorted(FUNCTIONS | AGGREGATIONS), 1)
            return Wrong(f"calls {word}, which is no function of PromQL", f"Write {near[0]}" if near else "Take one of PromQL's functions")
    return None


def _outside(tokens: t.Sequence[str]) -> list[str]:
    """Without matchers and ranges, of which the closing brackets are left."""
    outside, depth = [], 0
    for token in tokens:
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        if depth == 0:
            outside.append(token)
    return outside


def _of_neighbours(outside: t.Sequence[str]) -> Wrong | None:
    """Two things to compute with, and nothing between them."""
    opened: list[str] = []
    after = "("  # the kind of what stands before: what may follow depends on it
    for word, following in itertools.pairwise(["", *outside]):
        lower = word.lower()
        if word == ")":
            after = opened.pop()
        elif word in ("}", "]") or (word and (word[0].isalnum() or word[0] in "_.\"'`") and lower not in KEYWORDS | AGGREGATIONS):
            after = "operand"
        else:
            after = lower
        if following == "(":
            opened.append(lower if lower in GROUPINGS else "operand")
        starts = following[0].isalnum() or following[0] in "_.\"'`"
        is_next = (starts and following.lower() not in KEYWORDS) or (following == "(" and word in (")", "}", "]"))
        if is_next and (after == "operand" or (after in ("by", "without") and starts)):
            return Wrong(f"has {following} right after {word}", "Write an operator or brackets between them")
    return None


def _of_operators(outside: t.Sequence[str]) -> Wrong | None:
    for before, operator, after in zip(["(", *outside[:-1]], outside, [*outside[1:], ")"], strict=True):
        if operator.lower() not in BINARY:
            continue
        if operator not in SIGNS and before in ("(", ","):
            return Wrong(f"has {operator} with nothing before it", "Write what it compares or computes with")
        if after in (")", ","):
            return Wrong(f"has {operator} with nothing after it", "Write what it compares or computes with")
    return None
