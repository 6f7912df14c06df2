# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Prometheus scrapes what it should, out of what it says of its targets. Pure."""

from __future__ import annotations

import json
import typing as t

from .settings import EXPORTER

Json = t.Mapping[str, t.Any]
SAID = 5


class Verdict(t.NamedTuple):
    """``text`` names what is missing with its cause, or says how many targets there are."""

    ready: bool
    text: str


def judge_targets(answer: str, expected: t.Mapping[str, int]) -> Verdict:
    """``answer`` is what ``/api/v1/targets`` gave, empty where it gave nothing; ``expected`` has the number of targets of each job."""
    try:
        active = json.loads(answer)["data"]["activeTargets"]
    except (ValueError, KeyError, TypeError):
        told = " ".join(answer.split())[-300:]
        return Verdict(False, f"Prometheus does not answer: {told}" if told else "Prometheus does not answer")
    problems = [_said(target) for target in active if target["health"] != "up"]
    for job, count in sorted(expected.items()):
        found = sum(target["labels"]["job"] == job for target in active)
        if found < count:
            problems.append(f"{job}: Prometheus has found {found} of {count} targets")
    if problems:
        more = len(problems) - SAID
        return Verdict(False, "; ".join(problems[:SAID]) + (f"; and {more} more" if more > 0 else ""))
    return Verdict(True, f"Prometheus scrapes {len(active)} targets")


def _said(target: Json) -> str:
    labels = target["labels"]
    where = f"{labels.get('instance', '')} of {labels['job']} ({target['scrapeUrl']})"
    return f"{where} is down: {target['lastError']}" if target["health"] == "down" else f"{where} has not been scraped yet"


def expected_targets(model: Json, services: t.Sequence[Json], stack: str, label: str) -> dict[str, int]:
    """Job -> number of its targets, from the labels of the model and the tasks that a deploy found running."""
    running = {service["name"]: service["running"] for service in services}
    expected = {}
    for key, service in model["services"].items():
        labels = service["deploy"].get("labels") or {}
        job = "swarm" if key == EXPORTER else labels.get(f"{label}-job", f"{stack}_{key}" if f"{label}-port" in labels else "")
        if job:
            expected[job] = running.get(f"{stack}_{key}", 0)
    return expected
