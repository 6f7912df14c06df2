# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stack files to one model: read, fill in, check, normalise, merge."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .check import check_model
from .context import Context, Read, read_disk
from .environment import read_env_file
from .errors import ComposeError, Place
from .ignored import ignored_keys
from .interpolate import Scope, interpolate
from .merge import merge_versioned
from .mounts import Folder
from .objects import read_objects
from .schema import LATEST, schema_for, uses_spec, validate
from .service import read_service
from .yaml_reader import read_yaml

Model = dict[str, t.Any]
SECTIONS = ("networks", "volumes", "secrets", "configs")
DEVICE_KINDS = {"nvidia": "gpu"}


@dataclass(frozen=True)
class LoadedStack:
    """A stack as ``convert`` takes it, and what the user should know about it."""

    model: Model
    warnings: tuple[str, ...] = ()


def load_stack(
    files: t.Sequence[str] = (),
    *,
    content: str | None = None,
    project_dir: str | None = None,
    env: t.Mapping[str, str] | None = None,
    env_files: t.Sequence[str] = (),
    undefined: str = "error",
    unsupported: str = "warn",
    profiles: t.Collection[str] = (),
    device_kinds: t.Mapping[str, str] | None = None,
    read: Read = read_disk,
) -> LoadedStack:
    """Read one or several stack files, or ``content`` in their place, into one model.

    Later files override earlier ones. Relative paths start at ``project_dir``, which is the folder of the first file
    unless given. Variables come from ``env``, then from ``env_files`` (later ones win), never from the process.
    ``undefined``: error, warn or blank for variables without value; ``unsupported``: warn or error for keys that Swarm
    ignores. ``read`` reads a file given its absolute path. Raises ComposeError, and nothing else.
    """
    if not files and content is None:
        raise ComposeError("there is neither a file nor content", expected="at least one stack file")
    folder = os.path.abspath(project_dir or (os.path.dirname(files[0]) if files else "."))
    variables = _variables(env or {}, env_files, folder, read)
    loader = _Loader(variables, undefined, {**DEVICE_KINDS, **(device_kinds or {})}, read)
    home = Folder(folder, variables.get("HOME"))
    if content is not None:
        loader.add(content, "content", home)
    for file in files:
        loader.add(_read_text(file, read), file, home)
    model = loader.merged()
    model["services"] = _with_profiles(model["services"], profiles)
    warnings = [*loader.warnings, *check_model(model, loader.place_of)]
    if unsupported == "error" and loader.ignored:
        raise ComposeError(loader.ignored[0], cure="remove the key, or set unsupported: warn")
    return LoadedStack(model, tuple(dict.fromkeys((*loader.ignored, *warnings))))


class _Loader:
    """The files of one stack, each in normal form, in order."""

    def __init__(self, env: t.Mapping[str, str], undefined: str, device_kinds: t.Mapping[str, str], read: Read) -> None:
        self.env, self.undefined, self.device_kinds, self.read = env, undefined, device_kinds, read
        self.models: list[Model] = []
        self.places: list[Place] = []
        self.versions: dict[str, str] = {}
        self.warnings: list[str] = []
        self.ignored: list[str] = []

    def add(self, text: str, file: str, folder: Folder) -> None:
        document = read_yaml(text, file)
        place = document.place
        data = document.data
        if not isinstance(data, dict):
            raise place.error("this is not a stack file", "a mapping with services at the top")
        version = _version(data, place)
        scope = Scope(self.env, self.undefined)
        data = interpolate(data, schema_for(version), place, scope, versioned=version is not None)
        validate(data, place, version)
        if version:
            self.versions.setdefault(version, file)
        if len(self.versions) > 1:
            (one, first), (other, second) = self.versions.items()
            raise place.error(f"version {other} here, version {one} in {first}", "one version in all files", "or no version")
        context = Context(folder, self.env, version is not None, self.device_kinds, self.read)
        model: Model = {
            "services": {name: read_service(raw, place / "services" / name, context) for name, raw in data["services"].items()}
        }
        for section in SECTIONS:
            if section in data:
                model[section] = read_objects(section, data[section], place / section, context)
        self.models.append(model)
        self.places.append(place)
        self.warnings += [*document.warnings, *scope.warnings, *context.warnings]
        self.ignored += ignored_keys(data, place)

    def merged(self) -> Model:
        model, *others = self.models
        for other in others:
            model = merge_versioned(model, other)
        return model

    def place_of(self, path: tuple[str, ...]) -> Place:
        """Where a path of the merged model stands: in the last file that has it."""
        place = next((place for place in reversed(self.places) if path in place.lines), self.places[-1])
        for key in path:
            place /= key
        return place


def _version(data: Model, place: Place) -> str | None:
    """The version of the format that the file follows; None for a Compose Spec file."""
    version = data.get("version")
    if version is not None and not isinstance(version, str):
        raise (place / "version").error(f"found {version!r}", "text", f'put it in quotes, or remove it: version: "{LATEST}"')
    if not version or uses_spec(data):
        return None
    known = re.fullmatch(r"3(?:\.([0-9]{1,2}))?", version)
    if not known or int(known[1] or 0) > int(LATEST.partition(".")[2]):
        raise (place / "version").error(f"found {version!r}", f'"3" to "{LATEST}", or no version')
    return LATEST if version == "3" else version


def _variables(env: t.Mapping[str, str], files: t.Sequence[str], folder: str, read: Read) -> dict[str, str]:
    variables: dict[str, str] = {}
    for file in files:
        place = Place(file)
        context = Context(Folder(folder, env.get("HOME")), env, False, {}, read)
        for key, value in read_env_file(context.read_file(file, place), place).items():
            if value is not None:
                variables[key] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    return {**variables, **env}


def _read_text(file: str, read: Read) -> str:
    try:
        return read(os.path.abspath(file)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ComposeError("this file is not UTF-8 text", file=file) from None
    except (OSError, ValueError) as error:
        raise ComposeError(f"cannot read the file: {getattr(error, 'strerror', None) or error}", file=file) from None


def _with_profiles(services: dict[str, Model], active: t.Collection[str]) -> dict[str, Model]:
    """The services without a profile, or with one that is active."""
    return {
        name: service
        for name, service in services.items()
        if not service.get("profiles") or set(active) & {*service["profiles"], *(("*",) if "*" in active else ())}
    }
