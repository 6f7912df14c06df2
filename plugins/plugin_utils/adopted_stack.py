# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack that runs, as the files of its own: a stack file, what its configs hold, and the values that look secret, apart. Pure.

What the file can't say stands in it as a comment. It is found by the plan of the file itself, so that nothing is left out.
"""

from __future__ import annotations

import base64
import re
import textwrap
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ..module_utils._core.service.naming import Item, item_name, own, salt_of
from ..module_utils._core.service.spec import ServiceSpec
from ..module_utils._core.stack.convert import convert
from ..module_utils._core.stack.planning import Options, plan_present
from ..module_utils._core.stack.reconstruct import Pools, former_versions, reconstruct, reconstruct_service, specs_of
from ..module_utils._core.stack.swarm_objects import SwarmObjects
from ..module_utils.errors import FlotillaError
from ..module_utils.plan import Change, Plan, render_changes
from ..module_utils.redact import redact
from .compose.load import LoadedStack, load_stack
from .compose.render import as_file, dump
from .compose.scalars import Octal

Json = dict[str, t.Any]
_NO_SIGN = re.compile(r"[^A-Za-z0-9]+")
_SECTIONS = ("networks", "volumes", "secrets", "configs")
_ALL_BUT_SECRETS = ("*",)


@dataclass(frozen=True)
class AdoptedStack:
    """``files`` are by their path below the folder of the stack; ``variables`` are the values that look secret, by their names in the file.

    ``remarks`` say what of the swarm the file can't say. Where ``problem`` says why the file can't be deployed as it is, it is not to be
    declared. ``stands_apart``: it is a proposal for a service of no stack.
    """

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    remarks: tuple[str, ...] = ()
    problem: str = ""
    keep_versions: int = 1
    stands_apart: bool = False


def adopt_stack(stack: str, observed: SwarmObjects, pools: Pools) -> AdoptedStack:
    """The files of a stack of the swarm, with what their plan would change as comments."""
    return _complete(stack, observed, reconstruct(stack, observed, pools))


def adopt_service(service: Item, observed: SwarmObjects, pools: Pools) -> AdoptedStack:
    """The files of a stack that would run such a service, which belongs to none."""
    name = item_name(service)
    draft = _Draft(reconstruct_service(service, observed, pools))
    why = f"Service {name} belongs to no stack, and a stack makes services of its own. Deployed, this one is called {name}_{name}."
    try:
        draft.load()
        problem = ""
    except FlotillaError as error:
        problem = str(error)
    remarks = [f"The file does not load: {problem}"] if problem else []
    if not ServiceSpec(service["Spec"]).networks:
        remarks.append("It is on no network. A service of a stack is on the network default of the stack at least.")
    text = draft.text({"": [why, "Remove the other one first."], name: remarks})
    return AdoptedStack(name, draft.files(text), draft.variables, tuple(remarks), problem, stands_apart=True)


def _complete(stack: str, observed: SwarmObjects, model: Json) -> AdoptedStack:
    draft, versions = _Draft(model), max(former_versions(stack, observed), 1)
    comments: dict[str, list[str]] = {}
    for name in specs_of(own(stack, observed.services)):
        if name not in {f"{stack}_{key}" for key in model["services"]}:
            comments.setdefault("", []).append(f"Service {name} has the label of this stack and no name of it: a stack file can't name it.")
    for service in own(stack, observed.services):
        if not ServiceSpec(service["Spec"]).container:
            comments.setdefault("", []).append(f"Service {item_name(service)} runs no image: a stack file can't say what it runs.")
    try:
        planned = plan_of(stack, draft.load(), observed, versions)
    except FlotillaError as error:
        problem = str(error)
        text = draft.text({**comments, "": [*comments.get("", ()), f"This file can't be deployed: {problem}"]})
        return AdoptedStack(stack, draft.files(text), draft.variables, _listed(stack, comments), problem, versions)
    for change in planned.changes:
        key = change.name.removeprefix(f"{stack}_")
        at = key if change.kind == "service" and key in model["services"] else ""
        comments.setdefault(at, []).extend(_told(change))
    return AdoptedStack(stack, draft.files(draft.text(comments)), draft.variables, _listed(stack, comments), keep_versions=versions)


def plan_of(stack: str, loaded: LoadedStack, observed: SwarmObjects, keep_versions: int = 1) -> Plan:
    """The plan by which a stack would become as its file says. Raises FlotillaError."""
    salt = salt_of([*own(stack, observed.secrets), *own(stack, observed.configs)], lambda: "")
    wanted = convert(stack, loaded.model, content_names=True, salt=salt)
    return plan_present(stack, wanted, observed, Options(keep_versions=keep_versions, resolve_image="never"))


def _told(change: Change) -> list[str]:
    head, *lines = render_changes([replace(change, cost="nothing").as_result()])
    return ["The plan of this file would change what runs, since a stack file can't say it:", f"  {head}", *(f"  {line}" for line in lines)]


def _listed(stack: str, comments: Mapping[str, t.Sequence[str]]) -> tuple[str, ...]:
    return tuple(f"stack {stack}: {f'{key}: ' if key else ''}{line}" for key, lines in comments.items() for line in lines)


class _Draft:
    """A model as a file, with the values that look secret as variables."""

    def __init__(self, model: Json) -> None:
        self._contents = {
            f"configs/{key}": base64.b64decode(item["content"]) for key, item in model.get("configs", {}).items() if "content" in item
        }
        environments = [service.get("environment", {}) for service in model["services"].values()]
        # A variable without a value would get that of one of ours.
        self._bare = {name for given in environments for name, value in given.items() if value is None}
        self.variables: dict[str, str] = {}
        file = as_file({section: model.get(section, {}) for section in ("services", *_SECTIONS)})
        for key, item in file.get("configs", {}).items():
            if "content" in item:
                file["configs"][key] = {("file" if name == "content" else name): value for name, value in item.items()}
                file["configs"][key]["file"] = f"./configs/{key}"
        for service in file.get("services", {}).values():
            _write_modes(service)
        self._file = {
            section: {key: self._sealed(item, redact("", item, _ALL_BUT_SECRETS), (key,)) for key, item in items.items()}
            for section, items in file.items()
        }

    def _sealed(self, value: t.Any, shown: t.Any, path: tuple[str, ...]) -> t.Any:
        """With a variable in the place of each text that may not be shown."""
        if isinstance(value, dict):
            return {key: self._sealed(item, shown[key], (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list) and isinstance(shown, list):
            pairs = zip(value, shown, strict=True)
            return [self._sealed(item, told, (*path, str(index))) for index, (item, told) in enumerate(pairs)]
        if not isinstance(value, str):
            return value
        return value.replace("$", "$$") if value == shown else f"${{{self._variable(path, value)}}}"

    def _variable(self, path: tuple[str, ...], value: str) -> str:
        words = [path[0], *(word for word in path[1:] if word not in ("environment", "labels", "driver_opts", "deploy", "options"))]
        name = _NO_SIGN.sub("_", "_".join(words)).strip("_").upper()
        name = f"V_{name}" if not name or name[0].isdigit() else name
        while name in self._bare or self.variables.get(name, value) != value:
            name += "_"
        self.variables[name] = value
        return name

    def text(self, comments: Mapping[str, t.Sequence[str]]) -> str:
        """The file, with comments above the services, and under an empty key above all."""
        parts = [*map(_comment, comments.get("", ())), "services:\n"]
        for key, service in self._file.get("services", {}).items():
            parts += [textwrap.indent(_comment(line), "  ") for line in comments.get(key, ())]
            parts.append(textwrap.indent(dump({key: service}), "  "))
        rest = {section: self._file[section] for section in _SECTIONS if self._file.get(section)}
        return "".join([*parts, dump(rest) if rest else ""])

    def files(self, text: str) -> dict[str, bytes]:
        return {"stack.yml": text.encode(), **self._contents}

    def load(self) -> LoadedStack:
        """What the stack file says. Raises FlotillaError."""
        files = {f"/{name}": data for name, data in self.files(self.text({})).items()}
        return load_stack(["/stack.yml"], env=self.variables, read=lambda path: files[str(PurePosixPath(path))])


def _write_modes(service: Json) -> None:
    """The modes of files as people write them."""
    for item in (*service.get("secrets", ()), *service.get("configs", ()), *(each.get("tmpfs", {}) for each in service.get("volumes", ()))):
        if "mode" in item:
            item["mode"] = Octal(item["mode"])


def _comment(line: str) -> str:
    return textwrap.indent("\n".join(textwrap.wrap(line, 110, subsequent_indent="  ") or [""]), "# ", lambda _line: True) + "\n"
