# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that keeps the files of a stack from being loaded, and the names outside of it that a stack needs. Pure, given the means to load."""

from __future__ import annotations

import itertools
import json
import typing as t
from dataclasses import dataclass, field

from ..module_utils._core.service.constraints import Constraint, parse_constraint
from ..module_utils._core.service.images import registry_of
from ..module_utils._core.service.naming import Names
from ..module_utils.errors import FlotillaError
from .compose.context import MissingFile
from .compose.errors import ComposeError, MissingVariable
from .compose.load import LoadedStack
from .inventory_values import Variable, is_known
from .stack_images import with_name

Load = t.Callable[[t.Mapping[str, str], t.Collection[str]], LoadedStack]
"""Given values of variables, and files that count as there."""
Model = t.Mapping[str, t.Any]
_MOST = 500
SECTIONS = ("networks", "volumes", "secrets", "configs")


@dataclass(frozen=True)
class Declared:
    """A stack that item ``index`` of a variable declares. ``waiting`` are variables of its files that are not known yet.

    ``builds``: its images are built.
    """

    options: t.Mapping[str, t.Any] = field(repr=False)
    waiting: tuple[str, ...] = ()
    variable: Variable | None = None
    index: int = 0
    builds: bool = False

    @property
    def is_deployed(self) -> bool:
        return self.variable is None or self.variable.name == "stacks_present"


@dataclass(frozen=True)
class StackSeen:
    """``unset`` are variables without a value, with the error that tells where; ``models`` are readings with different stand-ins."""

    declared: Declared
    models: tuple[Model, ...] = field(repr=False)
    unset: t.Mapping[str, MissingVariable]
    errors: tuple[FlotillaError, ...] = ()

    @property
    def name(self) -> str:
        return str(self.declared.options["name"])


def see_stack(declared: Declared, load: Load) -> StackSeen:
    """Load a stack as often as it takes to know all its unset variables and missing files.

    With stand-ins it is read twice, with other ones, so that what comes of a stand-in is not the same in both.
    """
    unset: dict[str, MissingVariable] = {}
    readings = [_read(load, declared.waiting, unset, "1")]
    if declared.waiting or unset:
        readings.append(_read(load, declared.waiting, unset, "2"))
    models = tuple(model for model, _errors in readings if model is not None)
    always = set.intersection(*({str(error) for error in errors} for _model, errors in readings))
    return StackSeen(declared, models, unset, tuple(error for error in readings[0][1] if str(error) in always))


def _read(load: Load, waiting: t.Iterable[str], unset: dict[str, MissingVariable], digit: str) -> tuple[Model | None, list[FlotillaError]]:
    """The model if there is one, and what is wrong; ``unset`` grows.

    A digit stands for a variable, or where that is no good, a duration, a size, a subnet or a path; an empty line for a missing file that
    holds data.
    """
    absent: dict[str, FlotillaError] = {}
    forms = [digit, f"{digit}s", f"{digit}g", f"10.{digit}.0.0/24", f"/{digit}"]
    following = dict(itertools.pairwise(forms))
    env = dict.fromkeys((*waiting, *unset), digit)
    for _turn in range(_MOST):
        try:
            return load(env, absent).model, [*absent.values()]
        except MissingFile as error:
            if not error.data or error.data in absent:
                return None, [*absent.values(), error]
            absent[error.data] = error
        except MissingVariable as error:
            unset.setdefault(error.variable, error)
            if error.variable in env:  # an included file may have a variable blank again
                return None, [*absent.values(), error]
            env[error.variable] = digit
        except FlotillaError as error:
            errors = [error, *(error.others if isinstance(error, ComposeError) else ())]
            paths = [each.path for each in errors if isinstance(each, ComposeError)]
            left = {name: unset[name].path if name in unset else "" for name, value in env.items() if value in following}
            doubtful = [name for name, path in left.items() if not path or path in paths]
            doubtful = doubtful or [name for name, path in left.items() if any(path.startswith(f"{each}.") for each in paths)]
            if not doubtful:
                return None, [*absent.values(), *errors]
            env.update((name, following[env[name]]) for name in doubtful)
    return None, []


@dataclass(frozen=True)
class Needs:
    """What a stack takes from elsewhere, by kind: names, each with the services that need it, if they are known."""

    networks: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()
    images: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    registries: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    constraints: t.Mapping[Constraint, t.Sequence[str]] = field(default_factory=dict)
    resources: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)


def needs_of(stack: StackSeen) -> Needs:
    """What every reading of the stack needs, so that no name comes from a stand-in."""
    if not stack.models:
        return Needs()
    sections = {section: frozenset.intersection(*(_external(model, section) for model in stack.models)) for section in SECTIONS}
    return Needs(
        **sections,
        images=_by_service(stack, lambda service: [service.get("image", "")]),
        registries=_by_service(stack, lambda service: [registry_of(service.get("image", ""))]),
        constraints=_by_service(stack, _constraints),
        resources=_by_service(stack, _resources),
    )


def provided_by(stack: StackSeen, section: str) -> frozenset[str]:
    """The names of networks, volumes, secrets or configs that the stack itself makes."""
    return frozenset(
        Names(stack.name).of(key, item)
        for model in stack.models
        for key, item in (model.get(section) or {}).items()
        if not item.get("external")
    )


def networks_of(stack: StackSeen, model: Model, service: Model) -> set[str]:
    """The networks of a service by their names in the swarm."""
    declared, names = model.get("networks") or {}, Names(stack.name)
    return {names.of(key, declared.get(key) or {}) for key in service.get("networks") or ["default"]}


def _external(model: Model, section: str) -> frozenset[str]:
    return frozenset(item["name"] for item in (model.get(section) or {}).values() if item.get("external"))


Key = t.TypeVar("Key", bound=t.Hashable)


def _by_service(stack: StackSeen, read: t.Callable[[Model], t.Iterable[Key]]) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    others = [{name: set(read(service)) for name, service in model["services"].items()} for model in stack.models[1:]]
    for name, service in stack.models[0]["services"].items():
        for key in read(service):
            if all(key in other.get(name, ()) for other in others):
                found.setdefault(key, []).append(f"{stack.name}_{name}")
    return found


def _constraints(service: Model) -> list[Constraint]:
    texts = service.get("deploy", {}).get("placement", {}).get("constraints") or []
    return [found for found in map(parse_constraint, texts) if found]


def _resources(service: Model) -> list[str]:
    reserved = service.get("deploy", {}).get("resources", {}).get("reservations", {})
    specs = [each.get("discrete_resource_spec") or {} for each in reserved.get("generic_resources") or []]
    return [spec["kind"] for spec in specs if spec.get("kind")]


def stacks_of(variables: t.Iterable[Variable], built: t.Sequence[Variable] = ()) -> list[Declared]:
    """The stacks that are declared, each once. One that the schema refuses, or whose files are not known yet, is left out.

    ``built`` are the variables that say which are built: by their names, or as stacks of their own.
    """
    found: dict[str, Declared] = {}
    names = {item for variable in built for item in _items(variable) if isinstance(item, str)}
    for variable in (*variables, *built):
        for index, item in enumerate(_items(variable)):
            stack = with_name(item) if isinstance(item, dict) and variable in built else item
            if not isinstance(stack, dict) or not stack.get("name") or ("files" in stack) == ("content" in stack):
                continue
            env = stack.get("env") or {}
            env = env if isinstance(env, dict) else {}
            waiting = tuple(name for name, value in env.items() if not is_known(value))
            known = {**stack, "env": {name: value for name, value in env.items() if name not in waiting}}
            if is_known(known):
                declared = Declared(known, waiting, variable, index, variable in built or stack["name"] in names)
                found.setdefault(json.dumps([known, declared.is_deployed], sort_keys=True), declared)
    return list(found.values())


def _items(variable: Variable) -> list[t.Any]:
    return variable.value if isinstance(variable.value, list) else []
