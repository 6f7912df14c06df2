# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an old engine lets go of a job. Pure."""

from __future__ import annotations

from ..service.spec import Json, ServiceSpec

# Managers before keep the tasks of a job that is removed, and so nodes its containers and networks: github.com/moby/moby/issues/44312.
FIXED_IN_API = (1, 43)


def emptied_job(spec: Json) -> Json | None:
    """The spec with which a job has no tasks; None for what is no job. An update of a job lets go of the tasks that completed before it."""
    view = ServiceSpec(spec)
    if not view.is_job:
        return None
    empty = {"ReplicatedJob": {"MaxConcurrent": 0, "TotalCompletions": 0}} if view.mode == "replicated-job" else spec["Mode"]
    return view.constrained(["node.id==none"]).changed(Mode=empty).body
