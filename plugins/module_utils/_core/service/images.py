# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image a service gets: what the file says, what runs, or what the registry says now. Pure."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from .naming import IMAGE_LABEL
from .spec import Json, Raw, ServiceSpec

# The option of every module that pulls or pushes; documented in the fragment flotilla.swarm.registry.
REGISTRY_AUTH: Json = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "registry": {"type": "str", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    },
}


@dataclass(frozen=True)
class Resolved:
    """What a registry said about an image; ``problem`` where it could not be asked, ``is_local`` whether this engine has the image then."""

    digest: str = ""
    platforms: tuple[t.Mapping[str, str], ...] = ()
    problem: str = ""
    is_local: bool = False


def images_to_resolve(wanted: t.Iterable[Json], observed: t.Mapping[str, t.Any], policy: str) -> list[str]:
    """The images about which the registry has to be asked, sorted. ``observed`` has services by name."""
    return sorted({image_of(spec) for spec in wanted if _asks(spec, observed.get(spec["Name"]), policy)})


def _asks(spec: Json, observed: t.Any, policy: str) -> bool:
    if policy == "never" or "@" in image_of(spec):
        return False
    return policy == "always" or observed is None or not same_image(spec, observed["Spec"])


def read_distribution(answer: t.Mapping[str, t.Any]) -> Resolved:
    """From the answer of ``GET /distribution/NAME/json``. Platforms that name no architecture that matters are left out."""
    platforms: list[dict[str, str]] = []
    for item in answer.get("Platforms") or []:
        os_name, architecture = item.get("os") or item.get("OS") or "", item.get("architecture") or item.get("Architecture") or ""
        if os_name == "unknown" or architecture == "unknown":
            continue
        # The engines report the variant of ARM differently from registries.
        platform = {"Architecture": "" if architecture.startswith("arm") else architecture, "OS": os_name}
        platform = {key: value for key, value in platform.items() if value}
        if platform and platform not in platforms:
            platforms.append(platform)
    return Resolved(str((answer.get("Descriptor") or {}).get("digest", "")), tuple(platforms))


def settle_image(spec: Json, observed: t.Any, resolved: t.Mapping[str, Resolved], policy: str = "changed") -> tuple[Json, str]:
    """The spec with the image to send, and what is wrong with it (empty if nothing).

    ``observed`` is the service as it runs, None for a new one. An image that is written as before and by the ``policy`` is
    not asked about, or could not be resolved, stays the one that runs.
    """
    image = image_of(spec)
    answer = resolved.get(image) if _asks(spec, observed, policy) else None
    if answer and answer.digest:
        return _with_image(spec, f"{image}@{answer.digest}", [dict(item) for item in answer.platforms]), ""
    problem = f"image {image} could not be resolved ({answer.problem})" if answer else ""
    if observed is not None and same_image(spec, observed["Spec"]):
        running = ServiceSpec(observed["Spec"])
        return _with_image(spec, running.image, running.platforms), problem
    return spec, problem


def find_unresolved(services: t.Mapping[str, t.Any], resolved: t.Mapping[str, Resolved]) -> dict[str, str]:
    """Service -> why its image could not be resolved."""
    said = {name: resolved.get(image_of(service["Spec"])) for name, service in services.items()}
    return {name: answer.problem for name, answer in said.items() if answer and answer.problem}


def image_of(spec: Raw) -> str:
    return ServiceSpec(spec).image


def same_image(spec: Raw, running: Raw) -> bool:
    """Whether the image is written as it was when the running spec was made, and nobody put in another one since."""
    label = ServiceSpec(running).labels.get(IMAGE_LABEL)
    if label is None or label != ServiceSpec(spec).labels.get(IMAGE_LABEL):
        return False
    wanted, present = image_of(spec), listed_image(image_of(running))
    return present == wanted if "@" in wanted else present.partition("@")[0] == wanted


def _with_image(spec: Json, image: str, platforms: t.Sequence[t.Any]) -> Json:
    view = ServiceSpec(spec)
    placement = {key: value for key, value in view.placement.items() if key != "Platforms"}
    if platforms:
        placement["Platforms"] = list(platforms)
    return view.changed(container={"Image": image}, task={"Placement": placement}).body


def registry_of(image: str) -> str:
    """The registry that an image comes from, such as ``registry.example.com:5000`` or ``docker.io``."""
    first, slash, _rest = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def login_host(registry: str) -> str:
    """The registry that a login is for, however its address is written."""
    host = registry.split("://")[-1].split("/")[0]
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host


def split_tag(name: str) -> tuple[str, str]:
    """The name without its tag, and the tag, ``latest`` where none is given."""
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def source_of(name: str) -> str:
    """What a registry is asked for: a digest without the tag beside it, or the tag."""
    rest, at, digest = name.partition("@")
    return f"{split_tag(rest)[0]}@{digest}" if at else name


def auth_headers(
    image: str,
    credentials: t.Iterable[t.Mapping[str, str]],
    stored: t.Callable[[str], t.Mapping[str, str] | None] = lambda registry: None,
) -> dict[str, str] | None:
    """The header that brings the credentials (registry, username, password) for the registry of an image, None without any.

    ``stored`` finds those that the host keeps for a registry, as ``X-Registry-Auth`` wants them.
    """
    registry = registry_of(image)
    for item in credentials:
        if login_host(item["registry"]) == registry:
            login = {"username": item["username"], "password": item["password"], "serveraddress": item["registry"]}
            return _auth_header(login)
    kept = stored(registry)
    return _auth_header(kept) if kept else None


def _auth_header(login: t.Mapping[str, str]) -> dict[str, str]:
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}


_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"


_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")


_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")


_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)


_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


_HUB = ("docker.io", "index.docker.io")


def familiar_image(text: str) -> str:
    """The short form with a tag or digest: ``docker.io/library/nginx`` is ``nginx:latest``.

    Raises ValueError, with what was expected, for a text that is no image reference.
    """
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError("a digest such as sha256:... after the @")
    head, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError("a tag of letters, digits, '_', '.' and '-' after the colon")
    path = head + slash + name
    first, slash, remainder = path.partition("/")
    domain = ""
    if slash and (set(".:") & set(first) or first == "localhost" or first != first.lower()):
        domain, path = first, remainder
        if not _DOMAIN.fullmatch(domain):
            raise ValueError("a registry such as registry.example.com:5000 before the first slash")
    if path != path.lower():
        raise ValueError("a repository in lower case")
    if not _PATH.fullmatch(path):
        raise ValueError("an image such as nginx:1.27 or registry.example.com:5000/team/app:2")
    if domain in _HUB:
        domain, path = "", path[len("library/") :] if path.startswith("library/") else path
    elif not domain and path.startswith("library/"):
        path = path[len("library/") :]
    image = f"{domain}/{path}" if domain else path
    suffix = f":{tag}" if colon else ""
    if not colon and not at:
        suffix = ":latest"
    return image + suffix + at + digest


def read_image(option: str | None) -> str:
    """The option ``image`` in its short form; empty if none is given. Raises PlanError."""
    text = (option or "").strip()
    return require_image(text) if text else ""


def require_image(text: str) -> str:
    """The short form of an image that is given. Raises PlanError."""
    try:
        return familiar_image(text)
    except ValueError as error:
        raise PlanError(f"image: found {text!r}, expected {error}.") from None


def short_image(text: str) -> str:
    """With as much of the digest as a plan shows."""
    name, at, digest = text.partition("@sha256:")
    return f"{name}@{digest[:12]}" if at else text


def listed_image(text: str) -> str:
    """The form in which the engine lists an image; a text that is no reference stays, as services of other programs may have one."""
    try:
        return familiar_image(text)
    except ValueError:
        return text
