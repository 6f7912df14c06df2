# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inverse of ``convert``: from the objects of a swarm to the model of the stack that asks for them. Pure.

What a stack file can't say is not in the model: it shows as what the plan of the model would change.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, field

from ..service.diff import HIDDEN_LABEL, RUN_LABEL
from ..service.given import given_of, mode_of, mount_of, reference_of
from ..service.images import listed_image, same_image
from ..service.naming import (
    IMAGE_LABEL,
    KEY_LABEL,
    LOCK_LABEL,
    NAMESPACE_LABEL,
    SALT_LABEL,
    Item,
    Names,
    by_name,
    item_name,
    own,
    salt_of,
    stack_of,
)
from ..service.spec import Json, Raw, ServiceSpec, filled
from .objects import ENGINE_OPTIONS, references
from .swarm_objects import SwarmObjects

# Labels that a deploy sets by itself.
_OURS = (NAMESPACE_LABEL, IMAGE_LABEL, RUN_LABEL, HIDDEN_LABEL, KEY_LABEL, SALT_LABEL)
_DEFAULT = "default"
_NO_KEY = re.compile(r"[^a-zA-Z0-9._-]")


@dataclass(frozen=True)
class Pools:
    """From which addresses the swarm takes the subnets of networks that name none."""

    networks: t.Sequence[str] = ("10.0.0.0/8",)
    prefix: int = 24

    def gave(self, subnet: str) -> bool:
        """Whether a subnet may come from there, so that nobody need have asked for it."""
        wanted = ipaddress.ip_network(subnet, strict=False)
        pools = (ipaddress.ip_network(each, strict=False) for each in self.networks)
        # The versions are compared first, which the types can't tell.
        return wanted.prefixlen == self.prefix and any(wanted.version == pool.version and wanted.subnet_of(pool) for pool in pools)  # type: ignore[arg-type]


@dataclass
class Keys:
    """What objects of one kind are called in the file: by the name in the swarm, each key once."""

    stack: str
    taken: dict[str, str] = field(default_factory=dict)

    def of(self, name: str, key: str = "") -> str:
        """``key`` is the one to have, if it is free; without one it is the name without the stack."""
        if name not in self.taken:
            keys = (_NO_KEY.sub("_", each) for each in (key or self.scoped(name) or name, name))
            self.taken[name] = next((each for each in keys if each not in self.taken.values()), f"{name}_{len(self.taken)}")
        return self.taken[name]

    def scoped(self, name: str) -> str:
        """The key for which a name of the stack is made; empty if there is none."""
        prefix = f"{self.stack}_"
        return name[len(prefix) :] if self.stack and name.startswith(prefix) else ""


def reconstruct(stack: str, observed: SwarmObjects, pools: Pools) -> Json:
    """The model of one stack. A service whose name does not begin with that of the stack can't be in it."""
    return _Reconstruction(stack, observed, pools).model(
        {name[len(stack) + 1 :]: spec for name, spec in specs_of(own(stack, observed.services)).items() if name.startswith(f"{stack}_")}
    )


def reconstruct_service(service: Item, observed: SwarmObjects, pools: Pools) -> Json:
    """The model of a stack that would run such a service, which belongs to none."""
    return _Reconstruction("", observed, pools).model({item_name(service): service["Spec"]})


def specs_of(services: t.Iterable[Item]) -> dict[str, Raw]:
    """By name, without those that run a plugin of the engine or a container on a node's network."""
    return {item_name(item): item["Spec"] for item in services if ServiceSpec(item["Spec"]).container}


class _Reconstruction:
    def __init__(self, stack: str, observed: SwarmObjects, pools: Pools) -> None:
        self._stack, self._observed, self._pools = stack, observed, pools
        self._keys = {kind: Keys(stack) for kind in ("networks", "volumes", "secrets", "configs")}
        self._objects: dict[str, Json] = {kind: {} for kind in self._keys}
        self._networks = {network["Id"]: network for network in observed.networks}
        self._secrets, self._configs = by_name(observed.secrets), by_name(observed.configs)

    def model(self, specs: t.Mapping[str, Raw]) -> Json:
        if self._stack:
            self._add_own_configs(specs)
        services = {key: self._service(key, ServiceSpec(spec)) for key, spec in sorted(specs.items())}
        sections = {kind: dict(sorted(items.items())) for kind, items in self._objects.items()}
        if sections["networks"].get(_DEFAULT) == {}:
            del sections["networks"][_DEFAULT]
        return {"services": services, **{kind: items for kind, items in sections.items() if items}}

    def _service(self, key: str, view: ServiceSpec) -> Json:
        given = given_of(view.raw)
        deploy = {**mode_of(view.raw), **given.pop("deploy", {}), "labels": self._labels(view.labels)}
        credentials = (view.container.get("Privileges") or {}).get("CredentialSpec")
        service: Json = {
            "image": _image(view),
            **{name: value for name, value in given.items() if name not in ("image", "labels")},
            "labels": self._labels(given.get("labels", {})),
            "credential_spec": self._credentials(credentials) if credentials else {},
            "networks": dict(self._attachment(key, item) for item in view.networks),
            "configs": [self._config(item) for item in view.configs if item.get("File")],
            "secrets": [self._secret(item) for item in view.secrets if item.get("File")],
            "volumes": [self._mount(mount) for mount in view.mounts],
            "deploy": {name: value for name, value in deploy.items() if value != {}},
        }
        if service["networks"] == {_DEFAULT: {}}:
            del service["networks"]
        return {name: value for name, value in service.items() if value not in ({}, [])}

    @staticmethod
    def _labels(labels: Raw) -> Json:
        return {name: value for name, value in labels.items() if name not in _OURS}

    def _attachment(self, service: str, item: Raw) -> tuple[str, Json]:
        network = self._networks.get(item["Target"]) or {"Id": item["Target"], "Name": item["Target"]}
        key = self._keys["networks"].of(network["Name"])
        self._objects["networks"].setdefault(key, self._network(key, network))
        aliases = [alias for alias in item.get("Aliases") or () if alias != service]
        options = filled(driver_opts=item.get("DriverOpts"))
        return key, {"aliases": aliases, **options} if aliases or options else {}

    def _network(self, key: str, network: Item) -> Json:
        if not self._stack or stack_of(network) != self._stack:
            return {"external": True, "name": network["Name"]}
        options = {name: value for name, value in (network.get("Options") or {}).items() if name not in ENGINE_OPTIONS}
        return {
            **self._named(key, network["Name"]),
            **filled(
                driver="" if network.get("Driver") == "overlay" else network.get("Driver"),
                driver_opts=options,
                internal=bool(network.get("Internal")),
                attachable=bool(network.get("Attachable")),
                enable_ipv6=bool(network.get("EnableIPv6")),
                ipam=filled(config=self._subnets(network)),
                labels=self._labels(network.get("Labels") or {}),
            ),
        }

    def _subnets(self, network: Item) -> list[Json]:
        configs = (network.get("IPAM") or {}).get("Config") or []
        if all(self._pools.gave(config["Subnet"]) for config in configs if config.get("Subnet")):
            return []
        # Of a range and auxiliary addresses an engine tells nothing that the plan compares.
        return [filled(subnet=config.get("Subnet"), gateway=config.get("Gateway"), ip_range=config.get("IPRange")) for config in configs]

    def _named(self, key: str, name: str) -> Json:
        return {} if name == f"{self._stack}_{key}" else {"name": name}

    def _secret(self, item: Raw) -> Json:
        name = item["SecretName"]
        key = self._keys["secrets"].of(name, self._own_key(self._secrets.get(name)))
        self._objects["secrets"].setdefault(key, {"external": True, "name": name})
        return reference_of("secret", item, key)

    def _config(self, item: Raw) -> Json:
        return reference_of("config", item, self._config_key(item["ConfigName"]))

    def _config_key(self, name: str) -> str:
        key = self._keys["configs"].of(name, self._own_key(self._configs.get(name)))
        self._objects["configs"].setdefault(key, {"external": True, "name": name})
        return key

    def _own_key(self, item: Item | None) -> str:
        """What the file called it from whose content its name was made."""
        labels = (item["Spec"].get("Labels") or {}) if item and self._stack and stack_of(item) == self._stack else {}
        return str(labels.get(KEY_LABEL, ""))

    def _add_own_configs(self, specs: t.Mapping[str, Raw]) -> None:
        """Those of the stack with what they hold, whether a service uses them or not, but for former versions."""
        configs = [item for item in own(self._stack, self._observed.configs) if LOCK_LABEL not in item["Spec"].get("Labels", {})]
        names = Names(self._stack, True, salt_of([*own(self._stack, self._observed.secrets), *configs], lambda: ""))
        used = set[tuple[str, str]]().union(*(references(spec) for spec in specs.values()))
        newest_first = sorted(configs, key=lambda item: (("config", item_name(item)) in used, item.get("CreatedAt", "")), reverse=True)
        for item in newest_first:
            name, own_key = item_name(item), self._own_key(item)
            former = own_key and own_key in self._objects["configs"]
            if former and ("config", name) not in used:
                continue
            key = self._keys["configs"].of(name, own_key)
            if key in self._objects["configs"] or not item["Spec"].get("Data"):
                continue
            labels = item["Spec"].get("Labels") or {}
            given = filled(
                content=item["Spec"]["Data"],
                labels=self._labels(labels),
                template_driver=(item["Spec"].get("Templating") or {}).get("Name"),
            )
            is_ours = name in (names.of_data(key, given), names.scoped(key))
            keep_all = {} if is_ours else {"name": name, "labels": {each: text for each, text in labels.items() if each != NAMESPACE_LABEL}}
            self._objects["configs"][key] = {**given, **{each: value for each, value in keep_all.items() if value}}

    def _credentials(self, given: Raw) -> Json:
        config = next((item_name(item) for item in self._observed.configs if item["ID"] == given.get("Config")), "")
        return filled(
            config=self._config_key(config) if config else "",
            file=given.get("File"),
            registry=given.get("Registry"),
        )

    def _mount(self, mount: Raw) -> Json:
        kind, source = mount.get("Type"), mount.get("Source") or ""
        if not source or kind not in ("volume", "cluster") or source.startswith("group:"):
            return mount_of(mount, source)
        key = self._keys["volumes"].of(source)
        options = mount.get("VolumeOptions") or {}
        driver = options.get("DriverConfig") or {}
        labels = options.get("Labels") or {}
        is_own = kind == "volume" and (driver or (self._stack and labels.get(NAMESPACE_LABEL) == self._stack))
        declared = {
            **self._named(key, source),
            **filled(driver=driver.get("Name"), driver_opts=driver.get("Options"), labels=self._labels(labels)),
        }
        self._objects["volumes"].setdefault(key, declared if is_own else {"external": True, "name": source})
        return mount_of(mount, key)


def _image(view: ServiceSpec) -> str:
    """As it was written, where nobody put in another one since."""
    written = str(view.labels.get(IMAGE_LABEL) or "")
    wanted = view.changed(container={"Image": listed_image(written)})
    return written if written and same_image(wanted.raw, view.raw) else view.image


def former_versions(stack: str, observed: SwarmObjects) -> int:
    """How many superseded versions of a secret or config there are at most, which a deploy would remove beyond ``keep_versions``."""
    used = set[tuple[str, str]]().union(*(references(item["Spec"]) for item in observed.services))
    most = 0
    for kind, items in (("secret", observed.secrets), ("config", observed.configs)):
        mine = [item for item in own(stack, items) if (kind, item_name(item)) not in used]
        keys = [(item["Spec"].get("Labels") or {}).get(KEY_LABEL, "") for item in mine]
        most = max([most, *(keys.count(key) for key in keys if key)])
    return most
