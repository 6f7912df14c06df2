# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets through between nodes, and whether others could read it, from what ``overlay_probe`` returned on each. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

OPEN, ONLY_SMALL, SILENT = "open", "only small packets get through", "nothing gets through"
SHOWN = 5

Results = t.Mapping[str, t.Mapping[str, t.Any]]
_Ways = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Closed:
    """``where`` is a host that is cut off from all others, or text with blanks such as ``w1 and w2``.

    ``networks`` has names of encrypted networks; where it has none, it is the ingress network, and every other network with it.
    """

    where: str
    outcome: str
    networks: tuple[str, ...] = ()


def overlay_words(results: Results) -> str:
    ways = _ingress_ways(results)
    if not ways:
        return "there are no two nodes to test"
    words = f"{sum(outcome == OPEN for outcome in ways.values())} of {len(ways)} paths between nodes carry full packets"
    encrypted, clear = _encrypted_ways(results), _clear(results)
    good = [
        outcome == OPEN and not {(network, *pair), (network, *reversed(pair))} & clear
        for network, mine in encrypted.items()
        for pair, outcome in mine.items()
    ]
    return f"{words}; {sum(good)} of {len(good)} in encrypted networks carry them encrypted" if good else words


def find_closed_ways(results: Results) -> list[Closed]:
    """Of encrypted networks only what is closed to them alone."""
    ways = _ingress_ways(results)
    networks: dict[tuple[str, str], list[str]] = {}
    for network, mine in sorted(_encrypted_ways(results).items()):
        for place in _find_places({pair: outcome for pair, outcome in mine.items() if ways.get(pair) == OPEN}):
            networks.setdefault(place, []).append(network)
    return [Closed(*place) for place in _find_places(ways)] + [Closed(*place, tuple(names)) for place, names in networks.items()]


def find_clear_ways(results: Results) -> dict[str, str]:
    """By encrypted network which way something went that others can read, such as ``w1 to w2, w2 to w1``."""
    ways: dict[str, list[str]] = {}
    for network, host, peer in sorted(_clear(results)):
        ways.setdefault(network, []).append(f"{host} to {peer}")
    more = {network: f", and {len(mine) - SHOWN} other ways" if len(mine) > SHOWN else "" for network, mine in ways.items()}
    return {network: ", ".join(mine[:SHOWN]) + more[network] for network, mine in ways.items()}


def find_keyless(results: Results, where: str) -> list[str]:
    """Hosts of a ``Closed.where`` whose kernel has no keys to encrypt with, though they are on encrypted networks."""
    return [host for host in where.split(" and ") if results.get(host, {}).get("has_keys") is False]


def encrypts_ingress(results: Results) -> bool:
    return any(each["ingress"] and each["encrypted"] for result in results.values() for each in _networks(result))


def _find_places(ways: _Ways) -> list[tuple[str, str]]:
    """Where and what, such as ``("w1 and w2", "only small packets")``; once for a node that is cut off from all others, of at least two.

    Where every node is, the first pairs are told, and how many more there are.
    """
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


def _ingress_ways(results: Results) -> _Ways:
    """By pair of hosts the worse of both directions. A host whose second run failed reached nobody."""
    reached: dict[str, t.Mapping[str, str]] = {}
    for host, result in results.items():
        reached[host] = next((each["reached"] for each in _networks(result) if each["ingress"]), {})
    return {
        (host, peer): _worse(_outcome(reached[host].get(peer)), _outcome(reached[peer].get(host)))
        for host in results
        for peer in results
        if host < peer
    }


def _encrypted_ways(results: Results) -> dict[str, _Ways]:
    """By network and pair of hosts the worse of the directions that were tried."""
    ways: dict[str, _Ways] = {}
    for host, result in results.items():
        for each in _networks(result):
            for peer, told in each["reached"].items() if each["encrypted"] else ():
                mine, pair = ways.setdefault(each["network"], {}), (min(host, peer), max(host, peer))
                mine[pair] = _worse(_outcome(told), mine.get(pair, OPEN))
    return ways


def _clear(results: Results) -> set[tuple[str, str, str]]:
    """Network, from where, to where."""
    return {(each["network"], host, peer) for host, result in results.items() for each in _networks(result) for peer in each["in_clear"]}


def _networks(result: t.Mapping[str, t.Any]) -> t.Sequence[t.Mapping[str, t.Any]]:
    return result.get("networks") or ()


def _worse(*outcomes: str) -> str:
    return next(each for each in (SILENT, ONLY_SMALL, OPEN) if each in outcomes)


def _outcome(told: str | None) -> str:
    """``overlay_probe`` has the words ``only small packets``, and others where nothing came back."""
    return {"open": OPEN, "only small packets": ONLY_SMALL}.get(str(told), SILENT)
