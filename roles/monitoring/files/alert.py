# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends Alertmanager a test alert, waits until its receivers took it, and prints what was counted. Runs in a container of the stack.

``python3 - http://alertmanager:9093 300 '{"ops": {"webhook": 1}}'``: where it is, the seconds to wait, and what each receiver consists of.
What a receiver answered is never printed: it may hold an address with a token.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

# Unlike notifications_total, which counts those that have begun, these count what a receiver has answered.
ALL, FAILED = "alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total"
SPARE_SECONDS = 60
"""Alertmanager shows only alerts that have not ended, and the last look is at the end of the time."""
SAMPLE = re.compile(r'^(\w+)\{.*?integration="([^"]+)".*\} (\S+)$', re.MULTILINE)
Counts = dict[str, float]


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def send(alertmanager: str, name: str, ends: float) -> None:
    """The same labels make it the same alert; it is over when its end has come."""
    alert = {
        "labels": {"alertname": name, "severity": "warning"},
        "annotations": {"summary": "A test: alerts arrive. Nothing has to be done."},
        "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends)),
    }
    body, headers = json.dumps([alert]).encode(), {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{alertmanager}/api/v2/alerts", body, headers), timeout=10).close()


def count(metrics: str, name: str) -> Counts:
    """The requests by integration; of one integration there may be several samples."""
    found: Counts = {}
    for metric, integration, value in SAMPLE.findall(metrics):
        if metric == name:
            found[integration] = found.get(integration, 0.0) + float(value)
    return found


def since(now: Counts, before: Counts) -> Counts:
    return {kind: value - before.get(kind, 0.0) for kind, value in now.items() if value > before.get(kind, 0.0)}


def try_out(alertmanager: str, seconds: float, receivers: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    before = get(f"{alertmanager}/metrics")
    name, end = f"acceptance_test_{int(time.time())}", time.time() + seconds
    send(alertmanager, name, end + SPARE_SECONDS)
    told: dict[str, Any] = {}
    try:
        while True:
            alerts = json.loads(get(f"{alertmanager}/api/v2/alerts?{urllib.parse.urlencode({'filter': f'alertname={name}'})}"))
            reached = sorted({each["name"] for alert in alerts for each in alert["receivers"]})
            now = get(f"{alertmanager}/metrics")
            counts = [since(count(now, metric), count(before, metric)) for metric in (ALL, FAILED)]
            told = {"alert": name, "receivers": reached, "requests": counts[0], "failed": counts[1]}
            wanted: dict[str, int] = {}
            for receiver in reached:
                for kind, number in receivers.get(receiver, {}).items():
                    wanted[kind] = wanted.get(kind, 0) + number
            arrived = {kind: counts[0].get(kind, 0.0) - counts[1].get(kind, 0.0) for kind in wanted}
            told["missing"] = sorted(kind for kind, number in wanted.items() if arrived[kind] < number)
            if (reached and not told["missing"]) or time.time() >= end:
                return told
            time.sleep(1)
    finally:
        send(alertmanager, name, time.time())


def main() -> None:
    try:
        told = try_out(sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3]))
    except (OSError, ValueError, KeyError) as error:
        told = {"problem": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
