# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets through between nodes, from what ``overlay_info`` returned on each. Pure."""

from __future__ import annotations

import typing as t

OPEN, ONLY_SMALL, SILENT = "open", "only small packets get through", "nothing gets through"
SHOWN = 5

Results = t.Mapping[str, t.Mapping[str, t.Any]]


def overlay_words(results: Results) -> str:
    ways = _ways(results)
    if not ways:
        return "no two nodes to try it between"
    return f"{sum(outcome == OPEN for outcome in ways.values())} of {len(ways)} ways between nodes take full packets"


def find_closed_ways(results: Results) -> list[tuple[str, str]]:
    """Where and what, such as ``("w1 and w2", "only small packets")``; once for a node that is cut off from all others, of at least two.

    Where every node is, the first pairs are told, and how many more there are.
    """
    ways = _ways(results)
    cut_off = {}
    for host in sorted({host for pair in ways for host in pair}):
        mine = [outcome for pair, outcome in ways.items() if host in pair]
        if len(mine) > 1 and OPEN not in mine:
            cut_off[host] = SILENT if SILENT in mine else ONLY_SMALL
    if len(cut_off) == len({host for pair in ways for host in pair}):
        cut_off = {}
    pairs = [(" and ".join(pair), outcome) for pair, outcome in sorted(ways.items()) if outcome != OPEN and not cut_off.keys() & set(pair)]
    more = [(f"{len(pairs) - SHOWN} other pairs", SILENT)] if len(pairs) > SHOWN else []
    return [*cut_off.items(), *pairs[:SHOWN], *more]


def _ways(results: Results) -> dict[tuple[str, str], str]:
    """By pair of hosts the worse of both directions. A host whose second run failed reached nobody."""
    ways: dict[tuple[str, str], str] = {}
    for host in results:
        for peer in results:
            if host < peer:
                outcomes = {_outcome(results[host], peer), _outcome(results[peer], host)}
                ways[host, peer] = next(each for each in (SILENT, ONLY_SMALL, OPEN) if each in outcomes)
    return ways


def _outcome(result: t.Mapping[str, t.Any], peer: str) -> str:
    """``overlay_info`` has the words ``only small packets``, and others where nothing came back."""
    told = str((result.get("reached") or {}).get(peer))
    return {"open": OPEN, "only small packets": ONLY_SMALL}.get(told, SILENT)
