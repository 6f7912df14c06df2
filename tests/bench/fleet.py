# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``plan.yml`` for more hosts than fit on one machine: they are data, behind a connection plugin, and the engine is the fake one."""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import daemon_json, engine_packages
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.record import key_of
from fake_engine import FakeEngine, node, volume

from . import ROOT
from .fake import Child
from .measure import BenchError, Sample, weighed, with_processor
from .report import MEGABYTE, Aim
from .stacks import SETTINGS, make_stack

PLAN = "playbooks/plan.yml"
MANAGERS = 3
DAEMON = {"live-restore": False, "log-driver": "json-file", "log-opts": {"max-size": "100m", "max-file": "5"}}
UNIT = "LoadState=loaded\nActiveState=active\nInvocationID=1\nExecStart={ path=x ; argv[]=/usr/sbin/dockerd -H fd:// ; ignore_errors=no }\n"


@dataclass(frozen=True)
class Played:
    """What a playbook cost, who was visited, each time with the module that started there, and what a manager was asked for it."""

    text: str
    seconds: float
    peak_bytes: int
    visits: dict[str, list[str]]
    requests: list[str]


def members(hosts: int) -> list[dict[str, Any]]:
    """The nodes of so many hosts, of which three are managers."""
    names = [f"m{number}" for number in range(1, MANAGERS + 1)] + [f"w{number:03}" for number in range(MANAGERS + 1, hosts + 1)]
    return [
        node(
            name,
            role="manager" if name[0] == "m" else "worker",
            leader=name == "m1",
            addr=f"10.88.{number // 250}.{number % 250 + 1}",
            labels={"rack": "1"},
        )
        for number, name in enumerate(names)
    ]


class Fleet:
    """A directory with hosts as data and an inventory of them. They share one engine, which is the fake one.

    ``inspection`` is what host_info asked it, as it would ask each manager.
    """

    def __init__(self, folder: Path, fake: FakeEngine, inspection: list[str]) -> None:
        self.folder, self.fake, self.inspection = folder, fake, inspection

    @classmethod
    def lay_out(cls, folder: Path, fake: FakeEngine, services: int, paths: Sequence[str] = (), **variables: Any) -> Fleet:
        """With a stack of so many services, all as declared, and these paths on every host as they are here, which a service mounts.

        ``variables`` are further ones of the inventory.
        """
        folder.mkdir(exist_ok=True)
        (folder / "settings.ini").write_text(SETTINGS)
        stack = json.loads(make_stack(services))
        next(iter(stack["services"].values()))["volumes"] += [f"{path}:{path}" for path in paths]
        (folder / "stack.yml").write_text(json.dumps(stack))
        model = json.dumps({"model": Child("load", given={"name": "bench", "files": [str(folder / "stack.yml")]}).run()[1]})
        Child("module", "stack", given={"docker_host": fake.docker_host, "name": "bench", "model": model, "wait": False}).run()
        fake.forget()
        look = {"docker_host": fake.docker_host, "record": ["engine", "mounts", "exports", "gpus"], "paths": list(paths)}
        seen = Child("module", "host_info", given=look).run()[1]
        inspection = [request.call for request in fake.requests]
        addresses = {}
        for member in fake.cluster.nodes.values():
            name = member["Description"]["Hostname"]
            addresses[name] = member["Status"]["Addr"]
            (folder / f"{name}.json").write_text(json.dumps(as_seen(seen, name, member)))
        (folder / "docker_host").write_text(fake.docker_host)
        (folder / "hosts.json").write_text(json.dumps(inventory(folder, addresses, variables)))
        return cls(folder, fake, inspection)

    def play(self, playbook: str) -> Played:
        """BenchError where it fails."""
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.folder / "hosts.json"), str(ROOT / playbook)]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection"),
            "RECORDED_HOSTS": str(self.folder),
        }
        (self.folder / "visits").write_text("")
        self.fake.forget()
        seconds, text, peak = weighed(f"play {playbook} on a fleet", command, environment)
        visits: dict[str, list[str]] = {}
        for line in (self.folder / "visits").read_text().splitlines():
            name, module = line.split()
            visits.setdefault(name, []).append(module)
        return Played(text, seconds, peak, visits, [*self.inspection, *(request.call for request in self.fake.requests)])


def measure_fleet(work: Path, hosts: int, services: int, count: int) -> Sample:
    """So many hosts, three of them managers, and a stack of so many services; all of it is as declared."""
    with FakeEngine(nodes=members(hosts), volumes=[volume("uploads")]) as fake:
        fleet = Fleet.lay_out(work / "fleet", fake, services)
        runs: list[Played] = []

        def run() -> float:
            runs.append(fleet.play(PLAN))
            return runs[-1].seconds

        processor = [with_processor(run)[1] for _round in range(count)]
    for played in runs:
        if "Nothing to change" not in played.text:
            raise BenchError(f"the plan of a fleet found something to change:\n{played.text[-3000:]}")
        often = {name: modules for name, modules in played.visits.items() if name[0] == "w" and len(modules) > 1}
        if often or len(played.visits) != hosts:
            raise BenchError(f"workers are to be visited once, found {often or len(played.visits)}")
    seconds, peak = tuple(played.seconds for played in runs), max(played.peak_bytes for played in runs)
    return Sample(Path(PLAN).name, hosts, seconds, cpu_seconds=min(processor), peak_bytes=peak)


def as_seen(seen: dict[str, Any], name: str, member: dict[str, Any]) -> dict[str, Any]:
    """What host_info would have found on this host; ``seen`` is what it found on the machine of the bench, with the fake engine."""
    found = copy.deepcopy(seen)
    address, is_manager = member["Status"]["Addr"], member["Spec"]["Role"] == "manager"
    found["host"].update(
        hostname=name,
        machine_id=name,
        root=True,
        systemd=True,
        distribution={"id": "debian", "version": "13", "codename": "trixie"},
        python="3.13.5",
        engine="26.1",
        member=True,
        address=address,
        data_path_address=address,
        address_problem="",
        addresses=[address],
        routes=[],
        exposure={"engine": [], "metrics": "", "exports": [], "ports": [], "closed": [], "registries": []},
        live_restore=False,
        memory_mb=64000,
        disk_free_mb=64000,
        disk_free_inodes_percent=90.0,
        sdk={"docker": "7.1.0", "requests": "2.32.3"},
    )
    record = found["record"]
    swarm = record["engine"]["/info"]["Swarm"]
    swarm.update(NodeID=member["ID"], NodeAddr=address, ControlAvailable=is_manager)
    if not is_manager:
        swarm.pop("Cluster", None)
        record["engine"] = {path: record["engine"][path] for path in ("/info", "/volumes")}
    record.update(problem="", is_bare=False, is_local=True)
    host = record["host"]
    host["read"].update(
        {
            daemon_json.PATH: json.dumps(DAEMON),
            daemon_json.PENDING: None,
            "/etc/os-release": "ID=debian\nVERSION_ID=13\n",
            "/var/lib/docker/swarm/certificates/swarm-node.crt": "",
        }
    )
    host["mode"][daemon_json.PATH] = 0o644
    host["exists"]["/var/lib/docker/swarm/docker-state.json"] = True
    host["run"][key_of(["dockerd", "--version"])] = [0, "Docker version 26.1.5, build x", ""]
    host["run"][key_of(daemon_json.show_unit(daemon_json.UNIT))] = [0, UNIT, ""]
    host["units"][daemon_json.UNIT] = {"active": True, "enabled": True}
    there = engine_packages.CATALOG.engine["distribution"]
    host["packages"].update({package: {"version": "1", "hold": False} if package in there else None for package in engine_packages.NAMES})
    return found


def inventory(folder: Path, addresses: dict[str, str], variables: dict[str, Any]) -> dict[str, Any]:
    shared = {
        "swarm_name": "bench",
        "ansible_connection": "recorded",
        "ansible_python_interpreter": sys.executable,
        "engine_packages": "distribution",
        "engine_daemon_config": {name: value for name, value in DAEMON.items() if name != "live-restore"},
        "preflight_kernel_modules": [],
        "volumes_present": [{"name": "uploads"}],
        "nodes_labels": {name: {"rack": "1"} for name in addresses},
        "stacks_present": [{"name": "bench", "files": [str(folder / "stack.yml")], "resolve_image": "never"}],
        **variables,
    }
    groups = {
        group: {"hosts": {name: {"ansible_host": address} for name, address in addresses.items() if name[0] == first}}
        for group, first in (("swarm_managers", "m"), ("swarm_workers", "w"))
    }
    return {"all": {"vars": shared, "children": groups}}


def fleet_aims(sample: Sample) -> list[Aim]:
    return [
        Aim(f"{Path(PLAN).name} for {sample.size} hosts", sample.typical / 60, 5, " min"),
        Aim(f"peak memory of a process, {sample.size} hosts", sample.peak_bytes / MEGABYTE, 500, " MB"),
    ]
