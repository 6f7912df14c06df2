# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that a swarm ignores or drops without a word, and the way to say the same in a swarm."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .errors import Place
from .security import is_in_swarm

_CONSTRAINT = "use deploy.placement.constraints"
_SERVICE = {
    "annotations": "use labels",
    "attach": "see the logs with playbook logs",
    "blkio_config": "limit the engine instead",
    "build": "images_from_stacks of role images builds it before the deploy",
    "cgroup": "the engine decides",
    "cgroup_parent": "set cgroup-parent of the engine",
    "cgroupns_mode": "set default-cgroupns-mode of the engine",
    "container_name": "other services reach this one by its service name",
    "cpu_count": "use deploy.resources.limits.cpus",
    "cpu_percent": "use deploy.resources.limits.cpus",
    "cpu_period": "use deploy.resources.limits.cpus",
    "cpu_rt_period": "use deploy.resources.limits.cpus",
    "cpu_rt_runtime": "use deploy.resources.limits.cpus",
    "develop": "it is for docker compose watch",
    "device_cgroup_rules": "use generic resources",
    "devices": "use deploy.resources.reservations.generic_resources",
    "domainname": "write the whole name in hostname",
    "expose": "services on one network reach every port of each other",
    "external_links": "put both services on one network",
    "ipc": "run such a container outside of the swarm",
    "label_file": "write them in labels",
    "links": "services on one network reach each other by name",
    "mac_address": "the engine decides",
    "models": "run the model as a service",
    "network_mode": "for the host's network, use an external network named host",
    "oom_kill_disable": "raise deploy.resources.limits.memory",
    "pid": "run such a container outside of the swarm",
    "platform": f"{_CONSTRAINT} with node.platform.arch",
    "post_start": "use the image's entrypoint",
    "pre_stop": "use the image's entrypoint and stop_signal",
    "privileged": "use cap_add",
    "pull_policy": "use resolve_image, or an image with a digest",
    "pull_refresh_after": "use resolve_image",
    "restart": "deploy.restart_policy says it better, and restart: no does not stop restarts (condition: none does)",
    "runtime": "set default-runtime of the engine",
    "shm_size": "mount a tmpfs at /dev/shm with volumes: {type: tmpfs, target: /dev/shm, tmpfs: {size: ...}}",
    "storage_opt": "limit the engine instead",
    "tmpfs": "use volumes with type: tmpfs",
    "use_api_socket": "mount /var/run/docker.sock",
    "userns_mode": "set userns-remap of the engine",
    "uts": "run such a container outside of the swarm",
}
_NETWORK = {
    "gw_priority": "the engine decides",
    "interface_name": "the engine decides",
    "ipv4_address": "tasks get any address; reach them by service name",
    "ipv6_address": "tasks get any address; reach them by service name",
    "link_local_ips": "the engine decides",
    "mac_address": "the engine decides",
    "priority": "the engine decides",
}
_BIND = {
    "recursive": "the engine decides",
    "selinux": "label the path on every node that may run the task",
}
_OBEYED = {"restart"}


@dataclass(frozen=True)
class Ignored:
    """A key of a service or volume that does not have the effect that its author meant."""

    key: str
    name: str
    place: Place
    way: str

    @property
    def told(self) -> str:
        return self.place.note(self.way)


def ignored_keys(data: dict[str, t.Any], place: Place) -> t.Iterator[Ignored]:
    for name, service in data.get("services", {}).items():
        at = place / "services" / name
        for key in sorted(service.keys() & _SERVICE.keys()):
            obeyed = key in _OBEYED and not (service.get("deploy") or {}).get("restart_policy") and service[key] != "no"
            if not obeyed:
                yield Ignored(key, name, at / key, f"Swarm ignores it; {_SERVICE[key]}")
        for index, text in enumerate(service.get("security_opt", [])):
            if not is_in_swarm(text):
                yield Ignored("security_opt", name, at / "security_opt" / index, f"Swarm ignores {text}; set it for the engine")
        networks = service.get("networks")
        for network, given in networks.items() if isinstance(networks, dict) else ():
            for key in sorted((given or {}).keys() & _NETWORK.keys()):
                yield Ignored(key, name, at / "networks" / network / key, f"Swarm ignores it; {_NETWORK[key]}")
        for index, mount in enumerate(service.get("volumes", [])):
            bind = (mount.get("bind") if isinstance(mount, dict) else None) or {}
            if bind.get("create_host_path") is True:
                key, way = "create_host_path", "create the path on every node that may run the task, for example with role volumes"
                yield Ignored(key, name, at / "volumes" / index / "bind" / key, f"Swarm ignores it; {way}")
            for key in sorted(bind.keys() & _BIND.keys()):
                yield Ignored(key, name, at / "volumes" / index / "bind" / key, f"Swarm ignores it; {_BIND[key]}")
    for name, volume in data.get("volumes", {}).items():
        if "x-cluster-spec" in (volume or {}):
            key = "x-cluster-spec"
            yield Ignored(key, name, place / "volumes" / name / key, "ignored; create the cluster volume beforehand")


def tell(found: t.Iterable[Ignored]) -> t.Iterator[str]:
    """A warning for each, those that differ only in the name as one: ``stack.yml: services.{api,web}.build: Swarm ignores it; ...``."""
    alike: dict[tuple[str, ...], list[Ignored]] = {}
    for each in found:
        section, _name, *below = map(str, each.place.path)
        alike.setdefault((section, *(key for key in below if not key.isdecimal()), each.way), []).append(each)
    for (section, *below, way), group in alike.items():
        names = sorted({each.name for each in group})
        files = ", ".join(dict.fromkeys(each.place.file for each in group))
        place = Place(files, (section, f"{{{','.join(names)}}}" if len(names) > 1 else names[0], *below))
        yield group[0].told if len(group) == 1 else place.note(way)
