# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of ``stack`` to the loaded stack: finds the files on the controller."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ..module_utils._core.service.naming import Names
from ..module_utils.errors import PlanError
from .compose.load import LoadedStack, load_stack
from .controller_files import ControllerFiles

Template = t.Callable[[str], t.Any]
Options = t.Mapping[str, t.Any]


def directories(playbook: str) -> list[Path]:
    """Where relative paths may start: at the playbook, beside a directory of playbooks, or where Ansible was started."""
    folder = Path(playbook).resolve()
    above = [folder.parent] if folder.name == "playbooks" else []
    return list(dict.fromkeys([folder, *above, Path.cwd()]))


def load_model(
    options: Options,
    places: t.Sequence[Path],
    template: Template | None = None,
    secrets: t.Sequence[t.Any] = (),
    builds: bool = False,
    absent: t.Collection[str] = (),
) -> LoadedStack:
    """Load what the options of ``stack`` name; those that are absent have the module's defaults.

    ``template`` turns the text of a stack file into text before it is read, and ``secrets`` open what ansible-vault encrypted.
    With ``builds`` the services' ``build`` is read as well. ``absent`` are files that count as there, with an empty line in them.
    Raises FlotillaError.
    """
    files = [str(find_file(name, places)) for name in _list(options.get("files"))]
    if bool(files) == (options.get("content") is not None):
        raise PlanError(f"stack {options.get('name', '')}: found {'both' if files else 'neither'}, expected either files or content.")
    content = options.get("content")
    below = options.get("files_below")
    disk = ControllerFiles(secrets, str(_find_directory(below, places)) if below else None)

    def read(path: str) -> bytes:
        raw = b"\n" if path in absent else disk.read(path)
        return str(template(raw.decode("utf-8-sig"))).encode() if template and path in files else raw

    return load_stack(
        files,
        content=content if content is None or isinstance(content, str) else json.dumps(content),
        project_dir=None if files else str(places[0]),
        bind_dir=_bind_dir(options),
        env={str(name): _text(value) for name, value in (options.get("env") or {}).items() if value is not None},
        env_files=[str(find_file(name, places)) for name in _list(options.get("env_files"))],
        undefined=options.get("undefined") or "error",
        optional_variables=_list(options.get("optional_variables")),
        unsupported=options.get("unsupported") or "warn",
        silence=_list(options.get("silence")),
        profiles=_list(options.get("profiles")),
        device_kinds=options.get("device_kinds") or {},
        builds=builds,
        read=read,
    )


def _bind_dir(options: Options) -> str | None:
    found = str(options.get("project_dir") or "")
    if found and not found.startswith("/"):
        raise PlanError(f"stack {options.get('name', '')}: project_dir is {found!r}, expected an absolute path of the nodes.")
    return found or None


def bind_sources(model: t.Mapping[str, t.Any]) -> set[str]:
    """Paths on the nodes that services mount. One with a template of the engine differs from node to node and is left out."""
    return {
        mount["source"]
        for service in model.get("services", {}).values()
        for mount in service.get("volumes") or []
        if mount.get("type") == "bind" and "{{" not in mount.get("source", "{{")
    }


def optioned_volumes(stack: str, model: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """The volumes of a stack with a driver or options of their own, in the form that ``volume`` takes."""
    own = {key: volume for key, volume in model.get("volumes", {}).items() if not volume.get("external")}
    found = [
        {"name": Names(stack).of(key, volume), "driver": volume.get("driver") or "local", "options": volume.get("driver_opts") or {}}
        for key, volume in own.items()
        if volume.get("driver") or volume.get("driver_opts")
    ]
    return [volume for volume in found if "{{" not in volume["name"]]


def find_file(name: str, places: t.Sequence[Path]) -> Path:
    """The first file of this name below the places. Raises PlanError naming every path looked at."""
    paths = list(dict.fromkeys(place / Path(name).expanduser() for place in places))
    found = next((path for path in paths if path.is_file()), None) or next((path for path in paths if path.exists()), None)
    if found:
        return found
    raise PlanError(f"file {name} was not found", f"Looked for {', '.join(map(str, paths))}.")


def _find_directory(name: str, places: t.Sequence[Path]) -> Path:
    paths = list(dict.fromkeys(place / Path(name).expanduser() for place in places))
    for path in paths:
        if path.is_dir():
            return path
    raise PlanError(f"files_below: directory {name} was not found", f"Looked for {', '.join(map(str, paths))}.")


def _list(value: t.Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value or []]


def _text(value: t.Any) -> str:
    """A variable's value as a person writes it: true rather than Python's True."""
    return json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)
