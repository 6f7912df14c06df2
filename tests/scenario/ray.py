# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with a Ray cluster on it: its playbooks, its jobs, and what its dashboard tells."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from collections import Counter
from typing import Any

from .system import System, result_of

SCENARIO = System(inventory="inventories/ray-lab")
done, lab, look, nodes_of, play = SCENARIO.done, SCENARIO.lab, SCENARIO.look, SCENARIO.nodes_of, SCENARIO.play
Json = dict[str, Any]


def told(kind: str, **filters: str) -> list[Json]:
    """What the cluster has of a kind, such as ``told("nodes", state="ALIVE")``."""
    pairs = [("detail", "1"), ("limit", "1000")]
    for name, value in filters.items():
        pairs += [("filter_keys", name), ("filter_predicates", "="), ("filter_values", value)]
    url = f"http://{SCENARIO.address('m1')}:8265/api/v0/{kind}?{urllib.parse.urlencode(pairs)}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return list(json.load(answer)["data"]["result"]["result"])


def cpus() -> dict[str, float]:
    """The processors of the cluster by the node of the swarm that has them."""
    found: Counter[str] = Counter()
    for node in told("nodes", state="ALIVE"):
        if "CPU" in node["resources_total"]:
            found[node["node_name"]] += node["resources_total"]["CPU"]
    return dict(found)


def start_count(below: int, parts: int) -> subprocess.Popen[str]:
    """Begin to count primes as a job in the shape of the client."""
    return SCENARIO.start_job("ray_client", "python3", "/srv/ray/primes.py", f"--below={below}", f"--parts={parts}")


def counted(job: subprocess.Popen[str]) -> Json:
    """What it found, at its end."""
    return result_of(job, "primes")


def image_of(service: str) -> str:
    """Name and tag, without registry and digest."""
    image: str = look()["services"][service]["spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return image.partition("@")[0].rpartition("/")[2]
