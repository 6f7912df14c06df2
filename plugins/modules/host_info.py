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
options:
  packages:
    description: Debian packages to look up.
    type: list
    elements: str
    default: []
  units:
    description: systemd units to look up.
    type: list
    elements: str
    default: []
  data_root:
    description: Directory whose free space is measured. Its nearest existing parent is taken where it does not exist.
    type: path
    default: /var/lib/docker
  asked_at:
    description: The controller's time in seconds since the epoch. It is returned with the host's own, so that the two
      can be compared.
    type: float
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
      description: V(id), V(version) and V(codename) from C(/etc/os-release).
      type: dict
      returned: success
    architecture: {description: Machine type such as V(x86_64)., type: str, returned: success}
    python: {description: Version of the Python that ran the module., type: str, returned: success}
    memory_mb: {description: Memory in MiB., type: int, returned: success}
    disk_free_mb: {description: Free space of O(data_root) in MiB., type: int, returned: success}
    asked_at: {description: O(asked_at)., type: float, returned: success}
    time: {description: Seconds since the epoch by the host's clock., type: float, returned: success}
    systemd: {description: Whether systemd runs the host., type: bool, returned: success}
    addresses:
      description: Addresses other than loopback and link-local ones.
      type: list
      elements: str
      returned: success
    engine: {description: Version of the engine as V(major.minor). Empty where there is none., type: str, returned: success}
    live_restore: {description: Whether C(daemon.json) turns live restore on., type: bool, returned: success}
    package_lists: {description: Whether the package manager has lists., type: bool, returned: success}
    nfsd: {description: Whether the kernel can serve NFS., type: bool, returned: success}
check_mode:
  description:
    - Whether the task ran in check mode. The variable C(ansible_check_mode) does not know when a play, a block or a
      task turned it on.
  returned: success
  type: bool
packages:
  description: The packages of O(packages) that are installed, with V(version) and V(hold).
  returned: success
  type: dict
units:
  description: The units of O(units) that exist, with V(active) and V(enabled).
  returned: success
  type: dict
"""

import os
import platform
import time
import typing as t

from ansible_collections.flotilla.swarm.plugins.module_utils.host import daemon_json, facts
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import FlotillaError, Plan
from ansible_collections.flotilla.swarm.plugins.module_utils.runner import World, host_world, run_module

ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "default": []},
    "units": {"type": "list", "elements": "str", "default": []},
    "data_root": {"type": "path", "default": "/var/lib/docker"},
    "asked_at": {"type": "float"},
}
DAEMON_JSON = "/etc/docker/daemon.json"
PACKAGE_FORMAT = "${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n"


def observe(place: tuple[t.Any, bool], params: dict[str, t.Any]) -> dict[str, t.Any]:
    host, check_mode = place
    version = daemon_json.parse_version(host.run(["dockerd", "--version"])[1])
    packages = ["dpkg-query", "--show", f"--showformat={PACKAGE_FORMAT}", *params["packages"]]
    units = ["systemctl", "show", "--property", "Id,LoadState,ActiveState,UnitFileState", *params["units"]]
    return {
        "host": {
            "hostname": platform.node(),
            "machine_id": (host.read("/etc/machine-id") or "").strip(),
            "root": os.geteuid() == 0,
            "distribution": facts.parse_os_release(host.read("/etc/os-release") or ""),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "memory_mb": facts.parse_memory_mb(host.read("/proc/meminfo") or ""),
            "disk_free_mb": _free_mb(params["data_root"]),
            "asked_at": params["asked_at"],
            "time": time.time(),
            "systemd": host.exists("/run/systemd/system"),
            "addresses": facts.parse_addresses(host.run(["ip", "-oneline", "address"])[1]),
            "engine": ".".join(map(str, version or ())),
            "live_restore": _live_restore(host),
            "nfsd": "nfsd" in (host.read("/proc/filesystems") or "").split() or host.run(["modprobe", "--dry-run", "nfsd"])[0] == 0,
            "package_lists": any(name.endswith("Packages") for name in _package_lists(host)),
        },
        "check_mode": check_mode,
        "packages": facts.parse_packages(host.run(packages)[1]) if params["packages"] else {},
        "units": facts.parse_units(host.run(units)[1]) if params["units"] else {},
    }


def _package_lists(host: t.Any) -> list[str]:
    """Lists may be stored compressed, as Packages.lz4."""
    return [name.split(".lz4")[0].split(".gz")[0] for name in host.list_dir("/var/lib/apt/lists")]


def _free_mb(path: str) -> int:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize // 2**20


def _live_restore(host: t.Any) -> bool:
    """A file that can't be read or is broken is for daemon_config to complain about."""
    try:
        return bool(daemon_json.parse(host.read(DAEMON_JSON), DAEMON_JSON).get("live-restore"))
    except FlotillaError:
        return False


def plan(observed: dict[str, t.Any], params: dict[str, t.Any]) -> Plan:
    return Plan(result=observed)


def main() -> None:
    world = World(host_world.arguments, lambda module: (host_world.open(module), module.check_mode))
    run_module(ARGUMENTS, observe, plan, world=world)


if __name__ == "__main__":
    main()
