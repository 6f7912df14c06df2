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

from . import Run, Scenario, finish, running

SCENARIO = Scenario(inventory="inventories/ray-lab")
lab, look, on, play, sdk = SCENARIO.lab, SCENARIO.look, SCENARIO.on, SCENARIO.play, SCENARIO.sdk
NODES = ("m1", "w1", "w2")
Json = dict[str, Any]


def done(playbook: str, *arguments: str, **variables: Any) -> Run:
    """As ``play``, for a verb that has to succeed."""
    return SCENARIO.converge(f"playbooks/{playbook}.yml", *arguments, **variables)


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
    command = ["python3", "/srv/ray/primes.py", f"--below={below}", f"--parts={parts}"]
    return SCENARIO.start("playbooks/job.yml", services_service="ray_client", services_command=command)


def counted(job: subprocess.Popen[str]) -> Json:
    """What it found, at its end."""
    run = finish(job)
    assert run.rc == 0, run.out[-6000:]
    (line,) = [line for line in run.out.replace("\\n", "\n").replace('\\"', '"').splitlines() if '"primes": ' in line]
    found: Json = json.loads(line[line.index("{") : line.rindex("}") + 1])
    return found


def nodes_of(service: str) -> list[str]:
    return sorted(running(look()["services"][service]).values())


def image_of(service: str) -> str:
    """Name and tag, without registry and digest."""
    image: str = look()["services"][service]["spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return image.partition("@")[0].rpartition("/")[2]
