# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `status`, `health` and `acceptance` look like on a terminal of 80 columns, to the letter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from well_host import NOTHING_OPEN, WELL

ROOT = Path(__file__).parents[2]
STOCK = 72
"""What Ansible's own callback has room for in 80 columns."""


def node(hostname: str, **told: Any) -> dict[str, Any]:
    plain = {"role": "worker", "state": "ready", "availability": "active", "engine_version": "29.1.3", "leader": False, "labels": {}}
    return {**plain, "hostname": hostname, "address": f"10.0.0.{len(hostname) + int(hostname[-1])}", **told}


def service(name: str, running: int, desired: int, **told: Any) -> dict[str, Any]:
    plain = {"mode": "replicated", "state": "running", "cause": "", "update_state": "", "update_message": "", "ports": []}
    return {**plain, "name": name, "running": running, "desired": desired, **told}


CLUSTER: dict[str, Any] = {
    "cluster_id": "c",
    "acting": True,
    "quorum": {"managers": 3, "reachable": 3, "needed": 2, "margin": 1},
    "nodes": [
        node(
            "m1",
            role="manager",
            leader=True,
            labels={"registry": "true", "database": "true", "cache": "true", "webserver": "true", "rack": "a7"},
        ),
        node("m2", role="manager"),
        node("m3", role="manager", availability="drain"),
        node("gpu01", labels={"grader": "true"}),
        node("gpu02", state="down"),
    ],
}
HOST_PORTS = [f"10.0.0.{last}:8088->8000/tcp" for last in (3, 4, 12)]
NO_ROOM = "no suitable node (insufficient resources on 1 node; scheduling constraints not satisfied on 4 nodes)"
SERVICES = [
    service("grading_django", 3, 3, ports=["*:80->8080/tcp"]),
    service("grading_small_tasks_of_everybody", 4, 4, ports=HOST_PORTS),
    service("grading_migrate", 1, 1, mode="replicated-job", state="completed"),
    service("grading_grader", 0, 2, state="waiting", cause=NO_ROOM),
    service(
        "node_exporter",
        4,
        4,
        mode="global",
        update_state="rollback_completed",
        update_message="update rolled back due to failure or early termination of task x1",
    ),
]
STATUS = {"__status_cluster": CLUSTER, "__status_services": {"services": SERVICES}, "status_urls": ["http://grading.example.org/"]}

STATUS_TEXT = """
4 of 5 nodes ready, 3 of 3 managers reachable (1 may fail)

NODE   ROLE     STATE         ENGINE  ADDRESS   LABELS
m1*    manager  ready         29.1.3  10.0.0.3  cache database rack=a7
                                                registry webserver
m2     manager  ready         29.1.3  10.0.0.4
m3     manager  ready, drain  29.1.3  10.0.0.5
gpu01  worker   ready         29.1.3  10.0.0.6  grader
gpu02  worker   down          29.1.3  10.0.0.7

SERVICE                  TASKS       STATE      PORTS
grading_django           3/3         running    *:80->8080/tcp
grading_small_tasks_of…  4/4         running    10.0.0.3:8088->8000/tcp
                                                10.0.0.4:8088->8000/tcp
                                                10.0.0.12:8088->8000/tcp
grading_migrate          1/1 job     completed
grading_grader           0/2         waiting
node_exporter            4/4 global  running

Not ready: gpu02

1 of 5 services does not run as it should:
  grading_grader waiting: no suitable node (insufficient resources
    on 1 node; scheduling constraints not satisfied on 4 nodes)

Updates that did not go through:
  node_exporter rollback_completed: update rolled back due to
    failure or early termination of task x1

http://grading.example.org/
"""

HOST = {**WELL, "exposure": {**NOTHING_OPEN, "ports": ["80/tcp"]}}
LOST = {"path": "/srv/media", "source": "storage.example.org:/exports/media", "problem": "no answer within 5 s"}
HEALTH: dict[str, Any] = {
    "__health_hosts": {
        "m1": HOST,
        "m2": {**WELL, "disk_free_mb": 900, "mounts": [LOST], "exposure": {**NOTHING_OPEN, "ports": ["80/tcp", "9000/tcp"]}},
        "gpu01": {"unreachable": True, "msg": "no route to host"},
    },
    "__health_cluster": {
        "acting": True,
        "quorum": {"managers": 3, "reachable": 2, "needed": 2, "margin": 0},
        "managers": [{"hostname": "m1", "reachable": True}, {"hostname": "m2", "reachable": True}, {"hostname": "m3", "reachable": False}],
        "nodes": [{"hostname": "m1", "node_id": "n1", "state": "ready", "availability": "active", "generic_resources": []}],
        "ghosts": [],
    },
    "__health_services": {"services": SERVICES},
    "__health_ways": {
        host: {"networks": [{"network": "ingress", "ingress": True, "encrypted": False, "reached": reached, "in_clear": []}]}
        for host, reached in (("m1", {"m2": "only small packets"}), ("m2", {"m1": "open"}))
    },
}

HEALTH_TEXT = """
unhealthy: 5 failed, 2 warnings

AREA          STATE    TEXT
hosts         failed   2 of 3 answer
network       ok       2 of 2 filter and look up names
nodes         ok       1 of 1 ready
quorum        failed   2 of 3 managers reachable, none may fail
overlay       failed   0 of 1 paths between nodes carry full packets
services      warning  4 of 5 run as they should
mounts        failed   0 of 1 answer
gpus          ok       none
certificates  ok       the first ends in 80 days, on m1
disks         failed   at least 0.9 GiB free, on m2
exposure      warning  1 to close

failed hosts gpu01: does not answer: no route to host.
  Start it, or check how Ansible connects.

failed quorum m3: this manager can't be reached by the others.
  Start it, or check port 2377.

failed overlay m1 and m2: only small packets get through, so
  containers there can't talk to each other.
  Raise the MTU between them, or give the networks an mtu of 50 less
  than it (encrypted ones 100).

warning services grading_grader: 0 of 2 tasks: no suitable node
  (insufficient resources on 1 node; scheduling constraints not
  satisfied on 4 nodes).
  Check again when it has had time to start.

failed mounts m2: /srv/media from storage.example.org:/exports/media:
  no answer within 5 s.
  Check the server and the network to it, then mount again.

failed disks m2: 900 MiB of 100000 free for /var/lib/docker.
  Free or add space; prune.yml removes unused images.

warning exposure m2: nothing limits who reaches the published ports
  9000/tcp.
  Name each with its sources in firewall_published, or for the world in
  preflight_public_ports and health_public_ports.
"""


ACCEPTANCE: dict[str, Any] = {
    "acceptance_manager": "m1",
    "acceptance_steps": "nodes,network,services,scale,drain",
    "acceptance_service": "grading_django",
    "acceptance_node": "gpu01",
    "acceptance_declared": {"swarm_name": "prod", "stacks": [{"name": "grading"}]},
    "acceptance_health": {
        "report": {
            "areas": [
                {"area": area, "state": "ok", "text": "3 of 3 answer"}
                for area in ("hosts", "nodes", "quorum", "network", "overlay", "services")
            ],
            "findings": [],
        },
        "hosts": {},
        "nodes": [{**each, "node_id": each["hostname"]} for each in CLUSTER["nodes"]],
        "services": SERVICES,
    },
    "__acceptance_facts": {
        "__acceptance_scale_done": True,
        "__acceptance_drain_failed": "no room for 1 service on the other nodes: grading_grader",
    },
}

ACCEPTANCE_TEXT = """
rejected: 4 passed, 1 failed, 6 not asked

STEP      STATE      TEXT
nodes     passed     hosts: 3 of 3 answer; nodes: 3 of 3 answer; quorum:
                     3 of 3 answer
hosts     not asked  left out of acceptance_steps
mounts    not asked  left out of acceptance_steps
network   passed     network: 3 of 3 answer; overlay: 3 of 3 answer
services  passed     3 of 3 answer; no stack differs from its files
edge      not asked  left out of acceptance_steps
alerts    not asked  left out of acceptance_steps
scale     passed     grading_django ran with one task more, and again
                     with as many as before
drain     failed     gpu01: see below
restart   not asked  left out of acceptance_steps
backup    not asked  left out of acceptance_steps

failed drain gpu01: no room for 1 service on the other nodes:
  grading_grader.
  Mend that, then try it alone: -e acceptance_steps=drain.

HOSTNAME  ROLE     ADDRESS   STATE  AVAILABILITY  LABELS
m1        manager  10.0.0.3  ready  active        cache database rack=a7
                                                  registry webserver
m2        manager  10.0.0.4  ready  active
m3        manager  10.0.0.5  ready  drain
gpu01     worker   10.0.0.6  ready  active        grader
gpu02     worker   10.0.0.7  down   active
"""


def shown(folder: Path, role: str, template: str, variables: dict[str, Any]) -> list[str]:
    """What Ansible itself shows of a role's template."""
    message = f"{{{{ lookup('ansible.builtin.template', '{ROOT}/roles/{role}/templates/{template}') }}}}"
    files = [str(ROOT / "roles" / role / path / "main.yml") for path in ("defaults", "vars")]
    task = {"name": "Show", "ansible.builtin.debug": {"msg": message}}
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": files, "tasks": [task]}
    (folder / "play.yml").write_text(json.dumps([play]))
    (folder / "vars.json").write_text(json.dumps(variables))
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "localhost,",
        str(folder / "play.yml"),
        "-e",
        f"@{folder}/vars.json",
    ]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _head, *lines = done.stdout.split("\n\nlocalhost ok", 1)[0].splitlines()
    return lines


def test_status(tmp_path: Path) -> None:
    lines = shown(tmp_path, "status", "status.txt.j2", STATUS)
    assert max(map(len, lines)) <= STOCK
    assert lines == STATUS_TEXT.strip().splitlines()


def test_health(tmp_path: Path) -> None:
    lines = shown(tmp_path, "health", "health.txt.j2", HEALTH)
    assert max(map(len, lines)) <= STOCK
    assert lines == HEALTH_TEXT.strip().splitlines()


def test_acceptance(tmp_path: Path) -> None:
    lines = shown(tmp_path, "acceptance", "acceptance.txt.j2", ACCEPTANCE)
    assert max(map(len, lines)) <= STOCK
    assert lines == ACCEPTANCE_TEXT.strip().splitlines()


def test_health_without_a_fault(tmp_path: Path) -> None:
    quorum = {"managers": 1, "reachable": 1, "needed": 1, "margin": 0}
    nodes = HEALTH["__health_cluster"]["nodes"]
    swarm = {"acting": True, "quorum": quorum, "managers": [{"hostname": "m1", "reachable": True}], "nodes": nodes, "ghosts": []}
    lines = shown(
        tmp_path,
        "health",
        "health.txt.j2",
        {"__health_hosts": {"m1": HOST}, "__health_cluster": swarm, "__health_services": {"services": []}},
    )
    assert lines[0] == "healthy" and len(lines) == 14
