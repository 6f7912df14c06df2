#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: health_info
short_description: Look at what may be wrong with one host of a Docker Swarm
version_added: 0.1.0
description:
  - Tells in one call of the engine's part in the swarm, its certificate, the disk of its data, images that it could not pull, its packet
    filter, name servers, mounts from other hosts, GPUs, and what others reach on the host.
  - A mount that does not answer is given up after five seconds, so that a server that is away does not hang the module.
extends_documentation_fragment:
  - flotilla.swarm.engine
  - flotilla.swarm.attributes.info
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look at every host
  flotilla.swarm.health_info:
  register: health
"""

RETURN = r"""
state:
  description: The engine's part in a swarm, as in M(flotilla.swarm.swarm_info), such as V(active) or V(no engine).
  returned: success
  type: str
problem:
  description: What the engine complains about, or why none answers. Empty where all is well.
  returned: success
  type: str
node_id:
  description: The id of this node.
  returned: success
  type: str
certificate_expires:
  description: When this node's certificate ends, in UTC. Empty where that is not known.
  returned: success
  type: str
certificate_days:
  description: Days until then, by the host's clock. V(null) where that is not known.
  returned: success
  type: float
data_root:
  description: Where the engine keeps its data.
  returned: success
  type: str
disk_free_mb:
  description: Free space there in MiB.
  returned: success
  type: int
disk_total_mb:
  description: Size of that file system in MiB.
  returned: success
  type: int
disk_free_inodes_percent:
  description: Inodes that are free there, in percent. V(null) where the file system does not count them.
  returned: success
  type: float
disk_read_only:
  description: Directories of the engine's data that lie on a file system without the right to write.
  returned: success
  type: list
  elements: str
pulls:
  description:
    - Images of tasks that this engine could not pull within the last hour, by its journal, which needs root or the group C(adm) to be read.
  returned: success
  type: list
  elements: dict
  contains:
    task: {description: The ID of the task., type: str, returned: success}
    cause: {description: What the engine says., type: str, returned: success}
filter_problem:
  description:
    - Which chain of the packet filter lost the engine's rules, such as by C(iptables -F). Empty where none did, and where they can't
      be read.
  returned: success
  type: str
names_problem:
  description: Why this host can't look names up. Empty where it can.
  returned: success
  type: str
address:
  description: The address by which the swarm knows this node. Empty outside a swarm.
  returned: success
  type: str
has_address:
  description: Whether an interface of this host has that address.
  returned: success
  type: bool
mounts:
  description: Mounts from other hosts, those of C(/etc/fstab) that are not mounted too.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where it is mounted.
      type: str
    source:
      description: What is mounted.
      type: str
    problem:
      description: Why it is of no use. Empty where it answers.
      type: str
waiting_mounts:
  description: Paths that systemd mounts at the first access, which nobody has made yet.
  returned: success
  type: list
  elements: str
gpus:
  description: The GPUs as generic resources, such as C(gpu=GPU-8932f937).
  returned: success
  type: list
  elements: str
gpu_problem:
  description: Why C(nvidia-smi) can't tell of the GPUs. Empty where it can, and where there is none.
  returned: success
  type: str
exposure:
  description:
    - What others reach on this host. Published ports need root to be seen, and those of engines without C(userland-proxy) are not.
  returned: success
  type: dict
  contains:
    engine:
      description: Where the engine answers over TCP without asking for a certificate.
      type: list
      elements: str
      returned: success
    metrics: {description: Where other hosts read the engine's metrics. Empty where they can't., type: str, returned: success}
    exports: {description: Directories that NFS exports to everyone., type: list, elements: str, returned: success}
    ports: {description: "Published ports, such as V(80/tcp).", type: list, elements: str, returned: success}
    closed: {description: Ports that role C(firewall) keeps for some., type: list, elements: str, returned: success}
    registries:
      description:
        - Registries that listen here, at port 5000 or where C(/etc/docker/certs.d) has a certificate.
      type: list
      elements: dict
      returned: success
      contains:
        port: {description: Such as V(5000/tcp)., type: str, returned: success}
        tls: {description: Whether it speaks TLS., type: bool, returned: success}
        open: {description: Whether it asks for no login., type: bool, returned: success}
        certificate_days: {description: Days until its certificate ends. V(null) where that is not known., type: float, returned: success}
"""

import time
import typing as t

from ..module_utils._core.host import gpus, mounts, packet_filter, pulls
from ..module_utils._core.timestamps import read_time
from ..module_utils._io import exposure as exposure_probe
from ..module_utils._io.gpus import find_gpus
from ..module_utils._io.host import Host
from ..module_utils._io.member import is_own_address
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils._io.names import find_names_problem
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

MOUNT_SECONDS = "5"
NO_COMMAND = 127
PARTS = ("tmp", "image", "overlay2", "containers", "volumes", "swarm", "network")
"""Directories in which an engine writes."""


def observe(place: MemberHost, _params: dict[str, t.Any]) -> dict[str, t.Any]:
    member, host = place.member, place.host
    seen, info = member.inspect("")
    data_root = info.get("DockerRootDir") or "/var/lib/docker"
    space = host.space(data_root)
    gpu_state, gpu_message, found = find_gpus(host)
    config, flags = exposure_probe.read_config(host), exposure_probe.read_flags(host)
    return {
        "state": seen.state,
        "problem": seen.problem,
        "node_id": seen.node_id,
        "certificate_expires": seen.expires,
        "certificate_days": round((read_time(seen.expires) - time.time()) / 86400, 1) if seen.expires else None,
        "data_root": data_root,
        "disk_free_mb": space.free // 2**20,
        "disk_total_mb": space.total // 2**20,
        "disk_free_inodes_percent": space.free_inodes_percent,
        "disk_read_only": _read_only(host, data_root),
        "pulls": pulls.read_pulls(host.run(pulls.LIST_MESSAGES)[1]),
        "filter_problem": _filter_problem(host) if seen.state == "active" and packet_filter.is_engines(config, flags) else "",
        "names_problem": find_names_problem(host.read("/etc/resolv.conf") or ""),
        "address": seen.address,
        "has_address": is_own_address(seen.address),
        "mounts": [{**mount, "problem": mount["problem"] or _silence(host, mount["path"])} for mount in _mounts(host)],
        "waiting_mounts": mounts.waiting_mounts(host.read("/proc/self/mountinfo") or ""),
        "gpus": gpus.resources(found, {}),
        "gpu_problem": gpu_message if gpu_state == "failed" else "",
        "exposure": exposure_probe.read_exposure(host, config, flags),
    }


def _read_only(host: Host, data_root: str) -> list[str]:
    """Also of what is mounted below it."""
    return [path for path in (data_root, *(f"{data_root}/{name}" for name in PARTS)) if host.exists(path) and host.is_read_only(path)]


def _filter_problem(host: Host) -> str:
    nat, forward = host.run(packet_filter.LIST_NAT), host.run(packet_filter.LIST_FORWARD)
    if nat[0] or forward[0]:  # no iptables, or not root
        return ""
    missing = packet_filter.find_missing(nat[1], forward[1])
    return f"nothing leads to the engine's rules from {' and '.join(missing)}" if missing else ""


def _mounts(host: Host) -> list[dict[str, str]]:
    try:
        return mounts.network_mounts(host.read("/proc/self/mountinfo") or "", host.read("/etc/fstab") or "")
    except FlotillaError:
        return []


def _silence(host: Host, path: str) -> str:
    """A process of its own, which can be killed where the server is away."""
    code, _out, err = host.run(["timeout", "--signal=KILL", MOUNT_SECONDS, "stat", "--file-system", path])
    if code in (0, NO_COMMAND):
        return ""
    return err.strip().rpartition(": ")[2] if code == 1 and err.strip() else f"no answer within {MOUNT_SECONDS} s"


def plan(observed: dict[str, t.Any], _params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    run_module({}, observe, plan, target=member_host_target)


if __name__ == "__main__":
    main()
