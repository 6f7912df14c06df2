# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of stack files: which form of it holds for a file, and errors in words."""

from __future__ import annotations

import difflib
import functools
import json
import re
import typing as t
from pathlib import Path

from ...module_utils.redact import redact
from .errors import ComposeError, Place
from .units import duration_ns, nano_cpus, size_bytes

if t.TYPE_CHECKING:
    import jsonschema

Schema = dict[str, t.Any]
LATEST = "3.13"
_SOURCE = Path(__file__).parent.parent / "schemas" / "stack.json"
_FORMATS: dict[str, t.Callable[[str], object]] = {"duration": duration_ns, "bytes": size_bytes, "cpus": nano_cpus}
_TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "a boolean",
          "array": "a list", "object": "a mapping", "null": "nothing"}  # fmt: skip
_SWARM_WAY = {
    "mem_limit": "deploy.resources.limits.memory", "memswap_limit": "deploy.resources.limits.memory",
    "mem_reservation": "deploy.resources.reservations.memory", "cpus": "deploy.resources.limits.cpus",
    "cpu_shares": "deploy.resources.reservations.cpus", "cpu_quota": "deploy.resources.limits.cpus",
    "cpuset": "deploy.resources.limits.cpus", "pids_limit": "deploy.resources.limits.pids",
    "volume_driver": "driver in the top-level volumes", "volumes_from": "a named volume in both services",
}  # fmt: skip


@functools.cache
def schema_for(version: str | None) -> Schema:
    """The schema for a version of the format, or with None for Compose Spec files. References are filled in."""
    source = json.loads(_SOURCE.read_text())
    return t.cast(Schema, _prune(source, source["$defs"], version))


def child(schema: Schema | None, key: str | int) -> Schema | None:
    """The schema of one item or value inside a value of this schema; None where anything goes."""
    if schema is None:
        return None
    if isinstance(key, int):
        found = schema.get("items")
    else:
        found = schema.get("properties", {}).get(key)
        if found is None:
            found = next((s for pattern, s in schema.get("patternProperties", {}).items() if re.search(pattern, key)), None)
        if found is None:
            found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def types(schema: Schema | None) -> tuple[str, ...]:
    kind = (schema or {}).get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def uses_spec(data: t.Any) -> bool:
    """Whether the file holds something that only Compose Spec files may hold."""
    return _uses_spec(data, schema_for(None))


def validate(data: t.Any, place: Place, version: str | None) -> None:
    """Raise ComposeError for the first thing in the file that the schema does not allow; ``others`` has the rest."""
    found = [each for error in _validator(version).iter_errors(data) for each in _explain_all(error, place, version)]
    errors = sorted(found, key=lambda error: (error.line or 0, error.path))
    if errors:
        errors[0].others = tuple(errors[1:])
        raise errors[0]


@functools.cache
def _validator(version: str | None) -> jsonschema.Draft202012Validator:
    try:
        import jsonschema
    except ImportError as error:
        cure = "install the Python package jsonschema on the controller"
        raise ComposeError(f"stack files can't be validated ({error})", cure=cure) from None
    checker = jsonschema.FormatChecker(formats=())
    for name, convert in _FORMATS.items():
        checker.checks(name, raises=ValueError)(_check(convert))
    return jsonschema.Draft202012Validator(schema_for(version), format_checker=checker)


def _prune(schema: t.Any, defs: Schema, version: str | None) -> t.Any:
    if isinstance(schema, list):
        return [_prune(item, defs, version) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**defs[schema["$ref"].rpartition("/")[2]], **schema}
        del schema["$ref"]
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "patternProperties"):
            result[keyword] = {name: _prune(sub, defs, version) for name, sub in value.items() if _allowed(sub, version)}
        elif keyword != "$defs":
            result[keyword] = _prune(value, defs, version)
    if "type" in schema:
        since = schema.get("x-since-type", {})
        extra = tuple(schema.get("x-spec-type", ())) if version is None else ()
        result["type"] = [name for name in (*types(schema), *extra) if _reached(since.get(name), version)]
    return result


def _allowed(schema: Schema, version: str | None) -> bool:
    return not (schema.get("x-spec") and version) and _reached(schema.get("x-since"), version)


def _reached(since: str | None, version: str | None) -> bool:
    return since is None or version is None or _number(since) <= _number(version)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _uses_spec(data: t.Any, schema: Schema | None) -> bool:
    if schema is None:
        return False
    if schema.get("x-spec") or (_kind(data) in schema.get("x-spec-type", ()) and isinstance(data, (dict, list))):
        return True
    items: t.Iterable[tuple[t.Any, t.Any]] = ()
    if isinstance(data, dict):
        items = ((key, value) for key, value in data.items() if not key.startswith("x-"))
    elif isinstance(data, list):
        items = enumerate(data)
    return any(_uses_spec(value, child(schema, key)) for key, value in items)


def _kind(value: t.Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _explain_all(error: jsonschema.ValidationError, place: Place, version: str | None) -> t.Iterator[ComposeError]:
    """One error, but one for each key that is unknown."""
    if error.validator != "additionalProperties":
        yield _explain(error, place, version)
        return
    for key in error.absolute_path:
        place /= key
    schema, found = t.cast(Schema, error.schema), t.cast(Schema, error.instance)
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key in found:
        if key not in known and not any(re.search(pattern, key) for pattern in patterns):
            yield _unknown_key(key, schema, place, version)


def _explain(error: jsonschema.ValidationError, place: Place, version: str | None) -> ComposeError:
    for key in error.absolute_path:
        place /= key
    schema, keyword, found = t.cast(Schema, error.schema), error.validator, t.cast(t.Any, error.instance)
    if keyword == "type":
        return _wrong_type(found, types(schema), place)
    if keyword == "required":
        missing = next(key for key in schema["required"] if key not in found)
        return place.error(f"has no {missing}", f"{missing}: ...")
    if keyword == "uniqueItems":
        pairs = ((i, j) for j, b in enumerate(found) for i, a in enumerate(found[:j]) if a == b)
        first, second = next(pairs, (0, 1))
        return place.error(f"items {first} and {second} are equal", "each item once", "remove one of them")
    if keyword == "format":
        try:
            _FORMATS[schema["format"]](found)
        except ValueError as reason:
            return place.error(f"found {found!r}", str(reason))
    if keyword == "enum":
        return place.error(f"found {found!r}", f"one of {', '.join(filter(None, schema['enum']))}")
    return place.error(error.message)


def _wrong_type(value: t.Any, wanted: tuple[str, ...], place: Place) -> ComposeError:
    kind = _kind(value)
    scalar = kind in ("string", "integer", "number", "boolean")
    hidden = "content" in place.path or redact(".".join(map(str, place.path)), str(value)) != str(value)
    shown = f" {json.dumps(value)[:60]}" if scalar and not hidden else ""
    cure = ""
    if kind == "string" and re.fullmatch("[0-9.]+|true|false", value) and not {"object", "array"} & set(wanted):
        cure = "write it without quotes"
    elif scalar and "string" in wanted:
        cure = "put the value in quotes"
    elif kind == "null":
        cure = "remove the key or give it a value"
    return place.error(f"found {_TYPES[kind]}{shown}", " or ".join(_TYPES[name] for name in wanted), cure)


def _unknown_key(key: str, schema: Schema, place: Place, version: str | None) -> ComposeError:
    known = schema.get("properties", {})
    whole = functools.reduce(child, place.path, t.cast("Schema | None", schema_for(None)))
    place /= key
    if not known:
        return place.error(f"{key!r} is not a valid name", "letters, digits, '.', '_' and '-'")
    since = (child(whole, key) or {}).get("x-since")
    if since and version:
        return place.error(f"not in version {version} of the format", "", f'write version: "{since}" or later, or no version')
    if key in _SWARM_WAY:
        return place.error("Swarm does not have this key", "", f"use {_SWARM_WAY[key]}")
    near = difflib.get_close_matches(key, known, 1)
    some = f"one of {', '.join(sorted(known))}" if len(known) <= 20 else "a key of the Compose file reference"
    return place.error("there is no such key", near[0] if near else some)


def _check(convert: t.Callable[[str], object]) -> t.Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            convert(value)
        return True

    return check
