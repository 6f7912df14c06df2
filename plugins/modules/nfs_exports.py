#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_exports
short_description: Own one file of NFS exports
version_added: 0.1.0
description:
  - Makes C(/etc/exports.d/<name>.exports) say exactly what O(exports) says, and the server follow. Exports of other
    files are left alone.
  - Refuses what gives more than it should, unless O(allow_unsafe=true).
  - Warns of dangerous lines in the other exports files, such as a blank between a client and its options.
  - When C(exportfs) refuses the file or does not list an export afterwards, the former file comes back.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  name:
    description: Name of the file without C(.exports). Each owner of exports has a name of its own.
    type: str
    required: true
  exports:
    description:
      - The exports. An empty list removes the file.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path of the directory.
        type: str
        required: true
      clients:
        description: Names, addresses, networks such as V(10.0.0.0/24), or V(@netgroup).
        type: list
        elements: str
        required: true
      options:
        description: Options as exports(5) has them.
        type: list
        elements: str
        default: [rw, sync, no_subtree_check]
  allow_unsafe:
    description:
      - Allow exports to everyone, V(no_root_squash), V(anonuid=0), V(insecure), and public addresses without V(sec=krb5).
    type: bool
    default: false
requirements:
  - exportfs (C(nfs-kernel-server) in Debian and Ubuntu)
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Share the submissions with the nodes of the swarm
  flotilla.swarm.nfs_exports:
    name: grading
    exports:
      - path: /srv/submissions
        clients: [10.0.0.11, 10.0.0.12]
      - path: /srv/models
        clients: [10.0.0.0/24]
        options: [ro, no_subtree_check]
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be. At most one change, of kind V(file).
  returned: success
  type: list
  elements: dict
backup:
  description: Path of the copy of the former file. The server does not read it.
  returned: when an existing file was replaced or removed
  type: str
"""

import re
import typing as t
from dataclasses import dataclass

from ..module_utils._core.host import exports
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

EXPORT = {
    "path": {"type": "str", "required": True},
    "clients": {"type": "list", "elements": "str", "required": True},
    "options": {"type": "list", "elements": "str", "default": list(exports.DEFAULT_OPTIONS)},
}
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "exports": {"type": "list", "elements": "dict", "required": True, "options": EXPORT},
    "allow_unsafe": {"type": "bool", "default": False},
}
MAIN_FILE = "/etc/exports"
DIRECTORY = "/etc/exports.d"


@dataclass(frozen=True)
class Observed:
    text: str | None
    others: dict[str, str]
    missing_directories: list[str]
    server: bool


@dataclass(frozen=True)
class Work:
    path: str
    text: str | None
    entries: list[exports.Entry]


def own_file(params: dict[str, t.Any]) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", params["name"]):
        raise PlanError(f"name: {params['name']!r} is not a valid file name", "Use letters, digits, '.', '_' and '-'.")
    return f"{DIRECTORY}/{params['name']}.exports"


def observe(host: t.Any, params: dict[str, t.Any]) -> Observed:
    own = own_file(params)
    files = [MAIN_FILE, *(f"{DIRECTORY}/{name}" for name in host.list_dir(DIRECTORY) if name.endswith(".exports"))]
    return Observed(
        text=host.read(own),
        others={file: host.read(file) or "" for file in files if file != own},
        missing_directories=[export["path"] for export in params["exports"] if not host.exists(export["path"])],
        server=bool(host.find_command("exportfs")),
    )


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    wanted = exports.entries(params["exports"])
    exports.refuse(wanted, params["allow_unsafe"])
    clashes = [clash for file, text in observed.others.items() for clash in exports.clashes(wanted, text, file)]
    if clashes:
        raise PlanError("\n".join(["exports of this host clash:", *clashes]))
    warnings = exports.warnings(wanted)
    warnings += [fault for file, text in observed.others.items() for fault in exports.lint(text, file)]
    path, text = own_file(params), exports.render(wanted) if wanted else None
    if text == observed.text:
        return Plan(warnings=tuple(warnings))
    if wanted and not observed.server:
        warnings.append("there is no exportfs on this host; install nfs-kernel-server first")
    warnings += [f"{directory} does not exist and can't be exported" for directory in observed.missing_directories]
    action = "remove" if text is None else "create" if observed.text is None else "update"
    change = Change("file", path, action, _fields(observed.text, text), "reload", payload=Work(path, text, wanted))
    return Plan((change,), tuple(warnings))


def _fields(before: str | None, after: str | None) -> tuple[Field, ...]:
    old = {words[0]: " ".join(words[1:]) for _number, words in exports.parse(before or "")}
    new = {words[0]: " ".join(words[1:]) for _number, words in exports.parse(after or "")}
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return tuple(Field(path, old.get(path), new.get(path)) for path in paths)


def apply(host: Host, change: Change, _observed: t.Any) -> dict[str, t.Any]:
    work: Work = change.payload
    if not host.find_command("exportfs"):
        if work.text is not None:
            raise FlotillaError(f"exporting by {work.path}: there is no exportfs on this host", "Install nfs-kernel-server.")
        return {"backup": host.remove(work.path)}
    backup = host.remove(work.path) if work.text is None else host.write(work.path, work.text)
    problem = _export(host, work.entries)
    if problem:
        host.restore(work.path, backup)
        host.run(["exportfs", "-ra"])
        raise FlotillaError(f"exporting by {work.path}: {problem}\nThe former file was restored and exported again.")
    return {"backup": backup} if backup else {}


def _export(host: Host, wanted: list[exports.Entry]) -> str:
    """Make the server follow its files; what went wrong, empty if nothing did."""
    code, _out, err = host.run(["exportfs", "-ra"])
    ours = {word for entry in wanted for word in (entry.path, entry.client)}
    # a line that begins with "exportfs: Failed to stat PATH:" may be about a file of others, which is not ours to judge
    told = [line for line in dict.fromkeys(err.splitlines()) if ours & {word.strip(":,") for word in line.split()}]
    if code and told:
        return " ".join(told)
    listed = host.run(["exportfs", "-s"])[1]
    absent = exports.missing(wanted, listed)
    named = {entry: host.canonical_name(entry.client) for entry in absent if exports.is_name(entry.client)}
    absent = [entry for entry in absent if entry not in named or exports.missing([entry._replace(client=named[entry])], listed)]
    return " ".join([f"exportfs does not list {absent[0].path} for {absent[0].client}.", *told]) if absent else ""


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
