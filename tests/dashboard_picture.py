# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of dashboards of role monitoring, drawn as SVG from what a Prometheus answers to their queries: a lab has no Grafana.

``python -m tests.dashboard_picture http://10.88.55.11:9090 1800 swarm node service > docs/pictures/monitoring.svg``, the seconds until
now and the dashboards.
"""

from __future__ import annotations

import html
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS, Panel

WIDTH, PANEL_WIDTH, PANEL_HEIGHT, GAP, HEAD = 1000, 488, 186, 8, 34
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT = 58, 30, 418, 88
POINTS, LINES, LETTERS_OF_A_LINE, LETTER, LONGEST = 80, 3, 74, 5.4, 30
COLOURS = "#3274d9 #e0752d #37872d #c4162a #8f3bb8 #b7950b #13869b #c15c9b #5b6572 #795548 #96d98d #8ab8ff".split()
SCALES = {"bytes": (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)), "Bps": (("MB/s", 10**6), ("kB/s", 10**3))}
SUFFIXES = {"bytes": " B", "Bps": " B/s", "percent": " %", "celsius": " °C", "watt": " W", "reqps": " req/s", "s": " s"}


@dataclass(frozen=True)
class Series:
    """``points`` are seconds since 1970 and values."""

    name: str
    points: Sequence[tuple[float, float]]


def name_of(legend: str, labels: Mapping[str, str]) -> str:
    name = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip() or "(none)"
    return f"{name[: LONGEST - 1]}…" if len(name) > LONGEST else name


def told(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    for name, factor in SCALES.get(unit, ()):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value:.3g}{SUFFIXES.get(unit, '')}"


def ceiling(value: float, unit: str) -> float:
    """The next round number: where the axis ends."""
    base = 2**10 if unit == "bytes" and value >= 2**10 else 1
    scale = base ** math.floor(math.log(value, base)) if base > 1 else 1
    rest = value / scale
    power = 10 ** math.floor(math.log10(rest)) if rest > 0 else 1
    return next((step * power * scale for step in (1, 2, 5, 10) if rest <= step * power), scale) if value > 0 else 1


def text(x: float, y: float, words: str, size: int = 10, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}"{more}>{html.escape(words, quote=False)}</text>'


def draw_panel(panel: Panel, series: Sequence[Series], begin: float, end: float) -> Iterator[str]:
    yield f'<rect width="{PANEL_WIDTH}" height="{PANEL_HEIGHT}" rx="3" fill="#fff" stroke="#d8d9da"/>'
    yield text(10, 18, panel.title, 12, ' font-weight="600"')
    if panel.kind == "stat":
        for index, each in enumerate(series):
            x = (index + 0.5) * PANEL_WIDTH / len(series)
            yield text(x, 105, told(each.points[-1][1], panel.unit), 44, ' text-anchor="middle" fill="#37872d"')
            yield text(x, 135, each.name, 12, ' text-anchor="middle"')
        return
    top = ceiling(max((value for each in series for _at, value in each.points), default=0), panel.unit)
    for part in (0, 0.5, 1):
        y = TOP + PLOT_HEIGHT * (1 - part)
        yield f'<path d="M{LEFT} {y:.0f}h{PLOT_WIDTH}" stroke="#e9edf2"/>'
        yield text(LEFT - 6, y + 3, told(top * part, panel.unit), 9, ' text-anchor="end" fill="#6c757d"')
    for part in (0, 0.5, 1):
        words = time.strftime("%H:%M", time.gmtime(begin + (end - begin) * part))
        yield text(LEFT + PLOT_WIDTH * part, TOP + PLOT_HEIGHT + 13, words, 9, ' text-anchor="middle" fill="#6c757d"')
    for index, each in enumerate(series):
        across = [LEFT + PLOT_WIDTH * (at - begin) / (end - begin) for at, _value in each.points]
        down = [TOP + PLOT_HEIGHT * (1 - max(value, 0) / top) for _at, value in each.points]
        points = " ".join(f"{x:.0f},{y:.1f}" for x, y in zip(across, down, strict=True))
        yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.5"/>'
    yield from draw_legend([each.name for each in series])


def draw_legend(names: Sequence[str]) -> Iterator[str]:
    """Three lines of names. The last one says how many there are more."""
    letters, line = 0, 0
    for index, name in enumerate(names):
        if letters and letters + len(name) > LETTERS_OF_A_LINE - (12 if line == LINES - 1 else 0):
            letters, line = 0, line + 1
        more = line == LINES
        x, y = LEFT + (LETTERS_OF_A_LINE - 6 if more else letters) * LETTER, TOP + PLOT_HEIGHT + 30 + (LINES - 1 if more else line) * 13
        if more:
            yield text(x, y, f"and {len(names) - index} more", 9)
            return
        yield f'<rect x="{x:.0f}" y="{y - 6:.0f}" width="8" height="4" fill="{COLOURS[index % len(COLOURS)]}"/>'
        yield text(x + 11, y, name, 9)
        letters += len(name) + 5


def draw(boards: Mapping[str, Sequence[tuple[Panel, Sequence[Series]]]], begin: float, end: float) -> str:
    parts, y = [], 0
    for name, panels in boards.items():
        parts.append(text(GAP, y + 23, name.capitalize(), 16, ' font-weight="600"'))
        y += HEAD
        for number, (panel, series) in enumerate(panels):
            x = GAP + number % 2 * (PANEL_WIDTH + GAP)
            place = f"translate({x},{y + number // 2 * (PANEL_HEIGHT + GAP)})"
            parts += [f'<g transform="{place}">', *draw_panel(panel, series, begin, end), "</g>"]
        y += math.ceil(len(panels) / 2) * (PANEL_HEIGHT + GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" fill="#24292e">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y}" fill="#f4f5f5" stroke="none"/>', *parts, "</svg>", ""])


def ask(prometheus: str, panel: Panel, begin: float, end: float) -> list[Series]:
    found = []
    for legend, expr in panel.queries.items():
        asked = urllib.parse.urlencode({"query": expr, "start": begin, "end": end, "step": max((end - begin) / POINTS, 1)})
        with urllib.request.urlopen(f"{prometheus}/api/v1/query_range?{asked}", timeout=30) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        for each in result:
            values = [(float(at), float(value)) for at, value in each["values"]]
            found.append(Series(name_of(legend, each["metric"]), [point for point in values if math.isfinite(point[1])]))
    return sorted((each for each in found if each.points), key=lambda each: each.name)


def main() -> None:
    prometheus, seconds, *names = sys.argv[1:]
    end = time.time()
    begin = end - float(seconds)
    boards = {name: [(panel, ask(prometheus, panel, begin, end)) for panel in DASHBOARDS[name]] for name in names}
    print(draw(boards, begin, end), end="")


if __name__ == "__main__":
    main()
