# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of Alertmanager. Pure."""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]
NOBODY = "nobody"
OF_A_NODE: Json = {  # what a node that is down takes with it is no alert of its own
    "source_matchers": ['alertname="node_down"'],
    "target_matchers": ['alertname=~"target_down|disk_fills|memory_short|gpu_lost"'],
    "equal": ["node"],
}


def alertmanager_config(given: t.Mapping[str, t.Any]) -> Json:
    """Without receivers alerts are seen in Prometheus and Alertmanager, and nobody is told."""
    receivers = list(given["receivers"]) or [{"name": NOBODY}]
    route = {"receiver": receivers[0]["name"], "group_by": ["alertname", "node", "service"], "group_wait": "10s", **given["route"]}
    config: Json = {"route": route, "receivers": receivers, "inhibit_rules": [OF_A_NODE, *given["inhibit_rules"]]}
    return config | {key: given[key] for key in ("global", "templates") if given[key]}


def routes_in(route: t.Any, path: tuple[str | int, ...] = ()) -> t.Iterator[tuple[tuple[str | int, ...], t.Mapping[str, t.Any]]]:
    """Every route of a tree, with the path that leads to it."""
    if isinstance(route, dict):
        yield path, route
        for index, inner in enumerate(route.get("routes") or ()):
            yield from routes_in(inner, (*path, "routes", index))
