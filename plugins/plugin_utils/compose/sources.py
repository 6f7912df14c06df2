# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single stack files in normal form, with what they include and extend."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, replace

from .build import read_build
from .context import Context, Read, read_text
from .environment import read_dotenv
from .errors import Key, Place
from .ignored import Ignored, ignored_keys
from .interpolate import Scope, interpolate
from .mounts import Folder
from .objects import read_objects
from .schema import LATEST, schema_for, uses_spec, validate
from .service import read_service
from .spec_merge import merge_spec
from .yaml_reader import read_yaml

Model = dict[str, t.Any]
Marks = dict[tuple[Key, ...], str]
SECTIONS = ("services", "networks", "volumes", "secrets", "configs")
_INCLUDES = 20


@dataclass
class Source:
    """One file, unmerged. ``version`` is None for Compose Spec files."""

    data: Model
    place: Place
    marks: Marks
    version: str | None
    context: Context


class Reader:
    """Reads the files of one stack, and collects warnings about them. ``builds``: whether images are built from them."""

    def __init__(self, scope: Scope, device_kinds: t.Mapping[str, str], read: Read, builds: bool = False) -> None:
        self.scope, self.device_kinds, self.read, self.builds = scope, device_kinds, read, builds
        self.compose = False
        self.places: list[Place] = []
        self.ignored: list[Ignored] = []
        self._extended: dict[str, Source] = {}

    def source(self, text: str, file: str, folder: Folder) -> Source:
        """The file, its variables filled in and its shape checked."""
        document = read_yaml(text, file)
        place, data = document.place, document.data
        if not isinstance(data, dict):
            raise place.error("this is not a stack file", "a mapping with services at the top")
        for path, action in document.marks.items():
            if action == "reset":
                _remove(data, path)
        spec = bool(document.marks) or uses_spec(data)
        self.compose = self.compose or spec
        version = _version(data, place, spec)
        builds = {} if self.builds else _take_builds(data)
        data = interpolate(data, schema_for(version), place, self.scope, versioned=version is not None)
        for name, build in builds.items():
            data["services"][name]["build"] = build
        validate(data, place, version)
        self.scope.warnings += document.warnings
        context = Context(folder, self.scope, self.compose, self.device_kinds, self.read)
        return Source(data, place, document.marks, version, context)

    def model(self, source: Source, above: tuple[str, ...] = ()) -> Model:
        """The normal form of the file and of the files that it includes."""
        data, place = source.data, source.place
        self.places.append(place)
        self.ignored += ignored_keys(data, place)
        model: Model = {"services": {name: self._service(source, name) for name in data.get("services", {})}}
        for section in SECTIONS[1:]:
            if section in data:
                model[section] = read_objects(section, data[section], place / section, source.context)
        entries = data.get("include", [])
        for index, entry in enumerate([entries] if isinstance(entries, str) else entries):
            given = entry if isinstance(entry, dict) else {"path": entry}
            self._add_included(model, self._included(given, source, place / "include" / index, above), source)
        return model

    def _service(self, source: Source, name: str, above: tuple[tuple[str, str], ...] = ()) -> Model:
        raw, place = source.data["services"][name], source.place / "services" / name
        service = read_service(raw, place, source.context)
        if self.builds and raw.get("build") is not None:
            service["build"] = read_build(raw["build"], place / "build", source.context)
        if "extends" not in raw:
            return service
        given = raw["extends"] if isinstance(raw["extends"], dict) else {"service": raw["extends"]}
        place /= "extends"
        other = self._other(given["file"], source, place) if "file" in given else source
        step = (other.place.file, given["service"])
        if step in above or step == (source.place.file, name):
            raise place.error("services extend each other in a cycle", "", "remove one of the extends")
        if given["service"] not in other.data.get("services", {}):
            raise place.error(f"there is no service {given['service']!r} in {other.place.file}")
        base = self._service(other, given["service"], (*above, step))
        if other is not source:
            self.ignored += ignored_keys({"services": {step[1]: other.data["services"][step[1]]}}, other.place)
        marks = {path[2:]: action for path, action in source.marks.items() if path[:2] == ("services", name)}
        return t.cast(Model, merge_spec(base, service, marks))

    def _other(self, file: str, source: Source, place: Place) -> Source:
        path = source.context.folder.resolve(file, place)
        if path not in self._extended:
            text = read_text(path, place, self.read)
            folder = source.context.folder._replace(path=os.path.dirname(path))
            self._extended[path] = self.source(text, path, folder)
        return self._extended[path]

    def _included(self, given: Model, source: Source, place: Place, above: tuple[str, ...]) -> Model:
        folder = source.context.folder
        paths = [folder.resolve(path, place) for path in _words(given["path"])]
        if len(above) > _INCLUDES or set(paths) & {*above, os.path.abspath(source.place.file)}:
            raise place.error("files include each other in a cycle", "", "remove one of the includes")
        start = folder.resolve(given["project_directory"], place) if "project_directory" in given else os.path.dirname(paths[0])
        outer = self.scope
        inner: dict[str, str] = {}
        for name in _words(given.get("env_file", [])):
            scope = replace(outer, env={**inner, **outer.env})
            inner.update(read_dotenv(source.context.read_file(name, place), place, scope))
        self.scope = replace(outer, env={**inner, **outer.env})
        try:
            merged: Model = {}
            for path in paths:
                part = self.source(read_text(path, place, self.read), path, folder._replace(path=start))
                model = self.model(part, (*above, os.path.abspath(source.place.file)))
                merged = merge_spec(merged, model, part.marks)
            settle_builds(merged, start)
            return merged
        finally:
            self.scope = outer

    def _add_included(self, model: Model, included: Model, source: Source) -> None:
        for section, items in included.items():
            own = model.setdefault(section, {})
            for name, item in items.items():
                if own.setdefault(name, item) != item:
                    raise (source.place / section / name).error(
                        "an included file defines it differently", "", "rename one, or override it in a further file"
                    )


def _remove(data: t.Any, path: tuple[Key, ...]) -> None:
    """Take a value out of the file: what is reset may hold anything, and counts for nothing."""
    *parents, last = path or ("",)
    for key in parents:
        data = data.get(key) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(last, None)


def settle_builds(model: Model, start: str) -> None:
    """Give builds that name no context, in none of the files, the directory of their stack."""
    for service in model.get("services", {}).values():
        if "build" in service:
            service["build"].setdefault("context", start)


def _take_builds(data: Model) -> Model:
    """The ``build`` of each service, taken out as it is written: who only deploys needs not give its variables."""
    services = data.get("services")
    found = services.items() if isinstance(services, dict) else ()
    return {name: service.pop("build") for name, service in found if isinstance(service, dict) and "build" in service}


def _version(data: Model, place: Place, spec: bool) -> str | None:
    """The version of the format that the file follows; None for a Compose Spec file."""
    version = data.get("version")
    if version is not None and not isinstance(version, str):
        cure = f'put it in quotes, or remove it: version: "{LATEST}"'
        raise (place / "version").error(f"found {version!r}", "text", cure)
    if not version or spec:
        return None
    known = re.fullmatch(r"3(?:\.([0-9]{1,2}))?", version)
    if not known or int(known[1] or 0) > int(LATEST.partition(".")[2]):
        raise (place / "version").error(f"found {version!r}", f'"3" to "{LATEST}", or no version')
    return LATEST if version == "3" else version


def _words(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
