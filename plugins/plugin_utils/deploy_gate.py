# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true on the controller before a deploy: the checkout, variables, and a command of the user's own."""

from __future__ import annotations

import fnmatch
import subprocess
import typing as t
from dataclasses import dataclass

from ..module_utils.redact import redact_text

SHOWN = 5
_LAST_LINES = 5


@dataclass(frozen=True)
class Checkout:
    """What git says of a directory. ``branch`` is empty where HEAD is detached; ``problem`` says why git could not be asked."""

    branch: str = ""
    commit: str = ""
    changed: tuple[str, ...] = ()
    problem: str = ""


def judge_checkout(found: Checkout, directory: str, branches: t.Sequence[str], clean: bool) -> list[str]:
    """What stands against a deploy from this checkout, one sentence each."""
    if found.problem:
        return [f"{directory} has no readable branch: {found.problem}"]
    refusals = []
    if branches and not any(fnmatch.fnmatchcase(found.branch, pattern) for pattern in branches if found.branch):
        where = f"on branch {found.branch}" if found.branch else f"at {found.commit[:12]}, on no branch"
        refusals.append(f"{directory} is {where}, expected {' or '.join(branches)}")
    if clean and found.changed:
        names = ", ".join(found.changed[:SHOWN])
        more = f" and {len(found.changed) - SHOWN} more" if len(found.changed) > SHOWN else ""
        refusals.append(f"{directory} has changes that are not committed: {names}{more}")
    return refusals


def judge_variables(names: t.Iterable[str], given: t.Mapping[str, t.Any]) -> list[str]:
    """Required variables that are not set, or set to nothing. Values are never shown."""
    missing = [name for name in names if given.get(name) in (None, "", [], {})]
    return [f"not set: {', '.join(missing)}"] if missing else []


def read_checkout(directory: str) -> Checkout:
    """Ask git; changes are those of files that git knows or would add."""
    try:
        commit = _git(directory, "rev-parse", "--verify", "HEAD").strip()
        branch = _git(directory, "rev-parse", "--abbrev-ref", "HEAD").strip()
        status = _git(directory, "status", "--porcelain", "-z", "--no-renames")
    except FileNotFoundError:
        return Checkout(problem="there is no git on the controller")
    except subprocess.CalledProcessError as error:
        words = str(error.stderr).strip().splitlines()
        return Checkout(problem=words[0] if words else f"git ended with {error.returncode}")
    changed = tuple(sorted(entry[3:] for entry in status.split("\0") if entry))
    return Checkout("" if branch == "HEAD" else branch, commit, changed)


def run_command(argv: t.Sequence[str], directory: str) -> list[str]:
    """Run the user's own check; what stands against a deploy is its last lines, where it does not end with 0."""
    try:
        done = subprocess.run(list(argv), cwd=directory, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        return [f"{argv[0]} can't be run: {error.strerror}"]
    if not done.returncode:
        return []
    lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()][-_LAST_LINES:]
    said = "".join(f"\n    {redact_text(line)}" for line in lines)
    return [f"{argv[0]} ended with {done.returncode}{said}"]


def _git(directory: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", directory, *arguments], capture_output=True, text=True, check=True).stdout
