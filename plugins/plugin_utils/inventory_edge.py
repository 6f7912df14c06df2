# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the edge of an inventory, and with the labels by which its stacks ask for routes. Pure."""

from __future__ import annotations

import difflib
import json
import re
import typing as t

from ..module_utils._core.service.constraints import parse_constraint
from ..module_utils.redact import redact_text
from .certificates import public_of
from .compose.errors import ComposeError
from .compose.load import load_stack
from .edge_stack import AUTH, auth_kind, edge_stack, full_host, routes_of
from .fault import FAULT, WARNING
from .inventory_model import Finding, Inventory, names_in, of_stack, some, unmet
from .inventory_schema import Path_, find_wrong, known_names
from .inventory_values import is_known
from .stack_check import StackSeen, networks_of

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
except ImportError:  # what needs it says so when it runs
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_USER = re.compile(r"[^:\s]+:\$?\S+")
_NEEDS = {
    "basic": ("users",),
    "forward": ("address",),
    "oidc": ("issuer", "client_id", "client_secret", "cookie_secret", "emails"),
}
_OF_THE_RUN = {"manager", "registry_auth", "timeout"}
_COOKIE_BYTES = (16, 24, 32)
_PORT_LABEL = re.compile(r"traefik\.(http|tcp|udp)\.services\.[^.]+\.loadbalancer\.server\.port", re.IGNORECASE)
Values = t.Mapping[str, t.Any]


def find_edge_faults(inventory: Inventory) -> t.Iterator[Finding]:
    host = inventory.manager
    if not host or not str(inventory.value(host, "edge_stack") or ""):
        return
    names = [name for name in known_names() if name.startswith("edge_")]
    values = {name.removeprefix("edge_"): inventory.value(host, name) for name in names}
    # What has the wrong form, or is not known yet, is told elsewhere or can't be judged.
    wrong = {name for name in names if find_wrong(name, values[name.removeprefix("edge_")], False)}
    values = {name: value for name, value in values.items() if f"edge_{name}" not in wrong and is_known(value)}
    found = list(_find(inventory, values))
    if values.keys() >= {name.removeprefix("edge_") for name in names} - _OF_THE_RUN and FAULT not in {each[-1] for each in found}:
        found += _of_model(values)
    for name, path, text, cure, level in found:
        known = [each for each in inventory.all_of(f"edge_{name}") if host in each.hosts]
        yield Finding("edge", text, cure, f"edge_{name}", path, known[0].hosts if known else (), level)
    yield from _of_labels(inventory)


Found = tuple[str, Path_, str, str, str]


def _find(inventory: Inventory, values: Values) -> t.Iterator[Found]:
    yield from _of_domain(values)
    yield from _of_stack(inventory, values)
    yield from _of_acme(inventory, values)
    yield from _of_certificates(values)
    yield from _of_auth(values)
    yield from _of_routes(inventory, values)


def _of_model(values: Values) -> t.Iterator[Found]:
    """What the rules of all stacks refuse, such as a constraint or an image that no engine takes."""
    made = edge_stack(values)
    try:
        load_stack([], content=json.dumps(made.content), env=made.env, read=lambda _path: b"")
    except ComposeError as error:
        told = redact_text(str(error).removeprefix(f"content:{error.line}: ")).rstrip(".")
        yield "stack", (), f"names a stack that can't be deployed: {told}", "Mend the variable of role edge that says so", FAULT


def _of_domain(values: Values) -> t.Iterator[Found]:
    domain = values.get("domain")
    if domain == "":
        yield "domain", (), "is empty, and edge_stack is set", "Write the domain that the routes are in, such as example.org", FAULT
    elif domain is not None and not _HOST.fullmatch(str(domain)):
        yield "domain", (), f"is '{domain}', which is no domain", "Write one such as example.org", FAULT


def _of_stack(inventory: Inventory, values: Values) -> t.Iterator[Found]:
    name = values.get("stack")
    if name in names_in(inventory, "stacks_present"):
        yield "stack", (), f"is {name}, as a stack of stacks_present", "Give one of them another name", FAULT
    constraint = parse_constraint(str(values.get("constraint", "")))
    if constraint and inventory.allowed_nodes(constraint) == []:
        text = f"is {values['constraint']}, and {unmet(constraint)}"
        yield "constraint", (), text, "Add it, unless a node already has it", WARNING


def _of_acme(inventory: Inventory, values: Values) -> t.Iterator[Found]:
    acme, certificates = values.get("acme"), values.get("certificates")
    if acme == {} and certificates == []:
        text = "and edge_certificates are empty, so the edge has no certificate that a client would trust"
        yield "acme", (), text, "Set edge_acme.email for certificates of Let's Encrypt, or give your own", FAULT
    if not acme:
        return
    if not acme.get("email"):
        yield "acme", ("email",), "is missing", "Write the address that the authority is to write to", FAULT
    if acme.get("challenge") == "dns" and not acme.get("dns_provider"):
        cure = "Write Traefik's name of the provider, such as cloudflare"
        yield "acme", ("dns_provider",), "is missing, and challenge is dns", cure, FAULT
    nodes = _edge_nodes(inventory, values)
    if nodes and len(nodes) > 1:
        text = f"keeps its certificates in a volume of one node, and edge_constraint allows {' and '.join(nodes)}"
        yield "acme", (), text, "Let it allow one, or give edge_certificates, with which there may be several", FAULT


def _edge_nodes(inventory: Inventory, values: Values) -> list[str] | None:
    """The nodes that the constraint allows by the roles and labels of the inventory; None where it asks for something else."""
    constraint = parse_constraint(str(values.get("constraint", "")))
    return inventory.allowed_nodes(constraint) if constraint else None


def _of_certificates(values: Values) -> t.Iterator[Found]:
    pairs = values.get("certificates") or []
    covered: list[str] = []
    for index, pair in enumerate(pairs if HAS_CRYPTOGRAPHY else ()):
        try:
            certificate = x509.load_pem_x509_certificate(str(pair["certificate"]).encode())
            covered += certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        except (ValueError, x509.ExtensionNotFound):
            text = "is no certificate in PEM with names of hosts"
            yield "certificates", (index, "certificate"), text, "Put the certificate there, from its BEGIN line to its END line", FAULT
            return
        try:
            key = serialization.load_pem_private_key(str(pair["key"]).encode(), None)
        except (ValueError, TypeError):
            text = "is no key in PEM that can be read without a password"
            yield "certificates", (index, "key"), text, "Put the key there, from its BEGIN line to its END line", FAULT
            return
        if public_of(key) != public_of(certificate):
            cure = "Give the key that the certificate was made with"
            yield "certificates", (index, "key"), "is not the key of its certificate", cure, FAULT
    if covered and values.get("acme") == {} and "routes" in values and values.get("domain"):
        for index, route in enumerate(values["routes"]):
            host = full_host(str(route["host"]), str(values["domain"]))
            if not any(_covers(name, host) for name in covered):
                text = f"is {host}, which no certificate of edge_certificates is for: they are for {some(covered)}"
                yield "routes", (index, "host"), text, "Add one that is, or set edge_acme", FAULT


def _covers(name: str, host: str) -> bool:
    return name.lower() == host.lower() or (name.startswith("*.") and host.lower().partition(".")[2] == name[2:].lower())


def _of_auth(values: Values) -> t.Iterator[Found]:
    auth = values.get("auth")
    if auth is None:
        return
    kind = auth_kind(auth)
    for name in _NEEDS.get(kind, ()):
        if not auth.get(name):
            yield "auth", (name,), f"is missing, and kind is {kind}", "Set it, as the README of role edge says", FAULT
    for other, names in _NEEDS.items():
        for name in names:
            if other != kind and auth.get(name):
                yield "auth", (name,), f"is set, and kind is {kind}", f"Set kind: {other}, or remove it", FAULT
    for index, user in enumerate(auth.get("users") or []):
        if not _USER.fullmatch(str(user)):
            yield "auth", ("users", index), "is no line of htpasswd", "Write what htpasswd -nbB USER PASSWORD prints", FAULT
    for index, email in enumerate(auth.get("emails") or []):
        if str(email) != "*" and (str(email).count("@") != 1 or "*" in str(email)[1:]):
            text = f"is '{email}', which is neither an address nor a pattern"
            yield "auth", ("emails", index), text, "Write one such as ann@example.org, *@example.org or *", FAULT
    secret = str(auth.get("cookie_secret") or "")
    if kind == "oidc" and secret and _decoded_length(secret) not in _COOKIE_BYTES and len(secret) not in _COOKIE_BYTES:
        yield "auth", ("cookie_secret",), "is not 16, 24 or 32 bytes long", "Make one: openssl rand -base64 32 | tr -- '+/' '-_'", FAULT
    if values.get("dashboard") and kind == "none":
        yield "dashboard", (), "is set without a login before it", "Set edge_auth, or leave the dashboard out", FAULT


def _decoded_length(text: str) -> int:
    return len(text.rstrip("=")) * 3 // 4


def _of_routes(inventory: Inventory, values: Values) -> t.Iterator[Found]:
    routes, domain = values.get("routes") or [], str(values.get("domain") or "")
    if not domain or not all(isinstance(route, dict) for route in routes):
        return
    services = {name: stack for stack in inventory.deployed for name in _services(stack)}
    hosts: dict[str, int] = {}
    for index, route in enumerate(routes):
        host = full_host(str(route["host"]), domain).lower()
        if not _HOST.fullmatch(host):
            yield "routes", (index, "host"), f"is '{route['host']}', which is no host", "Write one such as grafana, or in full", FAULT
        if host in hosts:
            yield "routes", (index, "host"), f"is {host}, as item {hosts[host]} is", "Keep one of them", FAULT
        hosts.setdefault(host, index)
        if route.get("auth") and "auth" in values and auth_kind(values["auth"]) == "none":
            yield "routes", (index, "auth"), "wants a login, and edge_auth has none", "Set edge_auth.kind", FAULT
        yield from _of_service(inventory, values, index, str(route["service"]), services)
    options = {"stack": values.get("stack"), "domain": domain, "dashboard": values.get("dashboard"), "auth": values.get("auth") or {}}
    for own in routes_of(options):
        if own["host"].lower() in hosts:
            name, path = (AUTH, ("host",)) if own["service"] else ("dashboard", ())
            text = f"is at {own['host']}, as item {hosts[own['host'].lower()]} of edge_routes"
            yield name, path, text, "Give one of them another host", FAULT


def _of_service(inventory: Inventory, values: Values, index: int, service: str, services: t.Mapping[str, StackSeen]) -> t.Iterator[Found]:
    if service not in services:
        if _is_of_unread(inventory, service):
            return
        near = difflib.get_close_matches(service, services, 1)
        cure = f"Write {near[0]}" if near else f"Its services are {some(sorted(services)) or 'none'}"
        yield "routes", (index, "service"), f"is {service}, which no stack of the inventory has", cure, FAULT
        return
    own, joined = _networks(services[service], service), {values.get("network"), *(values.get("networks") or ())}
    if "network" in values and "networks" in values and not own & joined:
        text = f"is {service}, which is on {some(sorted(own)) or 'no network'}, where the edge is not"
        cure = f"Let the service join {values['network']}, or add one of its networks to edge_networks"
        yield "routes", (index, "service"), text, cure, FAULT


def _is_of_unread(inventory: Inventory, service: str) -> bool:
    """Whether a service may be of a stack of the collection's own, or of one whose files can't be read, which is told elsewhere."""
    host = inventory.manager
    roles = [str(inventory.value(host, name) or "") for name in known_names() if name.endswith("_stack")]
    unread = names_in(inventory, "stacks_present") - {stack.name for stack in inventory.stacks if stack.models}
    return any(stack and service.startswith(f"{stack}_") for stack in (*roles, *unread))


def _services(stack: StackSeen) -> set[str]:
    return {f"{stack.name}_{name}" for model in stack.models for name in model["services"]}


def _networks(stack: StackSeen, service: str) -> set[str]:
    """The networks of a service by their names in the swarm, in any reading of its stack."""
    key = service.removeprefix(f"{stack.name}_")
    return set[str]().union(*(networks_of(stack, model, model["services"].get(key, {})) for model in stack.models))


def _of_labels(inventory: Inventory) -> t.Iterator[Finding]:
    """Labels that the edge does not see, or can't act on."""
    for stack in inventory.deployed:
        for name, service in stack.models[0]["services"].items():
            misplaced = [label for label in service.get("labels") or {} if str(label).lower().startswith("traefik.")]
            if misplaced:
                text = f"has {some(misplaced)} of service {name} among the labels of its containers, which the edge does not see"
                yield of_stack(stack, "edge", text, "Move them to deploy.labels", WARNING)
            labels = {str(key).lower(): str(value) for key, value in ((service.get("deploy") or {}).get("labels") or {}).items()}
            if labels.get("traefik.enable", "").lower() == "true" and not any(_PORT_LABEL.fullmatch(label) for label in labels):
                text = f"lets the edge route to service {name}, but no label says to which port"
                cure = f"Add traefik.http.services.{name}.loadbalancer.server.port to its deploy.labels"
                yield of_stack(stack, "edge", text, cure, WARNING)
