# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NFS exports: from structured input to a file, what is unsafe, and mistakes in files of others. Pure."""

from __future__ import annotations

import difflib
import ipaddress
import re
import shlex
import typing as t

from ...errors import PlanError

DEFAULT_OPTIONS = ("rw", "sync", "no_subtree_check")
HEAD = "# Managed by flotilla.swarm.nfs_exports; changes here are lost.\n"

_FLAGS = {
    "ro", "rw", "sync", "async", "secure", "insecure", "root_squash", "no_root_squash", "all_squash", "no_all_squash",
    "subtree_check", "no_subtree_check", "wdelay", "no_wdelay", "hide",
    "nohide", "crossmnt", "no_acl", "acl", "secure_locks", "insecure_locks",
    "auth_nlm", "no_auth_nlm", "pnfs", "no_pnfs", "security_label", "mp", "mountpoint", "fsid=root",
}  # fmt: skip
_VALUED = {"anonuid", "anongid", "fsid", "sec", "xprtsec", "refer", "replicas", "mp", "mountpoint"}
_VALUE = r"[^\s,()\"'#\\]+"
_VALUES = {"anonuid": r"-?\d+", "anongid": r"-?\d+", "sec": r"(sys|none|null|krb5[ip]?)(:(sys|none|null|krb5[ip]?))*"}
_OPPOSITES = (
    ("ro", "rw"),
    ("sync", "async"),
    ("secure", "insecure"),
    ("root_squash", "no_root_squash"),
    ("subtree_check", "no_subtree_check"),
)
_UNSAFE = {
    "no_root_squash": "root on a client is root on the files",
    "anonuid=0": "root on a client is root on the files",
    "insecure": "any user of a client can speak to the server as its root",
}
_SAFE = {"no_root_squash": "root_squash", "anonuid=0": "anonuid", "insecure": "secure"}  # what overrides it as the default of a line


class Entry(t.NamedTuple):
    """One client of one export."""

    path: str
    client: str
    options: tuple[str, ...]


def entries(exports: t.Sequence[t.Mapping[str, t.Any]]) -> list[Entry]:
    """Entries in the order of the input: ``[{path, clients: [...], options: [...]}]``."""
    lonely = [export["path"] for export in exports if not export["clients"]]
    if lonely:
        raise PlanError(f"exports: {', '.join(lonely)} would be exported to nobody", "Name the clients.")
    return [
        Entry(export["path"], client, tuple(export.get("options") or DEFAULT_OPTIONS)) for export in exports for client in export["clients"]
    ]


def render(wanted: t.Sequence[Entry]) -> str:
    """The text of a file in exports.d, one line a path."""
    lines: dict[str, list[str]] = {}
    for entry in wanted:
        lines.setdefault(entry.path, []).append(f"{entry.client}({','.join(entry.options)})")
    return HEAD + "".join(f"{_quote(path)} {' '.join(clients)}\n" for path, clients in lines.items())


def _quote(path: str) -> str:
    return f'"{path}"' if re.search(r"[\s#]", path) else path


def refuse(wanted: t.Sequence[Entry], allow_unsafe: bool) -> None:
    """Raise PlanError with every fault of the wanted entries in it."""
    problems: list[str] = []
    for entry in wanted:
        problems.extend(_faults(entry))
        if not allow_unsafe:
            problems.extend(f"{text}; set allow_unsafe to do it anyway" for text in unsafe(entry))
    seen = set()
    for entry in wanted:
        if (entry.path, entry.client) in seen:
            problems.append(f"{entry.path}: the client {entry.client} is listed twice")
        seen.add((entry.path, entry.client))
    if problems:
        raise PlanError("\n".join(["exports can't be used:", *dict.fromkeys(problems)]))


def _faults(entry: Entry) -> t.Iterator[str]:
    if not re.fullmatch(r"/[^\"'\\]*", entry.path) or ".." in entry.path.split("/") or not entry.path.isprintable():
        yield f"{entry.path!r}: is not an absolute path without '..', quotes and '\\'"
    # A word that begins with a dash sets the options of all clients after it.
    if not re.fullmatch(r"[^\s()\"'#\\=,-][^\s()\"'#\\=,]*", entry.client) or not entry.client.isprintable():
        yield f"{entry.path}: {entry.client!r} is not a client; write a name, an address, a network or @netgroup, with options separately"
    elif "/" in entry.client:
        try:
            ipaddress.ip_network(entry.client)
        except ValueError as error:
            yield f"{entry.path}: {entry.client} is not a network: {error}"
    for option in entry.options:
        name, separator, value = option.partition("=")
        if separator and not (re.fullmatch(_VALUES.get(name, _VALUE), value) and value.isprintable()):
            yield f"{entry.path}: the value of {option!r} is not one, see exports(5)"
        elif option not in _FLAGS and not (separator and name in _VALUED):
            near = difflib.get_close_matches(option, [*_FLAGS, *_VALUED], 1)
            yield f"{entry.path}: unknown option {option!r}{f', did you mean {near[0]}?' if near else ', see exports(5)'}"
    for one, other in _OPPOSITES:
        if one in entry.options and other in entry.options:
            yield f"{entry.path}: {one} and {other} exclude each other"


def unsafe(entry: Entry) -> list[str]:
    """Why an entry gives more than it should."""
    reasons = []
    if is_everybody(entry.client):
        reasons.append(f"{entry.path}: {entry.client} is everyone who can reach this host")
    elif _is_public(entry.client) and not any(re.fullmatch(r"sec=krb5[ip]?(:krb5[ip]?)*", option) for option in entry.options):
        reasons.append(f"{entry.path}: {entry.client} is a public address, and without sec=krb5 it is trusted by address alone")
    options = {_plain(option) for option in entry.options}
    reasons.extend(f"{entry.path}: {option} for {entry.client}: {why}" for option, why in _UNSAFE.items() if option in options)
    return reasons


def _plain(option: str) -> str:
    """``anonuid=00`` is ``anonuid=0``, and so is what overflows to it."""
    name, _separator, value = option.partition("=")
    is_number = name in ("anonuid", "anongid") and re.fullmatch(r"-?\d+", value)
    return f"{name}={int(value) % 2**32}" if is_number else option


def is_name(client: str) -> bool:
    """Whether a client is the name of one host, which the server lists as its resolver writes it."""
    try:
        ipaddress.ip_address(client)
    except ValueError:
        return not re.search(r"[*?\[/@]", client)
    return False


def is_everybody(client: str) -> bool:
    if client in ("", "0.0.0.0/0.0.0.0") or ("*" in client and not client.strip("*?.")):
        return True
    try:
        return ipaddress.ip_network(client, strict=False).prefixlen == 0
    except ValueError:
        return False


def _is_public(client: str) -> bool:
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        return False
    return network.is_global or network.num_addresses > 2**24 * (1 if network.version == 4 else 2**96)


def warnings(wanted: t.Sequence[Entry]) -> list[str]:
    """What is allowed but often regretted."""
    return [
        f"{entry.path}: async answers before data is on disk; a crash of the server loses data that clients believe is written"
        for entry in wanted
        if "async" in entry.options
    ]


def parse(text: str) -> list[tuple[int, list[str]]]:
    """The lines of an exports file as line number and words: continuations joined, comments and blank lines left out."""
    lines: list[tuple[int, list[str]]] = []
    joined, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begin = begin if joined else number
        joined += line[:-1] + " " if line.endswith("\\") else line
        if line.endswith("\\"):
            continue
        # a blank may be written \040, as the server lists it
        escaped = re.sub(r"\\([0-7]{3})", lambda found: "\\" + chr(int(found.group(1), 8)), joined)
        try:
            words = shlex.split(escaped, comments=True)
        except ValueError:  # an open quote
            words = escaped.split()
        if words:
            lines.append((begin, words))
        joined = ""
    return lines


def lint(text: str, file: str) -> list[str]:
    """What is dangerous in a file that somebody else wrote, each as ``FILE:LINE: ...``."""
    found = []
    for number, (path, *clients) in parse(text):
        before = ""
        defaults: list[str] = []
        for word in clients:
            client, _parenthesis, own = word.partition("(")
            options = own.rstrip(")").split(",")
            if word.startswith("-"):
                defaults = word[1:].split(",")
            if word.startswith("(") and before:
                found.append(
                    f"{file}:{number}: the blank between {before} and {word} exports {path} to everyone with {word}, "
                    f"and to {before} with the defaults. Write {before}{word}."
                )
            elif word.startswith("(") or is_everybody(client):
                found.append(f"{file}:{number}: exports {path} to everyone ({word}).")
            elif not word.startswith("-"):
                given = options + [name for name in defaults if _SAFE.get(name) not in {option.split("=")[0] for option in options}]
                found.extend(f"{file}:{number}: {name} for {client}: {why}." for name, why in _UNSAFE.items() if name in given)
            before = "" if word.startswith("-") or "(" in word else word
        if not clients:
            found.append(f"{file}:{number}: exports {path} to everyone, because it names no client.")
    return found


def open_paths(text: str) -> list[str]:
    """What a file exports to everyone."""
    return [
        path
        for _number, (path, *clients) in parse(text)
        if not clients or any(word.startswith("(") or is_everybody(word.partition("(")[0]) for word in clients if word[:1] != "-")
    ]


def clashes(wanted: t.Sequence[Entry], text: str, file: str) -> list[str]:
    """Entries that another file has already; the server would take only one of them."""
    pairs = {(entry.path, entry.client) for entry in wanted}
    return [
        f"{path} for {word.partition('(')[0]} is already in {file}:{number}. Remove it there or here."
        for number, (path, *clients) in parse(text)
        for word in clients
        if (path, word.partition("(")[0]) in pairs
    ]


def missing(wanted: t.Sequence[Entry], listed: str) -> list[Entry]:
    """Wanted entries that ``exportfs -s`` does not list."""
    there = {(path, word.partition("(")[0]) for _number, (path, *clients) in parse(listed) for word in clients}
    return [entry for entry in wanted if (entry.path, entry.client) not in there]
