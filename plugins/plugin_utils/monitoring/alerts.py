# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a test alert reached its receivers, out of what Alertmanager counted. Pure."""

from __future__ import annotations

import json
import typing as t

from .targets import Verdict

Json = t.Mapping[str, t.Any]
_SUFFIX = "_configs"


def receiver_kinds(receivers: t.Iterable[Json]) -> dict[str, dict[str, int]]:
    """Receiver -> how many it has of each integration, by the names that Alertmanager counts them under. Nothing of it is secret."""
    return {
        str(receiver["name"]): {
            key.removesuffix(_SUFFIX): len(configs) for key, configs in receiver.items() if key.endswith(_SUFFIX) and configs
        }
        for receiver in receivers
    }


def judge_alert(answer: str, kinds: t.Mapping[str, t.Mapping[str, int]]) -> Verdict:
    """``answer`` is what ``files/alert.py`` of the role printed; ``kinds`` are those of ``receiver_kinds``."""
    try:
        told = json.loads(answer)
    except ValueError:
        return Verdict(False, f"the test alert could not be sent: {' '.join(answer.split())[-300:] or 'no answer'}")
    if "problem" in told:
        return Verdict(False, f"Alertmanager does not answer: {told['problem']}")
    receivers = told["receivers"]
    if not receivers:
        return Verdict(False, f"Alertmanager took the test alert {told['alert']} and told nobody within the time")
    names = ", ".join(receivers)
    if not any(kinds.get(name) for name in receivers):
        return Verdict(False, f"the test alert {told['alert']} went to {names}, which tells nobody")
    if told["missing"]:
        causes = "; ".join(_cause(kind, told["requests"].get(kind, 0), told["failed"].get(kind, 0)) for kind in told["missing"])
        return Verdict(False, f"the test alert {told['alert']} went to {names}, and did not arrive: {causes}")
    return Verdict(True, f"the test alert {told['alert']} arrived at {names}")


def _cause(kind: str, requests: float, failed: float) -> str:
    return f"{kind} refused {failed:.0f} of {requests:.0f}" if failed else f"{kind} was sent {requests:.0f}"
