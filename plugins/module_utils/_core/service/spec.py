# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of the Engine API by the words of its fields, so that nobody else has to know where in its JSON they are. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Json = dict[str, t.Any]
Raw = t.Mapping[str, t.Any]

EMPTY: t.Any = (None, "", 0, [], {})
_MODES = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}


def filled(**fields: t.Any) -> Json:
    """The fields that hold something: as the Engine API, empty and zero mean not given."""
    return {name: value for name, value in fields.items() if value not in EMPTY}


@dataclass(frozen=True)
class ServiceSpec:
    """A view: nothing is copied, and what is not there is empty. ``changed`` makes another spec, which shares what stayed."""

    raw: Raw

    @classmethod
    def of(cls, container: Raw, task: Raw, **fields: t.Any) -> ServiceSpec:
        """A new one of fields by their names in the API."""
        return cls({**fields, "TaskTemplate": {**task, "ContainerSpec": container}})

    @property
    def name(self) -> str:
        return str(self.raw.get("Name", ""))

    @property
    def labels(self) -> Raw:
        return self.raw.get("Labels") or {}

    @property
    def mode(self) -> str:
        """replicated, global, replicated-job or global-job."""
        mode = self.raw.get("Mode") or {}
        return next((word for key, word in _MODES.items() if mode.get(key) is not None), "replicated")

    @property
    def is_job(self) -> bool:
        return self.mode.endswith("-job")

    @property
    def counts(self) -> dict[str, int]:
        """``replicas`` of a replicated service, ``max_concurrent`` and ``total_completions`` of a replicated job."""
        mode = self.mode
        if mode == "replicated":
            return {"replicas": _given(((self.raw.get("Mode") or {}).get("Replicated") or {}).get("Replicas"), 1)}
        if mode == "replicated-job":
            job = self.raw["Mode"]["ReplicatedJob"]
            at_once = _given(job.get("MaxConcurrent"), 1)
            return {"max_concurrent": at_once, "total_completions": _given(job.get("TotalCompletions"), at_once)}
        return {}

    @property
    def desired(self) -> int:
        """How many tasks a replicated service has, or how many must complete for a job; 0 for one task a node."""
        counts = self.counts
        return int(counts.get("replicas") or counts.get("total_completions") or 0)

    @property
    def task(self) -> Raw:
        """What each of its tasks is made from."""
        return self.raw.get("TaskTemplate") or {}

    @property
    def container(self) -> Raw:
        return self.task.get("ContainerSpec") or {}

    @property
    def image(self) -> str:
        return str(self.container.get("Image") or "")

    @property
    def command(self) -> t.Sequence[str]:
        """The words of the entrypoint and of the command."""
        return [*(self.container.get("Command") or ()), *(self.container.get("Args") or ())]

    @property
    def environment(self) -> t.Sequence[str]:
        """``NAME=value``, or a bare name for what is removed from what the image sets."""
        return self.container.get("Env") or ()

    @property
    def mounts(self) -> t.Sequence[Raw]:
        return self.container.get("Mounts") or ()

    @property
    def volumes(self) -> list[Raw]:
        """The mounts of volumes that have a name."""
        return [mount for mount in self.mounts if mount.get("Type") == "volume" and mount.get("Source")]

    @property
    def cluster_volumes(self) -> set[str]:
        """By name; those of a group are the scheduler's choice."""
        sources = {mount.get("Source", "") for mount in self.mounts if mount.get("Type") == "cluster"}
        return {name for name in sources if not name.startswith("group:")}

    @property
    def secrets(self) -> t.Sequence[Raw]:
        return self.container.get("Secrets") or ()

    @property
    def configs(self) -> t.Sequence[Raw]:
        return self.container.get("Configs") or ()

    @property
    def credential_config(self) -> str:
        """The config that holds its credentials: by its name in a spec of ours, by its ID in one of the engine."""
        return str(((self.container.get("Privileges") or {}).get("CredentialSpec") or {}).get("Config") or "")

    @property
    def sysctls(self) -> Raw:
        return self.container.get("Sysctls") or {}

    @property
    def networks(self) -> t.Sequence[Raw]:
        """Its attachments; engines before 17.06 wrote them elsewhere."""
        return self.task.get("Networks") or self.raw.get("Networks") or ()

    @property
    def targets(self) -> set[str]:
        """What its attachments call their networks: names or IDs."""
        return {item.get("Target", "") for item in self.networks}

    @property
    def placement(self) -> Raw:
        return self.task.get("Placement") or {}

    @property
    def constraints(self) -> t.Sequence[str]:
        return self.placement.get("Constraints") or ()

    @property
    def platforms(self) -> t.Sequence[Raw]:
        return self.placement.get("Platforms") or ()

    @property
    def preferences(self) -> t.Sequence[Raw]:
        return self.placement.get("Preferences") or ()

    @property
    def most_on_a_node(self) -> int:
        """0 for any number."""
        return int(self.placement.get("MaxReplicas") or 0)

    @property
    def reservations(self) -> Raw:
        return (self.task.get("Resources") or {}).get("Reservations") or {}

    @property
    def limits(self) -> Raw:
        return (self.task.get("Resources") or {}).get("Limits") or {}

    @property
    def restart_condition(self) -> str:
        return str((self.task.get("RestartPolicy") or {}).get("Condition") or "any")

    @property
    def restart_attempts(self) -> int:
        """0 for any number."""
        return int((self.task.get("RestartPolicy") or {}).get("MaxAttempts") or 0)

    @property
    def force_update(self) -> int:
        return int(self.task.get("ForceUpdate") or 0)

    @property
    def endpoint_mode(self) -> str:
        return str((self.raw.get("EndpointSpec") or {}).get("Mode") or "vip")

    @property
    def ports(self) -> t.Sequence[Raw]:
        return (self.raw.get("EndpointSpec") or {}).get("Ports") or ()

    @property
    def host_ports(self) -> set[tuple[int, str]]:
        """Ports of the node, with their protocols, that each of its tasks takes."""
        taken = (port for port in self.ports if port.get("PublishMode") == "host" and port.get("PublishedPort"))
        return {(port["PublishedPort"], port.get("Protocol") or "tcp") for port in taken}

    @property
    def update_config(self) -> Raw:
        return self.raw.get("UpdateConfig") or {}

    def at_once(self, config: str = "UpdateConfig") -> int:
        """How many tasks an update replaces at once, 0 for all. Of a config the engine shows no 0; without one it takes one at a time."""
        return 1 if self.raw.get(config) is None else int(self.raw[config].get("Parallelism") or 0)

    @property
    def body(self) -> Json:
        """To be sent to the engine."""
        return dict(self.raw)

    def changed(self, *, container: Raw | None = None, task: Raw | None = None, **fields: t.Any) -> ServiceSpec:
        """With other fields of the container, of the task, and of the spec itself, by their names in the API; None takes one away."""
        if container:
            task = {**(task or {}), "ContainerSpec": _put(self.container, container)}
        if task:
            fields["TaskTemplate"] = _put(self.task, task)
        return ServiceSpec(_put(self.raw, fields))

    def scaled(self, replicas: int) -> ServiceSpec:
        return self.changed(Mode={"Replicated": {"Replicas": replicas}})

    def with_credential_config(self, config: str) -> ServiceSpec:
        privileges = self.container["Privileges"]
        return self.changed(container={"Privileges": {**privileges, "CredentialSpec": {**privileges["CredentialSpec"], "Config": config}}})

    def constrained(self, constraints: t.Sequence[str]) -> ServiceSpec:
        """With these constraints alone."""
        return self.changed(task={"Placement": {**self.placement, "Constraints": list(constraints)}})


@dataclass(frozen=True)
class Service:
    """A view of a service with what the swarm knows of it."""

    raw: Raw

    @property
    def id(self) -> str:
        return str(self.raw.get("ID", ""))

    @property
    def spec(self) -> ServiceSpec:
        return ServiceSpec(self.raw.get("Spec") or {})

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def previous(self) -> ServiceSpec | None:
        """What it was before its last update."""
        return ServiceSpec(self.raw["PreviousSpec"]) if self.raw.get("PreviousSpec") else None

    @property
    def is_paused(self) -> bool:
        """Whether an update or a rollback was given up, and waits for somebody."""
        return self.update_state in ("paused", "rollback_paused")

    @property
    def update_state(self) -> str:
        """Such as updating, completed, paused or rollback_completed; empty for one that was never updated."""
        return str((self.raw.get("UpdateStatus") or {}).get("State") or "")

    @property
    def update_message(self) -> str:
        return str((self.raw.get("UpdateStatus") or {}).get("Message") or "")

    @property
    def job_iteration(self) -> int:
        """Which of its runs a job is in."""
        return int(((self.raw.get("JobStatus") or {}).get("JobIteration") or {}).get("Index", 0))


def _given(value: t.Any, default: int) -> int:
    return default if value is None else int(value)


def _put(present: Raw, given: Raw) -> Json:
    return {key: value for key, value in {**present, **given}.items() if value is not None or key not in given}
