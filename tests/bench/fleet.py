# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``plan.yml`` for more hosts than fit on one machine: they are data, behind a connection plugin, and the engine is the fake one."""

from __future__ import annotations

import copy
import json
import os
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import daemon_json, engine_packages
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.record import key_of
from fake_engine import FakeEngine, node, volume

from . import ROOT
from .fake import Child
from .measure import BenchError, Sample, timed, with_processor
from .report import MEGABYTE, Aim
from .stacks import SETTINGS, make_stack

PLAN = "plan.yml"
MANAGERS = 3
DAEMON = {"live-restore": False, "log-driver": "json-file", "log-opts": {"max-size": "100m", "max-file": "5"}}
UNIT = "LoadState=loaded\nActiveState=active\nInvocationID=1\nExecStart={ path=x ; argv[]=/usr/sbin/dockerd -H fd:// ; ignore_errors=no }\n"


def measure_fleet(work: Path, hosts: int, services: int, count: int) -> Sample:
    """So many hosts, three of them managers, and a stack of so many services; all of it is as declared."""
    folder = work / "fleet"
    folder.mkdir(exist_ok=True)
    names = [f"m{number}" for number in range(1, MANAGERS + 1)] + [f"w{number:03}" for number in range(MANAGERS + 1, hosts + 1)]
    addresses = {name: f"10.88.{number // 250}.{number % 250 + 1}" for number, name in enumerate(names)}
    members = [
        node(name, role="manager" if name[0] == "m" else "worker", leader=name == "m1", addr=addresses[name], labels={"rack": "1"})
        for name in names
    ]
    (folder / "settings.ini").write_text(SETTINGS)
    (folder / "stack.yml").write_text(make_stack(services))
    with FakeEngine(nodes=members, volumes=[volume("uploads")]) as fake:
        model = json.dumps({"model": Child("load", given={"name": "bench", "files": [str(folder / "stack.yml")]}).run()[1]})
        Child("module", "stack", given={"docker_host": fake.docker_host, "name": "bench", "model": model, "wait": False}).run()
        seen = Child("module", "host_info", given={"docker_host": fake.docker_host, "record": ["engine", "mounts", "exports"]}).run()[1]
        for name, member in zip(names, members, strict=True):
            (folder / f"{name}.json").write_text(json.dumps(as_seen(seen, name, member)))
        (folder / "docker_host").write_text(fake.docker_host)
        (folder / "hosts.json").write_text(json.dumps(inventory(folder, addresses)))
        return _play(folder, hosts, count)


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


def inventory(folder: Path, addresses: dict[str, str]) -> dict[str, Any]:
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
    }
    groups = {
        group: {"hosts": {name: {"ansible_host": address} for name, address in addresses.items() if name[0] == first}}
        for group, first in (("swarm_managers", "m"), ("swarm_workers", "w"))
    }
    return {"all": {"vars": shared, "children": groups}}


def _play(folder: Path, hosts: int, count: int) -> Sample:
    tool = str(Path(sys.executable).parent / "ansible-playbook")
    command = [tool, "-i", str(folder / "hosts.json"), str(ROOT / "playbooks" / PLAN)]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection"),
        "RECORDED_HOSTS": str(folder),
    }
    seconds, processor = [], []
    for _round in range(count):
        (folder / "visits").write_text("")

        def run() -> float:
            spent, text = timed("plan for a fleet", command, environment)
            if "Nothing to change" not in text:
                raise BenchError(f"the plan of a fleet found something to change:\n{text[-3000:]}")
            return spent

        took = with_processor(run)
        seconds.append(took[0])
        processor.append(took[1])
        visits = Counter((folder / "visits").read_text().split()[::2])
        if any(number != 1 for name, number in visits.items() if name[0] == "w") or len(visits) != hosts:
            raise BenchError(f"workers are to be visited once, found {visits}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Sample(PLAN, hosts, tuple(seconds), cpu_seconds=min(processor), peak_bytes=peak)


def fleet_aims(sample: Sample) -> list[Aim]:
    return [
        Aim(f"{PLAN} for {sample.size} hosts", sample.typical / 60, 5, " min"),
        Aim(f"peak memory of a process, {sample.size} hosts", sample.peak_bytes / MEGABYTE, 500, " MB"),
    ]
