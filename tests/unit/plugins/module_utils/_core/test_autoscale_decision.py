# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from functools import partial

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.autoscale import Rule, Step, decide, number_at, prometheus_value
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

LONG_AGO = 10_000.0


def per(per_replica: float = 100, **given: t.Any) -> Rule:
    return Rule("w", **{"minimum": 1, "maximum": 10, **given}, per_replica=per_replica)


def ocr(**given: t.Any) -> Rule:
    """Ten from 1000 on, three again below 100."""
    return Rule("w", **{"minimum": 3, "maximum": 10, **given}, steps=(Step(1000, 10, 100),))


LADDER = Rule("w", 1, 20, steps=(Step(10, 2, 8), Step(50, 5, 40), Step(200, 20, 150)))
PLENTY = 1000

# rule, metric, replicas now, seconds since the last change, room for further tasks -> replicas
TABLE: list[tuple[Rule, float, int, float, int, int]] = [
    # so much of the metric a replica
    (per(), 0, 1, LONG_AGO, PLENTY, 1),
    (per(), 1, 1, LONG_AGO, PLENTY, 1),
    (per(), 100, 1, LONG_AGO, PLENTY, 1),
    (per(), 101, 1, LONG_AGO, PLENTY, 2),
    (per(), 950, 1, LONG_AGO, PLENTY, 10),
    (per(), 1_000_000, 1, LONG_AGO, PLENTY, 10),
    (per(), 0, 10, LONG_AGO, PLENTY, 1),
    (per(minimum=0), 0, 3, LONG_AGO, PLENTY, 0),
    (per(minimum=0), 1, 0, LONG_AGO, PLENTY, 1),
    (per(), 500.5, 5, LONG_AGO, PLENTY, 6),
    # hysteresis: 5 replicas stay until 400 is more than a tenth away
    (per(), 400, 5, LONG_AGO, PLENTY, 5),
    (per(), 364, 5, LONG_AGO, PLENTY, 5),
    (per(), 363, 5, LONG_AGO, PLENTY, 4),
    (per(hysteresis=0.0), 400, 5, LONG_AGO, PLENTY, 4),
    (per(hysteresis=1.0), 250, 5, LONG_AGO, PLENTY, 5),
    (per(hysteresis=1.0), 200, 5, LONG_AGO, PLENTY, 4),
    # steps
    (ocr(), 1000, 3, LONG_AGO, PLENTY, 10),
    (ocr(), 999, 3, LONG_AGO, PLENTY, 3),
    (ocr(), 999, 10, LONG_AGO, PLENTY, 10),
    (ocr(), 100, 10, LONG_AGO, PLENTY, 10),
    (ocr(), 99, 10, LONG_AGO, PLENTY, 3),
    (ocr(), 500, 6, LONG_AGO, PLENTY, 6),
    (LADDER, 9, 1, LONG_AGO, PLENTY, 1),
    (LADDER, 10, 1, LONG_AGO, PLENTY, 2),
    (LADDER, 49, 1, LONG_AGO, PLENTY, 2),
    (LADDER, 50, 2, LONG_AGO, PLENTY, 5),
    (LADDER, 45, 5, LONG_AGO, PLENTY, 5),
    (LADDER, 39, 5, LONG_AGO, PLENTY, 2),
    (LADDER, 160, 20, LONG_AGO, PLENTY, 20),
    (LADDER, 149, 20, LONG_AGO, PLENTY, 5),
    (LADDER, 1, 20, LONG_AGO, PLENTY, 1),
    # bounds hold at once, whatever the cool-downs say
    (per(), 0, 0, 0, PLENTY, 1),
    (per(), 5000, 25, 0, PLENTY, 25 - 15),
    (per(minimum=4, cool_down_up=600), 0, 2, 5, PLENTY, 4),
    (per(minimum=2, max_scale_up=1), 0, 0, LONG_AGO, PLENTY, 2),
    # cool-downs
    (per(cool_down_up=60), 500, 1, 59, PLENTY, 1),
    (per(cool_down_up=60), 500, 1, 60, PLENTY, 5),
    (per(), 0, 5, 299, PLENTY, 5),
    (per(), 0, 5, 300, PLENTY, 1),
    (per(cool_down_down=0), 0, 5, 0, PLENTY, 1),
    # small steps
    (per(max_scale_up=2), 900, 1, LONG_AGO, PLENTY, 3),
    (per(max_scale_up=2), 200, 1, LONG_AGO, PLENTY, 2),
    (per(max_scale_down=1), 0, 5, LONG_AGO, PLENTY, 4),
    (per(max_scale_down=9), 0, 5, LONG_AGO, PLENTY, 1),
    # idleness
    (per(scale_down_at_most=0.0), 1, 5, LONG_AGO, PLENTY, 5),
    (per(scale_down_at_most=0.0), 0, 5, LONG_AGO, PLENTY, 1),
    (per(scale_down_at_most=0.0), 700, 5, LONG_AGO, PLENTY, 7),
    (per(scale_down_at_most=0.0, maximum=4), 700, 5, LONG_AGO, PLENTY, 4),
    # room
    (per(), 900, 1, LONG_AGO, 3, 4),
    (per(), 900, 4, LONG_AGO, 0, 4),
    (per(), 0, 5, LONG_AGO, 0, 1),
    (per(max_scale_up=5), 900, 1, LONG_AGO, 2, 3),
]


@pytest.mark.parametrize(("rule", "metric", "count", "unchanged", "free", "replicas"), TABLE)
def test_a_decision(rule: Rule, metric: float, count: int, unchanged: float, free: int, replicas: int) -> None:
    decision = decide(rule, metric, count, unchanged, lambda more: min(more, free))
    assert decision.replicas == replicas and f"metric {metric:g}" in decision.reason


@pytest.mark.parametrize(
    ("rule", "metric", "count", "unchanged", "free", "words"),
    [
        (per(), 900, 1, LONG_AGO, 3, "calls for 9, the nodes have room for 4"),
        (per(cool_down_up=60), 900, 1, 20, PLENTY, "calls for 9, held for 40 s more"),
        (per(), 0, 5, 299.5, PLENTY, "calls for 1, held for 1 s more"),
        (per(scale_down_at_most=0.0), 10, 5, LONG_AGO, PLENTY, "held until the metric is at most 0"),
        (per(max_scale_up=2), 900, 1, LONG_AGO, PLENTY, "at most 2 more in one pass"),
        (per(max_scale_down=2), 0, 9, LONG_AGO, PLENTY, "at most 2 fewer in one pass"),
    ],
)
def test_a_decision_says_what_held_it_back(rule: Rule, metric: float, count: int, unchanged: float, free: int, words: str) -> None:
    assert words in decide(rule, metric, count, unchanged, lambda more: min(more, free)).reason


RULES = st.builds(
    Rule,
    service=st.just("w"),
    minimum=st.integers(0, 5),
    maximum=st.integers(5, 40),
    per_replica=st.floats(0.5, 500),
    hysteresis=st.floats(0, 1),
    max_scale_up=st.integers(0, 5),
    max_scale_down=st.integers(0, 5),
    cool_down_up=st.floats(0, 900),
    cool_down_down=st.floats(0, 900),
    scale_down_at_most=st.none() | st.floats(0, 100),
)


@given(RULES, st.floats(0, 50_000), st.integers(0, 60), st.integers(0, 40))
def test_a_steady_metric_ends_in_a_steady_number(rule: Rule, metric: float, count: int, free: int) -> None:
    """No flapping: over passes the number goes one way, never above what the bounds and the nodes allow, and comes to rest."""
    start, seen = count, []
    for _pass in range(60):
        left = max(free - (count - start), 0)
        count = decide(rule, metric, count, LONG_AGO, partial(min, left)).replicas
        seen.append(count)
    assert seen in (sorted(seen), sorted(seen, reverse=True))
    assert seen[-1] == seen[-2] and max(seen) <= max(start, min(rule.maximum, start + free))


@given(RULES, st.floats(0, 50_000), st.floats(0, 0.9))
def test_small_waves_below_the_hysteresis_change_nothing(rule: Rule, metric: float, wave: float) -> None:
    rule = Rule("w", rule.minimum, rule.maximum, per_replica=rule.per_replica, hysteresis=rule.hysteresis)
    top = decide(rule, metric, 0, LONG_AGO, lambda more: more).replicas
    low = metric / (1 + rule.hysteresis * wave)
    assert decide(rule, low, top, LONG_AGO, lambda more: more).replicas == top


NSQ = {"topics": [{"topic_name": "ocr", "depth": 12, "channels": [{"depth": 3}, {"depth": 4}]}, {"topic_name": "mail", "depth": "7"}]}


@pytest.mark.parametrize(
    ("document", "path", "number"),
    [
        ({"depth": 5}, "depth", 5),
        ({"a": {"b": {"c": 1.5}}}, "a.b.c", 1.5),
        (NSQ, "topics[topic_name=ocr].depth", 12),
        (NSQ, "topics[*].depth", 19),
        (NSQ, "topics[0].channels[*].depth", 7),
        (NSQ, "topics[1].depth", 7),
        ([{"messages": 2}, {"messages": 3}], "[*].messages", 5),
        ([[1, 2], [3]], "[*][*]", 6),
        (42, "", 42),
        ("42", "", 42),
    ],
)
def test_a_path_leads_to_a_number(document: t.Any, path: str, number: float) -> None:
    assert number_at(document, path) == number


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        (NSQ, "topics[topic_name=ocrs].depth", "nothing at topics[topic_name=ocrs]"),
        (NSQ, "topics[5].depth", "nothing at topics[5]"),
        (NSQ, "topic.depth", "nothing at topic (path topic.depth)"),
        (NSQ, "topics[0].channels", "which is not a number"),
        ({"depth": True}, "depth", "'True', which is not a number"),
        ({"depth": "NaN"}, "depth", "which is not a number"),
        ({"depth": None}, "depth", "which is not a number"),
        (NSQ, "topics]", "is not a path"),
        (NSQ, "[x", "is not a path"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ended(document: t.Any, path: str, words: str) -> None:
    with pytest.raises(PlanError) as error:
        number_at(document, path)
    assert words in str(error.value)


def test_an_answer_of_prometheus() -> None:
    def answer(kind: str, result: t.Any) -> dict[str, t.Any]:
        return {"status": "success", "data": {"resultType": kind, "result": result}}

    one = {"metric": {}, "value": [1700000000.0, "17.5"]}
    assert prometheus_value(answer("vector", [one])) == 17.5
    assert prometheus_value(answer("scalar", [1700000000.0, "3"])) == 3
    for wrong, words in ((answer("vector", []), "0 series"), (answer("vector", [one, one]), "2 series"), ([], "0 series")):
        with pytest.raises(PlanError, match=words):
            prometheus_value(wrong)
