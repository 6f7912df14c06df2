# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the docker CLI reads it, with the line of every value.

PyYAML only splits the text into events. What they mean is decided here, since its own constructors follow YAML 1.1
(``yes`` is true, ``22:22`` is a number, the last of two equal keys wins) and the CLI does not.
"""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass, field

import yaml

from .errors import ComposeError, Key, Place
from .scalars import plain

_DEPTH = 100
_VALUES = 500_000
_PREFIX = "tag:yaml.org,2002:"
_MERGE = object()
_CURES = {
    "cannot start any token": "indent with blanks, not with tabs, and put text that begins with @, ` or % in quotes",
    "could not find expected ':'": "write key: value, and indent what belongs to a key",
    "mapping values are not allowed": "put text with a colon in quotes, and indent what belongs to a key",
}
_PARSER: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[Key, ...]


@dataclass
class Document:
    """One file as plain data. ``marks`` are the paths tagged ``!reset`` or ``!override``."""

    data: t.Any
    place: Place
    marks: dict[Path, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Node:
    kind: str
    tag: str | None
    line: int
    value: t.Any
    plain: bool = False


def read_yaml(text: str, file: str) -> Document:
    """The first document in the text; raises ComposeError with the line for everything that is not sound YAML."""
    try:
        composer = _Composer(text, file)
        root = composer.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        cure = next((cure for part, cure in _CURES.items() if part in reason), "")
        raise ComposeError(f"not valid YAML: {reason}", cure=cure, file=file, line=mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise ComposeError(f"not valid YAML: {str(error).splitlines()[0]}", file=file) from None
    document = Document(None, Place(file, lines={}))
    if root is not None:
        document.data = _Builder(document).build(root, (), set())
        if composer.has_more():
            document.warnings.append(f"{file}: only the first document in it is read; give the others as files")
    return document


class _Composer:
    """Events to nodes, anchors resolved. Our own, so that depth has a limit and a key may be looked at twice."""

    def __init__(self, text: str, file: str) -> None:
        # The C parser refuses subclasses of str, such as Ansible's own.
        self.events = iter(yaml.parse(str.__str__(text), Loader=_PARSER))
        self.file = file
        self.anchors: dict[str, _Node] = {}

    def document(self) -> _Node | None:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self.node(next(self.events), 0)
        return None

    def has_more(self) -> bool:
        """Whether another document follows. What follows need not be sound, for nobody reads it."""
        try:
            return any(isinstance(event, yaml.DocumentStartEvent) for event in self.events)
        except yaml.YAMLError:
            return True

    def node(self, event: t.Any, depth: int) -> _Node:
        line = event.start_mark.line + 1
        if depth > _DEPTH:
            raise ComposeError(f"nested more than {_DEPTH} levels deep", file=self.file, line=line)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise ComposeError(f"alias *{event.anchor} has no anchor &{event.anchor} before it", file=self.file, line=line)
            return self.anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = _Node("scalar", event.tag, line, event.value, plain=event.style in (None, ""))
        else:
            node = _Node("mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence", event.tag, line, [])
        if event.anchor:
            self.anchors[event.anchor] = node
        if node.kind == "sequence":
            node.value.extend(self.node(event, depth + 1) for event in self.until(yaml.SequenceEndEvent))
        elif node.kind == "mapping":
            for event in self.until(yaml.MappingEndEvent):
                node.value.append((self.node(event, depth + 1), self.node(next(self.events), depth + 1)))
        return node

    def until(self, end: type[yaml.Event]) -> t.Iterator[yaml.Event]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event


class _Builder:
    """Nodes to plain data."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.lines = t.cast("dict[Path, int]", document.place.lines)
        self.left = _VALUES

    def error(self, node: _Node, path: Path, found: str, expected: str = "", cure: str = "") -> ComposeError:
        file = self.document.place.file
        return ComposeError(found, expected=expected, cure=cure, file=file, path=".".join(map(str, path)), line=node.line)

    def build(self, node: _Node, path: Path, above: set[int]) -> t.Any:
        self.left -= 1
        if self.left < 0:
            raise self.error(node, path, f"more than {_VALUES} values once the aliases are filled in")
        if id(node) in above:
            raise self.error(node, path, "an alias stands inside its own anchor")
        self.lines[path] = node.line
        if node.tag in ("!reset", "!override"):
            self.document.marks[path] = node.tag[1:]
        elif node.tag and not node.tag.startswith(_PREFIX) and node.tag != "!":
            self.document.warnings.append(f"{self.document.place.file}:{node.line}: the tag {node.tag} means nothing here")
        if node.kind == "scalar":
            value = self.scalar(node, path)
            return "<<" if value is _MERGE else value
        if node.kind == "sequence":
            return [self.build(child, (*path, index), above | {id(node)}) for index, child in enumerate(node.value)]
        return self.mapping(node, path, above)

    def mapping(self, node: _Node, path: Path, above: set[int]) -> dict[str, t.Any]:
        seen: dict[str, int] = {}
        merges: list[_Node] = []
        own: list[tuple[str, _Node, _Node]] = []
        for key_node, value_node in node.value:
            key = self.key(key_node, path)
            text = "<<" if key is _MERGE else key
            if text in seen:
                cure = "write one list: <<: [*first, *second]" if key is _MERGE else "keep one of the two"
                raise self.error(key_node, path, f"key {text!r} is already there, on line {seen[text]}", cure=cure)
            seen[text] = key_node.line
            if key is _MERGE:
                merges = value_node.value if value_node.kind == "sequence" else [value_node]
            else:
                own.append((key, key_node, value_node))
        result: dict[str, t.Any] = {}
        inside = above | {id(node)}
        for merge in reversed(merges):
            if merge.kind != "mapping":
                raise self.error(merge, path, "<< is given something else", "a mapping or a list of mappings")
            result.update(self.build(merge, path, inside))
        for key, key_node, value_node in own:
            result[key] = self.build(value_node, (*path, key), inside)
            self.lines[(*path, key)] = key_node.line
        self.lines[path] = node.line
        return result

    def key(self, node: _Node, path: Path) -> t.Any:
        if node.kind != "scalar":
            raise self.error(node, path, f"a {node.kind} is used as a key", "text", "put it in quotes; {{ }} needs them too")
        key = self.scalar(node, path)
        if key is not _MERGE and not isinstance(key, str):
            raise self.error(node, path, f"the key {node.value or 'null'!s} is not text", "text", f'write "{node.value}"')
        return key

    def scalar(self, node: _Node, path: Path) -> t.Any:
        tag = node.tag.removeprefix(_PREFIX) if node.tag else None
        if node.value == "<<" and (tag == "merge" or (node.plain and tag in (None, "!"))):
            return _MERGE
        if tag is None:
            return plain(node.value) if node.plain else node.value
        if tag == "binary":
            try:
                return base64.b64decode(node.value, validate=False).decode()
            except (binascii.Error, UnicodeError):
                raise self.error(node, path, "!!binary holds no base64 of a text") from None
        if tag in ("int", "float", "bool", "null"):
            value: t.Any = plain(node.value)
            kinds: dict[str, tuple[type, ...]] = {
                "int": (int,),
                "float": (int, float),
                "bool": (bool,),
                "null": (type(None),),
            }
            if not isinstance(value, kinds[tag]) or (isinstance(value, bool) and tag != "bool"):
                raise self.error(node, path, f"!!{tag} is given {node.value!r}")
            return float(t.cast(float, value)) if tag == "float" else value
        if tag in ("!", "timestamp", "!reset", "!override"):
            return plain(node.value) if node.plain else node.value
        return node.value
