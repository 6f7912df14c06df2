#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: repository_key
short_description: Have the key of a package repository, if it is the one that is meant
version_added: 0.1.0
description:
  - Fetches an OpenPGP key, compares the fingerprints of every key in the file with those that are expected, and only then writes it.
  - A key that is there and is right is not fetched again.
  - It needs no C(gpg) on the host.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  url:
    description: Address of the key in ASCII armor. The environment's proxies are used.
    type: str
    required: true
  path:
    description: The file on the host. Directories above it are made.
    type: path
    required: true
  fingerprints:
    description:
      - Fingerprints of the primary keys that the file may hold, with or without blanks. One of them has to be there, and no other key.
    type: list
    elements: str
    required: true
author:
  - Flotilla contributors (@flotilla-swarm)
"""

EXAMPLES = r"""
- name: Have the key of Docker's repository
  flotilla.swarm.repository_key:
    url: https://download.docker.com/linux/debian/gpg
    path: /etc/apt/keyrings/docker.asc
    fingerprints: [9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88]
"""

RETURN = r"""
fingerprints:
  description: Those of the keys in the file, in upper case without blanks.
  returned: success
  type: list
  elements: str
  sample: [9DC858229FC7DD38854AE2D88D81803C0EBFCD88]
"""

import typing as t

from ..module_utils._core.host.openpgp import normal, read_fingerprints
from ..module_utils._io.download import download
from ..module_utils._io.host import Host, host_target
from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field, Plan
from ..module_utils.runner import run_module

ARGUMENTS: dict[str, t.Any] = {
    "url": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "fingerprints": {"type": "list", "elements": "str", "required": True, "no_log": False},
}
MOST_BYTES = 2**18


class Observed(t.NamedTuple):
    """``present`` are the fingerprints in the file, None if there is no file; ``text`` is what was fetched, empty if nothing was."""

    expected: list[str]
    present: list[str] | None
    text: str


def observe(host: Host, params: dict[str, t.Any]) -> Observed:
    expected = [normal(fingerprint) for fingerprint in params["fingerprints"]]
    if not expected:
        raise PlanError("fingerprints: the list is empty, so no key can be accepted.")
    before = host.read(params["path"])
    present = None if before is None else _read(before)
    text = "" if present and set(present) <= set(expected) else download(params["url"], MOST_BYTES)
    return Observed(expected, present, text)


def _read(text: str) -> list[str]:
    """Empty if the file holds no key that can be read."""
    try:
        return read_fingerprints(text)
    except FlotillaError:
        return []


def plan(observed: Observed, params: dict[str, t.Any]) -> Plan:
    if not observed.text:
        return Plan(result={"fingerprints": observed.present})
    try:
        found = read_fingerprints(observed.text)
    except PlanError as error:
        raise PlanError(f"{params['url']}: {error}") from None
    foreign = [fingerprint for fingerprint in found if fingerprint not in observed.expected]
    if foreign:
        raise PlanError(
            f"{params['url']}: found the key {', '.join(foreign)}, expected {' or '.join(observed.expected)}",
            "Ask the owner of the repository whether the key was changed, before you name the new one.",
        )
    action = "create" if observed.present is None else "update"
    fields = (Field("fingerprints", observed.present, found),)
    return Plan((Change("file", params["path"], action, fields, payload=(params["path"], observed.text)),), result={"fingerprints": found})


def apply(host: Host, change: Change, _observed: t.Any) -> None:
    path, text = change.payload
    host.put(path, text)


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=host_target)


if __name__ == "__main__":
    main()
