# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text format of Prometheus. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from ...errors import PlanError

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def write_metrics(metrics: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """One gauge for each of ``metrics``, with ``name``, ``value``, ``labels`` and ``help``; the samples of one name stand together."""
    helps: dict[str, str] = {}
    samples: dict[str, list[str]] = {}
    for metric in metrics:
        name, labels = metric["name"], metric.get("labels") or {}
        for text in (*([name] if not NAME.fullmatch(name) else []), *(each for each in labels if not LABEL.fullmatch(each))):
            raise PlanError(f"'{text}' can't be the name of a metric or a label", "Take letters, digits and underscores.")
        given = ",".join(f"{key}={json.dumps(str(value), ensure_ascii=False)}" for key, value in sorted(labels.items()))
        helps.setdefault(name, str(metric.get("help") or ""))
        samples.setdefault(name, []).append(f"{name}{{{given}}} {float(metric['value'])!r}\n")
    return "".join(f"# HELP {name} {' '.join(helps[name].split())}\n# TYPE {name} gauge\n{''.join(samples[name])}" for name in samples)
