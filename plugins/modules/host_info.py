#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Look at a host as a future or present node of a swarm
version_added: 0.1.0
description:
  - Says in one call what preflight checks and the installation of the engine depend on. Much faster than gathering
    facts.
  - Needs neither root nor the engine nor the Docker SDK.
extends_documentation_fragment:
  - flotilla.swarm.attributes.info
  - flotilla.swarm.engine
options:
  packages:
    description: Packages of Debian or EL to look up.
    type: list
    elements: str
    default: []
  units:
    description: systemd units to look up.
    type: list
    elements: str
    default: []
  data_root:
    description:
      - The engine's directory, whose free space is measured and in which its membership in a swarm is found. Its nearest existing parent
        is measured where it does not exist.
      - Without it, what a flag of the engine's unit or C(/etc/docker/daemon.json) says, or else C(/var/lib/docker).
    type: path
  asked_at:
    description: The controller's time in seconds since the epoch. It is returned with the host's own, so that the two
      can be compared.
    type: float
  peers:
    description: Addresses or names of other hosts, to find RV(host.address).
    type: list
    elements: str
    default: []
  advertise_addr:
    description: The address under which this host is or will be known to the others, as in M(flotilla.swarm.swarm).
    type: str
    default: ""
  data_path_addr:
    description: The address for the traffic between containers, in the same forms.
    type: str
    default: ""
  kernel_modules:
    description: Modules of the kernel to look up.
    type: list
    elements: str
    default: []
  record:
    description:
      - For which purposes to read what the modules of this collection observe, so that their actions can answer on the controller.
      - It is read once and returned as RV(record).
    type: list
    elements: str
    choices: [engine, mounts, exports, gpus, firewall]
    default: []
  users:
    description: Users of the host whose groups belong to RV(record).
    type: list
    elements: str
    default: []
  directories:
    description: Paths that belong to RV(record), whether they are there and what is in them.
    type: list
    elements: str
    default: []
  paths:
    description:
      - Paths that belong to RV(record), whether they are there, of what kind, and whose. Those that another host has, such as below a
        mount of NFS, are left out.
    type: list
    elements: str
    default: []
  exposure:
    description:
      - Whether to look at what others reach on this host. Published ports need root to be seen, and those of engines without
        C(userland-proxy) are not.
    type: bool
    default: false
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Look at the host
  flotilla.swarm.host_info:
    packages: [docker.io]
    units: [docker.service]
  register: host
"""

RETURN = r"""
host:
  description: What the host is.
  returned: success
  type: dict
  contains:
    hostname: {description: Its name., type: str, returned: success}
    machine_id: {description: Contents of C(/etc/machine-id)., type: str, returned: success}
    root: {description: Whether the module ran as root., type: bool, returned: success}
    distribution:
      description: What C(/etc/os-release) says.
      type: dict
      returned: success
      contains:
        id: {description: Such as V(debian)., type: str, returned: success}
        version: {description: Such as V(13)., type: str, returned: success}
        codename: {description: Such as V(trixie)., type: str, returned: success}
    architecture: {description: Machine type such as V(x86_64)., type: str, returned: success}
    python: {description: Version of the Python that ran the module., type: str, returned: success}
    memory_mb: {description: Memory in MiB., type: int, returned: success}
    disk_free_mb: {description: Free space for the engine's data in MiB., type: int, returned: success}
    disk_free_inodes_percent:
      description: Inodes that are free there, in percent. V(null) where the file system does not count them.
      type: float
      returned: success
    asked_at: {description: O(asked_at). V(null) without it., type: float, returned: success}
    time: {description: Seconds since the epoch by the host's clock., type: float, returned: success}
    systemd: {description: Whether systemd runs the host., type: bool, returned: success}
    addresses:
      description: Addresses other than loopback and link-local ones.
      type: list
      elements: str
      returned: success
    address:
      description:
        - The address under which the others know it, in a swarm the one that it has there. Otherwise the one that
          O(advertise_addr) means, or from which it reaches O(peers). Empty where there is none.
      type: str
      returned: success
    data_path_address: {description: The address for the traffic between containers., type: str, returned: success}
    data_path_port: {description: The port for that traffic in a swarm. V(0) outside., type: int, returned: success}
    address_problem:
      description: What is wrong with O(advertise_addr) or O(data_path_addr), empty where nothing is.
      type: str
      returned: success
    address_cure: {description: What to do about RV(host.address_problem)., type: str, returned: success}
    member: {description: Whether it is in a swarm., type: bool, returned: success}
    routes:
      description: The networks that it reaches by itself, and its resolvers.
      type: list
      elements: dict
      returned: success
      contains:
        network: {description: The network., type: str, returned: success}
        via: {description: "The interface, or V(resolver).", type: str, returned: success}
    sdk:
      description: Versions of Python packages, an empty text for one that is not there.
      type: dict
      returned: success
      contains:
        docker: {description: The Docker SDK., type: str, returned: success}
        requests: {description: What it depends on., type: str, returned: success}
    kernel_modules:
      description: Whether the kernel has each of O(kernel_modules). Null where that can't be known.
      type: dict
      returned: success
    engine: {description: Version of the engine as V(major.minor). Empty where there is none., type: str, returned: success}
    live_restore: {description: Whether C(daemon.json) turns live restore on., type: bool, returned: success}
    exposure:
      description: What others reach on this host. Empty without O(exposure).
      type: dict
      returned: success
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
            certificate_days:
              description: Days until its certificate ends. V(null) where that is not known.
              type: float
              returned: success
    package_lists: {description: Whether the package manager has lists., type: bool, returned: success}
    nfsd: {description: Whether the kernel can serve NFS., type: bool, returned: success}
record:
  description:
    - What was read, for the modules of this collection. What looks like a secret is not in it.
  returned: with O(record)
  type: dict
check_mode:
  description:
    - Whether the task ran in check mode. The variable C(ansible_check_mode) does not know when a play, a block or a
      task turned it on.
  returned: success
  type: bool
packages:
  description: The packages of O(packages) that are installed, with V(version) and V(hold). On EL no package is reported as held.
  returned: success
  type: dict
units:
  description: The units of O(units) that exist, with V(active) and V(enabled).
  returned: success
  type: dict
"""

import gzip
import importlib.metadata
import os
import platform
import time
import typing as t

from ..module_utils._core.cluster import addresses
from ..module_utils._core.cluster.routes import read_routes
from ..module_utils._core.host import daemon_json, facts
from ..module_utils._core.host.record import READS
from ..module_utils._io import exposure as exposure_probe
from ..module_utils._io.host import host_target
from ..module_utils._io.member import Member, inspected_target, source_address
from ..module_utils._io.member_host import MemberHost, member_host_target
from ..module_utils._io.recorder import Recorder, record
from ..module_utils._io.target import Target
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Plan
from ..module_utils.runner import run_module

ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "default": []},
    "units": {"type": "list", "elements": "str", "default": []},
    "data_root": {"type": "path"},
    "asked_at": {"type": "float"},
    "peers": {"type": "list", "elements": "str", "default": []},
    "advertise_addr": {"type": "str", "default": ""},
    "data_path_addr": {"type": "str", "default": ""},
    "kernel_modules": {"type": "list", "elements": "str", "default": []},
    "record": {"type": "list", "elements": "str", "choices": [*READS], "default": []},
    "users": {"type": "list", "elements": "str", "default": []},
    "directories": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": []},
    "exposure": {"type": "bool", "default": False},
}
UNSEEN = (
    "tasks don't run as root here, so the plan does not see: the ports between the hosts, the address of a host in its swarm, the rules of "
    "the firewall, files that only root may read, and the engine, unless the user is in the group docker. With become: true it sees all"
)


def open_host(module: t.Any) -> MemberHost:
    """The engine is asked only for a record."""
    if module.params["record"]:
        return MemberHost(inspected_target.open(module), host_target.open(module))
    return MemberHost(Member(None, "", is_local=True, check_mode=module.check_mode), host_target.open(module))


def observe(place: MemberHost, params: dict[str, t.Any]) -> dict[str, t.Any]:
    host, recorder = place.host, Recorder(place.host)
    config, flags = exposure_probe.read_config(recorder), exposure_probe.read_flags(recorder)
    root = params["data_root"] or daemon_json.data_root(config, flags)
    space = host.space(root)
    version = daemon_json.parse_version(recorder.run(["dockerd", "--version"])[1])
    interfaces = host.run(["ip", "-oneline", "address"])[1]
    return {
        "host": {
            "hostname": platform.node(),
            "machine_id": (host.read("/etc/machine-id") or "").strip(),
            "root": os.geteuid() == 0,
            "distribution": facts.parse_os_release(host.read("/etc/os-release") or ""),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "memory_mb": facts.parse_memory_mb(host.read("/proc/meminfo") or ""),
            "disk_free_mb": space.free // 2**20,
            "disk_free_inodes_percent": space.free_inodes_percent,
            "asked_at": params["asked_at"],
            "time": time.time(),
            "systemd": host.exists("/run/systemd/system"),
            "addresses": facts.parse_addresses(interfaces),
            **_find_addresses(host, interfaces, root, params),
            "routes": read_routes(host.read("/proc/net/route") or "", host.read("/etc/resolv.conf") or ""),
            "sdk": {name: _package_version(name) for name in ("docker", "requests")},
            "kernel_modules": _find_kernel_modules(host, params["kernel_modules"]),
            "engine": ".".join(map(str, version or ())),
            "live_restore": bool(config.get("live-restore")),
            "exposure": exposure_probe.read_exposure(host, config, flags) if params["exposure"] else {},
            "nfsd": "nfsd" in (host.read("/proc/filesystems") or "").split() or host.run(["modprobe", "--dry-run", "nfsd"])[0] == 0,
            "package_lists": any(name.endswith("Packages") for name in _package_lists(host)),
        },
        "check_mode": place.member.check_mode,
        "packages": host.packages(params["packages"]),
        "units": host.units(params["units"]),
        **({"record": record(recorder, place.member, params, root)} if params["record"] else {}),
    }


def _find_addresses(host: t.Any, interfaces: str, root: str, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """In a swarm what the engine keeps there counts, since it can't change."""
    try:
        state = facts.parse_swarm_state(host.read(os.path.join(root, "swarm/docker-state.json")) or "")
    except FlotillaError:  # without root
        state = {}
    if state:
        return {**state, "member": True, "address_problem": "", "address_cure": ""}
    found, problem, cure = {}, "", ""
    for option in ("advertise_addr", "data_path_addr"):
        try:
            found[option] = _resolve(option, params[option], interfaces)
            addresses.refuse_loopback(option, found[option], params["peers"])
        except FlotillaError as error:
            found[option], cure = "", error.cure.rstrip(".")
            problem = f"{error.problem.rstrip('.')}; it has {facts.tell_addresses(interfaces)}"
    reached = [source_address(peer) for peer in params["peers"]]
    usable = [address for address in (*reached, *facts.parse_addresses(interfaces)) if address and not address.startswith("127.")]
    address = found["advertise_addr"] or next(iter(usable), "")
    return {
        "address": address,
        "data_path_address": found["data_path_addr"] or address,
        "data_path_port": 0,
        "member": False,
        "address_problem": problem,
        "address_cure": cure,
    }


def _resolve(option: str, text: str, interfaces: str) -> str:
    """An address from an address, the name of an interface, or a network; empty from nothing."""
    network, address = addresses.as_network(text), addresses.as_address(text)
    if network:
        return addresses.pick_in_network(option, text, source_address(addresses.probe(network)))
    if address or not text:
        return str(address or "")
    found = facts.find_address(interfaces, text)
    if not found:
        raise FlotillaError(f"{option}: this host has no interface {text} with an address", "Give an address, an interface or a network.")
    return found


def _package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _find_kernel_modules(host: t.Any, names: list[str]) -> dict[str, bool | None]:
    """Of what a kernel lists under /lib/modules, and of its configuration, one is enough to know what it lacks."""
    if not names:
        return {}
    folder = f"/lib/modules/{platform.release()}"
    listed = [host.read(f"{folder}/{name}") for name in ("modules.builtin", "modules.dep")]
    config = host.read(f"/boot/config-{platform.release()}")
    if config is None and host.exists("/proc/config.gz"):
        with gzip.open("/proc/config.gz", "rt") as stream:
            config = stream.read()
    loaded = (host.read("/proc/modules") or "") + (host.read("/proc/filesystems") or "")
    return facts.find_kernel_modules(names, loaded, None if None in listed else "".join(map(str, listed)), config)


def _package_lists(host: t.Any) -> list[str]:
    """Lists may be stored compressed, as Packages.lz4."""
    return [name.split(".lz4")[0].split(".gz")[0] for name in host.list_dir("/var/lib/apt/lists")]


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    unseen = observed["check_mode"] and not observed["host"]["root"]
    return Plan(result=observed, warnings=(UNSEEN,) if unseen else ())


def main() -> None:
    run_module(ARGUMENTS, observe, plan, target=Target(member_host_target.arguments, open_host))


if __name__ == "__main__":
    main()
