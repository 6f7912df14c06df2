# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack files to one model: read, fill in, check, normalise, merge."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace

from ...module_utils._core.stack.finding import is_silenced
from ..controller_files import ControllerFiles
from .check import check_model
from .context import Read, read_bytes, read_text
from .environment import read_dotenv
from .errors import ComposeError, Place
from .ignored import tell
from .interpolate import Scope, is_name
from .merge import merge_versioned
from .mounts import Folder
from .objects import settle_external
from .ports import order_ports
from .sources import SECTIONS, Model, Reader, Source, settle_builds
from .spec_merge import merge_spec

DISK = ControllerFiles()
DEVICE_KINDS = {"nvidia": "gpu"}


@dataclass(frozen=True)
class LoadedStack:
    """A stack as ``convert`` takes it, and what the user should know about it."""

    model: Model = field(repr=False)
    warnings: tuple[str, ...] = ()


def load_stack(
    files: t.Sequence[str] = (),
    *,
    content: str | t.Sequence[str] | None = None,
    project_dir: str | None = None,
    bind_dir: str | None = None,
    env: t.Mapping[str, str] | None = None,
    env_files: t.Sequence[str] = (),
    undefined: str = "error",
    optional_variables: t.Collection[str] = (),
    unsupported: str = "warn",
    silence: t.Collection[str] = (),
    profiles: t.Collection[str] = (),
    device_kinds: t.Mapping[str, str] | None = None,
    builds: bool = False,
    read: Read = DISK.read,
) -> LoadedStack:
    """Read one or several stack files, or ``content`` in their place, into one model.

    Later files override earlier ones, texts in ``content`` override files. Relative paths start at ``project_dir``, which
    is the folder of the first file unless given; those of bind mounts, which are paths of the nodes, at ``bind_dir`` if that is given.
    Variables come from ``env``, then from ``env_files`` (later ones win), never from the process. ``undefined``: error or blank for
    variables without value, ``optional_variables`` are blank in either case; ``unsupported``: warn or error for keys that Swarm
    ignores, but for those in ``silence``. ``profiles`` are those whose services are wanted, ``*`` for all. ``device_kinds`` adds to
    ``{"nvidia": "gpu"}``. ``builds``: read the services' ``build`` as well. ``read`` gives the bytes of a file for its absolute path, or
    raises OSError or ValueError.
    Raises ComposeError, and nothing else.
    """
    contents = [content] if isinstance(content, str) else list(content or ())
    if not files and not contents:
        raise ComposeError("there is neither a file nor content", expected="at least one stack file")
    start = os.path.abspath(project_dir or (os.path.dirname(files[0]) if files else "."))
    folder = Folder(start, (env or {}).get("HOME"), start, bind_dir)
    for name in optional_variables:
        if not is_name(name):
            raise ComposeError(f"optional_variables: {name!r} is no name of a variable", expected="a name such as TAG, without $ and value")
    variables: dict[str, str] = {}
    scope = Scope(env or {}, undefined, frozenset(optional_variables))
    for file in env_files:
        place = Place(file)
        variables.update(read_dotenv(read_bytes(folder.resolve(file, place), place, read), place, scope))
        scope = replace(scope, env={**variables, **(env or {})})
    reader = Reader(scope, {**DEVICE_KINDS, **(device_kinds or {})}, read, builds)
    sources = [reader.source(read_text(os.path.abspath(file), Place(file), read), file, folder) for file in files]
    sources += [reader.source(text, "content", folder) for text in contents]
    model = _merge(reader, sources)
    settle_builds(model, start)
    model["services"] = _with_profiles(model["services"], profiles)
    warnings = [*scope.warnings, *check_model(model, lambda path: _place_of(path, reader.places), silence)]
    ignored = [each for each in reader.ignored if not is_silenced(silence, each.key, each.name)]
    if unsupported == "error" and ignored:
        raise ComposeError(ignored[0].told, cure="remove the key, name it in silence, or set unsupported: warn")
    return LoadedStack(model, tuple(dict.fromkeys((*tell(ignored), *warnings))))


def _merge(reader: Reader, sources: list[Source]) -> Model:
    """One model of all files: by the rules of the Compose Spec as soon as one of them follows it."""
    versions: dict[str, str] = {}
    for source in sources:
        if source.version and versions.setdefault(source.version, source.place.file) and len(versions) > 1:
            other, file = next(iter(versions.items()))
            found = f"version {source.version} here, version {other} in {file}"
            raise source.place.error(found, "one version in all files", "or no version")
    for source in sources:
        source.context.compose = reader.compose
    versioned = all(source.version for source in sources)
    merged: Model = {}
    for source in sources:
        model = reader.model(source)
        if versioned:
            _settle(model)
        merged = merge_versioned(merged, model) if versioned else merge_spec(merged, model, source.marks)
    if not versioned:
        _settle(merged)
    for service in merged["services"].values():
        if "ports" in service:
            service["ports"] = order_ports(service["ports"])
    for section in SECTIONS[1:]:
        settle_external(merged.get(section, {}))
    if not any(merged.get(section) for section in ("services", "secrets", "configs")):
        raise sources[-1].place.error("this stack is empty", "at least one of services, secrets and configs")
    return merged


def _settle(model: Model) -> None:
    """The variables of a service's env_file become variables of the service, which win over them."""
    for service in model["services"].values():
        if "env_file" in service:
            service["environment"] = {**service.pop("env_file"), **service.get("environment", {})}


def _place_of(path: tuple[str, ...], places: t.Sequence[Place]) -> Place:
    """Where a path of the merged model stands: in the last file that has it, or the nearest parent of it."""
    holders = (place for end in range(len(path), 0, -1) for place in reversed(places) if path[:end] in place.lines)
    place = next(holders, places[-1])
    for key in path:
        place /= key
    return place


def _with_profiles(services: Model, active: t.Collection[str]) -> Model:
    """The services without a profile, or with one that is active."""
    return {
        name: service
        for name, service in services.items()
        if not service.get("profiles") or "*" in active or set(active) & set(service["profiles"])
    }
