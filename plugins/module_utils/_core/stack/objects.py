# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks, secrets and configs: what exists, what differs, what is superseded. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...errors import PlanError
from ...plan import Field, compare
from ..service.naming import KEY_LABEL, SALT_LABEL, Item, by_name, item_name, stack_of
from ..service.spec import Json, Raw, ServiceSpec
from .convert import StackObjects

# The engine adds these to what was asked for.
ENGINE_OPTIONS = ("com.docker.network.driver.overlay.vxlanid_list",)


def foreign(kind: str, item: Item) -> PlanError:
    """What to say of an object that another stack, or none, has under a name of this one."""
    owner = f"stack {stack_of(item)}" if stack_of(item) else "no stack"
    cure = "Remove it, or rename the service or the stack" if kind == "service" else "Declare it external, or give it another name"
    return PlanError(f"{kind} {item_name(item)} exists and belongs to {owner}", f"{cure}.")


def diff_network(observed: Item, wanted: Item) -> tuple[Field, ...]:
    """What of a network differs that can't be changed in place. Labels don't count: they can't be changed and do nothing."""
    return compare(_network_form(observed, wanted), _network_form(wanted, wanted))


def _network_form(network: Item, wanted: Item) -> dict[str, t.Any]:
    options = {key: value for key, value in (network.get("Options") or {}).items() if key not in ENGINE_OPTIONS}
    form = {
        "driver": network.get("Driver") or "overlay",
        "driver_opts": options,
        "internal": bool(network.get("Internal")),
        "attachable": bool(network.get("Attachable")),
        "enable_ipv6": bool(network.get("EnableIPv6")),
    }
    subnets = [config["Subnet"] for config in (wanted.get("IPAM") or {}).get("Config") or [] if config.get("Subnet")]
    if subnets:  # without a wish the engine chooses
        configs = (network.get("IPAM") or {}).get("Config") or []
        form["subnets"] = sorted(config["Subnet"] for config in configs if config.get("Subnet"))
    return form


def diff_data(kind: str, observed: Item, wanted: Item) -> tuple[Field, ...]:
    """What of a secret or config differs: labels can be changed, content can't.

    Raises PlanError for a config whose content differs. The engine does not tell the content of a secret.
    """
    spec = observed["Spec"]
    data = spec.get("Data")
    if kind == "config" and data is not None and data != wanted.get("Data"):
        raise PlanError(
            f"config {item_name(observed)} exists with other content, and the content of a config can't be changed",
            "Give it a new name, or no name and content_names: true.",
        )
    return compare(spec.get("Labels"), wanted.get("Labels"), "labels.")


def lint_secrets(wanted: t.Iterable[Item], observed: t.Iterable[Item]) -> t.Iterator[str]:
    """The engine tells the content of no secret; only a name that comes from the content shows that it changed."""
    existing = set(by_name(observed))
    names = [body["Name"] for body in wanted if body["Name"] in existing and "Data" in body and KEY_LABEL not in body["Labels"]]
    if names:
        yield (
            f"changes of these secrets go unnoticed, because their names stay the same: {', '.join(sorted(names))}. "
            "To change a secret, give it a new name, or no name and content_names: true (secret_content)"
        )


def references(spec: Raw) -> set[tuple[str, str]]:
    """("secret" or "config", name) for everything that a service spec mounts or uses as credentials."""
    view = ServiceSpec(spec)
    return {("secret", item["SecretName"]) for item in view.secrets} | {("config", item["ConfigName"]) for item in view.configs}


def superseded(items: t.Iterable[Item], content_names: t.Mapping[str, str], keep: int) -> list[Item]:
    """Former versions of the objects named by content: all but the newest ``keep`` of each.

    ``content_names`` are the wanted names by key. An object that is not wanted under any name is no former version.
    """
    versions: dict[str, list[Item]] = {}
    for item in items:
        key = (item["Spec"].get("Labels") or {}).get(KEY_LABEL, "")
        if key in content_names and item_name(item) != content_names[key]:
            versions.setdefault(key, []).append(item)
    old = []
    for _key, found in sorted(versions.items()):
        newest_first = sorted(found, key=lambda item: (str(item.get("CreatedAt", "")), item_name(item)), reverse=True)
        old.extend(newest_first[keep:])
    return old


def adopt_configs(stack: str, wanted: StackObjects, configs: t.Iterable[Item]) -> StackObjects:
    """What is wanted, with the names of such configs, so that taking a stack over restarts nothing.

    The engine returns the content of configs only: a secret gets its new name with the first deploy.
    """
    existing = by_name(configs)
    bodies = by_name(wanted.configs)
    names: dict[str, str] = {}
    for key, name in wanted.content_names.get("configs", {}).items():
        plain = existing.get(f"{stack}_{key}")
        if plain and name not in existing and stack_of(plain) == stack and plain["Spec"].get("Data") == bodies[name].get("Data"):
            names[name] = f"{stack}_{key}"
    if not names:
        return wanted
    return replace(
        wanted,
        configs=[_renamed(body, names) if body["Name"] in names else body for body in wanted.configs],
        services=[_with_names(spec, names) for spec in wanted.services],
    )


def _renamed(body: Json, names: t.Mapping[str, str]) -> Json:
    labels = {key: value for key, value in body["Labels"].items() if key not in (KEY_LABEL, SALT_LABEL)}
    return {**body, "Name": names[body["Name"]], "Labels": labels}


def _with_names(spec: Json, names: t.Mapping[str, str]) -> Json:
    view = ServiceSpec(spec)
    if not view.configs:
        return spec
    if view.credential_config in names:
        view = view.with_credential_config(names[view.credential_config])
    configs = [{**item, "ConfigName": names.get(item["ConfigName"], item["ConfigName"])} for item in view.configs]
    configs.sort(key=lambda item: str(item["ConfigName"]))
    return view.changed(container={"Configs": configs}).body
