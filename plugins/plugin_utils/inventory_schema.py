# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of an inventory's variables (``make schema``): which names there are, and what is wrong with a value, in words."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ..module_utils.redact import looks_secret

if t.TYPE_CHECKING:
    import jsonschema

Schema = t.Mapping[str, t.Any]
Path_ = tuple[str | int, ...]
_SOURCE = Path(__file__).parent / "schemas" / "inventory.json"
_WORDS = {
    "bool": "true or false",
    "boolean": "true or false",
    "bytes": "a size such as 512M",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "integer": "a whole number",
    "list": "a list",
    "array": "a list",
    "object": "a mapping",
    "path": "a path",
    "str": "text",
    "string": "text",
}
_SHOWN = 60
_NEAR = 0.77
"""How alike a word and what was probably meant are at least, from 0 to 1."""


@dataclass(frozen=True)
class Wrong:
    """``path`` leads into the value of the variable ``name``; ``text`` says what is there, ``cure`` what was expected."""

    name: str
    path: Path_
    text: str
    cure: str


@functools.cache
def load_schema() -> Schema:
    return t.cast(Schema, json.loads(_SOURCE.read_text()))


def known_names() -> t.Mapping[str, Schema]:
    """The variables that roles and playbooks read."""
    return t.cast("t.Mapping[str, Schema]", load_schema()["properties"])


@functools.cache
def role_of(name: str) -> str:
    """The role whose name a variable's name begins with, else an empty text."""
    return max((role for role in load_schema()["x-roles"] if name.startswith(f"{role}_")), key=len, default="")


def is_unknown(name: str, own: t.Collection[str] = ()) -> bool:
    """Whether a name looks like a variable of a role and is none; ``own`` are patterns for names that are the user's."""
    if name in known_names() or name in load_schema()["x-later"] or name.startswith(("__", "ansible_")):
        return False
    return not any(fnmatch.fnmatchcase(name, pattern) for pattern in own) and bool(role_of(name) or _slip(name, known_names()))


def nearest(name: str) -> str:
    """The variable that was probably meant, or an empty text."""
    role = role_of(name)
    if role:
        own = {known.removeprefix(f"{role}_"): known for known in known_names() if role_of(known) == role}
        near = difflib.get_close_matches(name.removeprefix(f"{role}_"), own, 1, _NEAR)
        if near:
            return own[near[0]]
    return _slip(name, known_names())


def _slip(name: str, known: t.Iterable[str]) -> str:
    """The name that differs in one letter, or in two that changed places."""
    return next((each for each in known if _is_slip(name, each)), "")


def _is_slip(name: str, known: str) -> bool:
    if abs(len(name) - len(known)) > 1 or name == known:
        return False
    start = next((at for at, (a, b) in enumerate(zip(name, known, strict=False)) if a != b), min(len(name), len(known)))
    rest, other = name[start:], known[start:]
    return rest[1:] == other or rest == other[1:] or rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])


def split(text: str) -> list[str]:
    """The items of a text with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def converted(name: str, value: t.Any) -> t.Any:
    """The value as Ansible converts it for a role: a list from a text with commas, a mapping from a text of JSON."""
    kind = known_names().get(name, {}).get("x-type")
    if kind in ("list", "dict") and isinstance(value, str) and not value.strip():  # the answer of a survey that nobody gave
        return [] if kind == "list" else {}
    if kind == "list" and isinstance(value, str) and value.strip()[:1] not in ("[", "{"):
        return split(value)
    if kind in ("list", "dict") and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def find_wrong(name: str, value: t.Any, shown: bool) -> list[Wrong]:
    """All that is wrong with the value of a known variable. ``shown`` tells whether messages may show it."""
    value = converted(name, value)
    found = [wrong for error in _validator(name).iter_errors(value) for wrong in _explain(error, name, (), shown)]
    return [each for each in found if not _is_echo(each, found)]


def _is_echo(wrong: Wrong, found: list[Wrong]) -> bool:
    """A key that is missing because it is misspelt is told once."""
    return any(
        wrong.cure.startswith("Add it") and other.path[:-1] == wrong.path[:-1] and other.cure == f"Write {wrong.path[-1]}"
        for other in found
    )


@functools.cache
def _validator(name: str) -> jsonschema.Draft7Validator:
    import jsonschema

    return jsonschema.Draft7Validator(known_names()[name])


def _explain(error: jsonschema.ValidationError, name: str, above: Path_, shown: bool) -> t.Iterator[Wrong]:
    path: Path_ = (*above, *error.relative_path)
    schema, value = t.cast(Schema, error.schema), t.cast(t.Any, error.instance)
    keyword = error.validator
    if keyword == "additionalProperties":
        for key in value:
            if key not in schema.get("properties", {}):
                yield _unknown_key(name, path, key, schema)
    elif keyword == "required":
        for key in schema["required"]:
            if key not in value:
                told = schema["properties"][key].get("description", "").partition(".")[0]
                yield Wrong(name, (*path, key), "is missing", f"Add it: {told[:1].lower()}{told[1:]}" if told else "Add it")
    elif keyword == "not":
        pair = schema["not"]["required"] if "not" in schema else []
        yield Wrong(name, path, f"has both {' and '.join(pair)}", "Keep one of them")
    elif keyword == "anyOf":
        yield from _explain_choice(error, name, path, shown)
    elif keyword in ("type", "pattern", "minimum", "maximum", "enum"):
        yield _wrong_value(name, path, value, schema, shown)
    else:
        yield Wrong(name, path, "is not valid", "See the role's README")


def _explain_choice(error: jsonschema.ValidationError, name: str, path: Path_, shown: bool) -> t.Iterator[Wrong]:
    """The first alternative is what is wanted; the others are a template, or nothing."""
    first = t.cast(Schema, error.schema)["anyOf"][0]
    inner = [each for each in error.context or () if each.schema_path[0] == 0]
    if any(each.relative_path or each.validator == "additionalProperties" for each in inner):
        for each in inner:
            yield from _explain(each, name, path, shown)
    else:
        yield _wrong_value(name, path, error.instance, {**t.cast(Schema, error.schema), **first}, shown)


def _unknown_key(name: str, path: Path_, key: str, schema: Schema) -> Wrong:
    known = list(schema.get("properties", {}))
    near = difflib.get_close_matches(key, known, 1, _NEAR)
    return Wrong(name, (*path, key), "is not a known key", f"Write {near[0]}" if near else f"Known are {_listed(known)}")


def _wrong_value(name: str, path: Path_, value: t.Any, schema: Schema, shown: bool) -> Wrong:
    secret = schema.get("x-secret") or any(looks_secret(str(key)) for key in (name, *path))
    expected = _expected(schema)
    if value is None:
        return Wrong(name, path, "has no value", f"Expected {expected}; or remove it")
    if isinstance(value, (dict, list)):
        return Wrong(name, path, "is a mapping" if isinstance(value, dict) else "is a list", f"Expected {expected}")
    if not shown or secret:
        kind = "a text" if isinstance(value, str) else "a number" if not isinstance(value, bool) else "true or false"
        return Wrong(name, path, f"is {kind}, which is not shown", f"Expected {expected}")
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'"
    near = difflib.get_close_matches(value, [each for each in schema.get("enum", ()) if each], 1, _NEAR) if isinstance(value, str) else []
    return Wrong(name, path, f"is {text[:_SHOWN]}", f"Write {near[0]}; expected {expected}" if near else f"Expected {expected}")


def _expected(schema: Schema) -> str:
    if "enum" in schema:
        return _listed([each for each in schema["enum"] if each != ""], "or")
    kind = schema.get("x-type") or schema.get("type")
    kind = next((each for each in kind if each != "null"), "string") if isinstance(kind, list) else kind
    return _WORDS.get(str(kind), "another kind of value")


def _listed(names: t.Sequence[t.Any], word: str = "and") -> str:
    texts = [str(name) for name in names]
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def written(name: str, path: Path_) -> str:
    """``networks_present[0].subnet``."""
    return name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
