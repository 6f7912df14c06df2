# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replicas a service should have, given a metric. Pure."""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass

from ..errors import PlanError

_SEGMENT = re.compile(r"(?P<key>[^.\[\]]*)(?P<picks>(\[[^\[\]]*\])*)(?:\.|$)")
_PICK = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Step:
    """From the metric ``at`` on, ``replicas`` are wanted; they are given up again below ``down_at``."""

    at: float
    replicas: int
    down_at: float


@dataclass(frozen=True)
class Rule:
    """``per_replica`` is how much of the metric one replica takes; else ``steps`` say it. Times are in seconds.

    ``max_scale_up`` and ``max_scale_down`` are the most that one pass changes, 0 is no limit.
    ``scale_down_at_most`` is the greatest metric at which
    replicas may be taken away, None is any.
    """

    service: str
    minimum: int
    maximum: int
    per_replica: float = 0.0
    steps: tuple[Step, ...] = ()
    hysteresis: float = 0.1
    max_scale_up: int = 0
    max_scale_down: int = 0
    cool_down_up: float = 0.0
    cool_down_down: float = 300.0
    scale_down_at_most: float | None = None


@dataclass(frozen=True)
class Decision:
    """``wanted`` is what the metric calls for, ``replicas`` what the service must have now."""

    replicas: int
    wanted: int
    reason: str


def decide(rule: Rule, metric: float, count: int, unchanged_seconds: float, room: t.Callable[[int], int]) -> Decision:
    """Decide for a service that has ``count`` replicas and has not been changed for ``unchanged_seconds``.

    ``room(n)`` says for how many of n further tasks the nodes have room. A count outside the bounds of the rule is brought inside
    at once; cool-downs and idleness hold back the rest.
    """
    wanted = _wanted(rule, metric, count)
    inside = min(max(count, rule.minimum), rule.maximum)
    told = f"metric {metric:g} calls for {wanted}"
    if wanted > count:
        return _grow(rule, wanted, inside, count, unchanged_seconds, room, told)
    if wanted < count:
        return _shrink(rule, wanted, inside, metric, unchanged_seconds, told)
    return Decision(count, wanted, told)


def _grow(rule: Rule, wanted: int, inside: int, count: int, unchanged_seconds: float, room: t.Callable[[int], int], told: str) -> Decision:
    target, held = wanted, ""
    waits = rule.cool_down_up - unchanged_seconds
    if waits > 0:
        target, held = inside, f"held for {math.ceil(waits)} s more after the last change"
    elif rule.max_scale_up and target > max(inside, count + rule.max_scale_up):
        target, held = max(inside, count + rule.max_scale_up), f"at most {rule.max_scale_up} more in one pass"
    fitting = count + room(target - count) if target > count else target
    if fitting < target:
        target, held = fitting, f"the nodes have room for {fitting}"
    return Decision(target, wanted, f"{told}, {held}" if held else told)


def _shrink(rule: Rule, wanted: int, inside: int, metric: float, unchanged_seconds: float, told: str) -> Decision:
    waits = rule.cool_down_down - unchanged_seconds
    if rule.scale_down_at_most is not None and metric > rule.scale_down_at_most:
        return Decision(inside, wanted, f"{told}, held until the metric is at most {rule.scale_down_at_most:g}")
    if waits > 0:
        return Decision(inside, wanted, f"{told}, held for {math.ceil(waits)} s more after the last change")
    if rule.max_scale_down and wanted < inside - rule.max_scale_down:
        return Decision(inside - rule.max_scale_down, wanted, f"{told}, at most {rule.max_scale_down} fewer in one pass")
    return Decision(wanted, wanted, told)


def _wanted(rule: Rule, metric: float, count: int) -> int:
    """Between the bounds. What is there stays as long as the metric, taken a little higher, still calls for it."""
    if rule.per_replica:
        least = math.ceil(metric / rule.per_replica)
        most = math.ceil(metric * (1 + rule.hysteresis) / rule.per_replica)
    else:
        least = max((step.replicas for step in rule.steps if metric >= step.at), default=0)
        most = max((step.replicas for step in rule.steps if metric >= step.down_at), default=0)
    return min(max(least, min(count, most), rule.minimum), rule.maximum)


def read_rule(rule: t.Mapping[str, t.Any], seconds: t.Callable[[str], float]) -> Rule:
    """A rule from a module's options; ``seconds`` reads a duration. Raises PlanError that names the service and the option."""
    name = rule["service"]

    def check(good: bool, option: str, found: t.Any, expected: str) -> None:
        if not good:
            raise PlanError(f"rule of service {name}: {option} is {found!r}, expected {expected}.")

    lowest, highest, per_replica, steps = rule["min"], rule["max"], rule["per_replica"], rule["steps"]
    check(lowest >= 0, "min", lowest, "a whole number, 0 or more")
    check(highest >= max(lowest, 1), "max", highest, f"a whole number from {max(lowest, 1)} on")
    check(bool(per_replica) != bool(steps), "per_replica", per_replica, "a number above 0, or steps instead, and not both")
    check(per_replica is None or per_replica > 0, "per_replica", per_replica, "a number above 0")
    check(0 <= rule["hysteresis"] <= 1, "hysteresis", rule["hysteresis"], "a fraction from 0 to 1")
    for option in ("max_scale_up", "max_scale_down"):
        check(rule[option] >= 0, option, rule[option], "a whole number, 0 or more (0 is no limit)")
    ladder = []
    for index, step in enumerate(steps):
        down_at = step["at"] * (1 - rule["hysteresis"]) if step["down_at"] is None else step["down_at"]
        check(step["replicas"] >= 0, f"steps[{index}].replicas", step["replicas"], "a whole number, 0 or more")
        check(down_at <= step["at"], f"steps[{index}].down_at", down_at, f"a number up to at, {step['at']:g}")
        ladder.append(Step(step["at"], step["replicas"], down_at))
    return Rule(
        service=name,
        minimum=lowest,
        maximum=highest,
        per_replica=per_replica or 0.0,
        steps=tuple(ladder),
        hysteresis=rule["hysteresis"],
        max_scale_up=rule["max_scale_up"],
        max_scale_down=rule["max_scale_down"],
        cool_down_up=seconds(rule["cool_down_up"]),
        cool_down_down=seconds(rule["cool_down_down"]),
        scale_down_at_most=rule["scale_down_at_most"],
    )


def number_at(document: t.Any, path: str) -> float:
    """The number at a path such as ``topics[topic_name=ocr].depth``; several, as ``queues[*].messages`` means, are added up.

    ``[2]`` is the third item of a list, ``[key=value]`` are the items in which the key has that value. Raises PlanError, which
    names the part of the path where nothing was found.
    """
    found, seen = [document], ""
    for key, picks in _segments(path):
        if key:
            seen = f"{seen}.{key}".lstrip(".")
            found = [item[key] for item in found if isinstance(item, dict) and key in item]
        for pick in picks:
            seen = f"{seen}[{pick}]"
            found = [each for item in found if isinstance(item, list) for each in _pick(item, pick)]
        if not found:
            raise PlanError(f"there is nothing at {seen} (path {path})")
    return sum(_number(item, path) for item in found)


def _segments(path: str) -> t.Iterator[tuple[str, list[str]]]:
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if not match or match.end() == position:
            raise PlanError(f"{path!r} is not a path, expected one such as topics[topic_name=ocr].depth")
        yield match["key"], _PICK.findall(match["picks"])
        position = match.end()


def _pick(items: list[t.Any], pick: str) -> list[t.Any]:
    key, equals, value = pick.partition("=")
    if pick == "*":
        return items
    if equals:
        return [item for item in items if isinstance(item, dict) and str(item.get(key)) == value]
    return items[int(pick) :][:1] if pick.isdecimal() else []


def _number(value: t.Any, path: str) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number):
        raise PlanError(f"at {path or 'its top'} is {str(value)[:60]!r}, which is not a number")
    return number


def prometheus_value(answer: t.Any) -> float:
    """The one number in an answer of Prometheus' ``/api/v1/query``. Raises PlanError for none or several."""
    data = (answer.get("data") or {}) if isinstance(answer, dict) else {}
    result, kind = data.get("result"), data.get("resultType")
    if kind == "scalar" and isinstance(result, list) and len(result) == 2:
        return _number(result[1], "the query's result")
    if kind == "vector" and isinstance(result, list) and len(result) == 1:
        return _number(result[0]["value"][1], "the query's result")
    count = len(result) if isinstance(result, list) else 0
    raise PlanError(f"the query returned {count} series, expected one: use sum() or max()")
