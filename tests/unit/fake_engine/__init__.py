# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Docker Engine for unit tests: the HTTP API on a unix socket, from plain data.

    from fake_engine import FakeEngine, config, crashes, image_missing, network, node, secret, service, volume

    def test_something(fake_engine):                        # a fixture: a factory that closes what it made
        fake = fake_engine(
            nodes=[node("m1", role="manager", leader=True), node("w1", labels={"gpu": "true"})],
            services=[service("web", image="nginx:1", replicas=3)],
        )
        client = docker.APIClient(base_url=fake.docker_host, version="auto")

* Data: ``nodes``, ``services``, ``networks``, ``secrets``, ``configs``, ``volumes``, ``images`` (see FakeEngine, the builders).
  No nodes: the engine is in no swarm. ``name="w1"`` makes it answer as that node. ``fake.cluster`` and ``fake.host`` hold
  the data; ``fake.node("w1")``, ``fake.service("web")`` and ``fake.tasks("web")`` look it up; what they return may be changed.
* Record: ``fake.requests`` (method, path without version, query with decoded filters, body, headers, status),
  ``fake.calls()`` such as ``["GET /nodes", "POST /nodes/x/update"]`` without the negotiation of the version, ``fake.writes``
  (no GET), ``fake.forget()``.
* Faults: ``fake.fail("POST", "/services/.*/update", 500, "text", nth=2)``, ``fake.drop("GET", "/nodes", when="after")``,
  ``fake.delay("GET", "/tasks", 0.2)``, ``fake.out_of_sequence()``, ``fake.lose_leader(times=2)``, ``fake.host.state = "locked"``.
* Time: nothing moves but by ``fake.tick()``, ``fake.settle()`` and (auto_tick) each list of tasks or of services with status.
  ``fake.behave("nginx:2", crashes(exit_code=3))`` (by image or service name): runs, crashes, image_missing, bind_missing,
  unhealthy, completes, unschedulable. Constraints, drained and down nodes, GPU units and host ports are honoured by themselves.
  Updates roll as UpdateConfig says: UpdateStatus goes updating -> completed, paused, or rollback_started -> rollback_completed.
* Several engines: ``fake_engine(name="w1", addr="10.77.0.2", peers=[first])`` can join the swarm of ``first``.

What it mirrors of the real one: version indexes, PreviousSpec, JobIteration, normalised specs, names to IDs in networks,
label-only updates of secrets, refusals and their texts. Stricter than the real one: tasks of a removed service hold their network
until the next tick; a role changes at once. ``containers`` are what a test gives, with ``_stats``; ``fake.host.commands`` is what
commands in them do. Not there: pulls, builds, the event stream, the network itself.
"""

from .behaviour import Behaviour, bind_missing, completes, crashes, image_missing, runs, unhealthy, unschedulable
from .builders import config, network, node, secret, service, volume
from .engine import FakeEngine
from .faults import Fault
from .server import Request
from .state import make_id

__all__ = [
    "Behaviour",
    "FakeEngine",
    "Fault",
    "Request",
    "bind_missing",
    "completes",
    "config",
    "crashes",
    "image_missing",
    "make_id",
    "network",
    "node",
    "runs",
    "secret",
    "service",
    "unhealthy",
    "unschedulable",
    "volume",
]
