#!/usr/bin/python
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: daemon_config
short_description: Own some keys of the Docker Engine's daemon.json
version_added: 0.1.0
description:
  - Merges keys into C(daemon.json). Keys that O(config) does not name, and the order of the file, stay as they are.
  - Checks every key and value against what the engine of this host knows (20.10 to 29), against the flags of the
    service unit, and where the
    engine can (23.0 and newer) with C(dockerd --validate), before the file is replaced.
  - A file in which a value may be a secret, such as a proxy with a login or a token of a log driver, is made for root alone. One that is
    there already keeps its mode, but other users of the host lose their right to read it and its backup.
  - Says what the change costs, and with O(activate) makes the running engine take it. When the engine does not
    start with the new file,
    the former file comes back and the engine is started with it.
  - Refuses to let the engine listen on TCP without asking clients for certificates (C(tlsverify)), unless C(tls) or C(tlsverify) is
    V(false) in so many words.
extends_documentation_fragment:
  - flotilla.swarm.attributes
options:
  config:
    description:
      - Keys and their values. Mappings are merged at every depth.
      - A key whose value is V(null) is removed.
    type: dict
    required: true
  lists:
    description:
      - What becomes of a list that stands in the file already.
      - With V(replace) the list in O(config) takes its place.
      - With V(union) the items of the list in O(config) that it lacks are added at its end.
    type: str
    choices: [replace, union]
    default: replace
  activate:
    description:
      - Whether to reload or restart the engine where the change asks for that, or where a former run wrote the file
        and went no further.
      - V(never) leaves both to you, and RV(pending) says what is left.
      - V(outside_swarm) does nothing where the engine is in a swarm and would have to restart, because such a node is
        better drained first. RV(pending) says so, and check mode shows what a call with V(always) would do.
    type: str
    choices: [never, outside_swarm, always]
    default: never
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  unit:
    description: The engine's systemd unit.
    type: str
    default: docker.service
author:
  - Flotilla contributors (@flotilla-swarm)
seealso:
  - name: dockerd
    description: Every key of the file.
    link: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
"""

EXAMPLES = r"""
- name: Rotate container logs and trust the swarm's registry
  flotilla.swarm.daemon_config:
    config:
      log-driver: json-file
      log-opts: {max-size: 100m, max-file: "5"}
      insecure-registries: ["registry.example.org:5000"]
    activate: outside_swarm

- name: Remove a key and add an address pool to those that are there
  flotilla.swarm.daemon_config:
    config:
      live-restore: null
      default-address-pools: [{base: 10.201.0.0/16, size: 24}]
    lists: union
"""

RETURN = r"""
plan:
  description: What was changed, or in check mode would be. At most one change, of kind V(file).
  returned: success
  type: list
  elements: dict
cost:
  description: What the change takes to become true in a running engine, V(nothing), V(reload) or V(restarts engine).
  returned: success
  type: str
  sample: reload
pending:
  description: What of that is left to do after this call.
  returned: success
  type: str
  sample: nothing
in_swarm:
  description: Whether the engine of this host is in a swarm, so that a restart should be preceded by draining the node.
  returned: success
  type: bool
backup:
  description: Path of the copy of the former file.
  returned: when an existing file was replaced
  type: str
"""

import json
import typing as t

from ..module_utils._core.host import daemon_change, daemon_json
from ..module_utils._io import systemd
from ..module_utils._io.host import checked_host_target
from ..module_utils.errors import FlotillaError
from ..module_utils.masking import mask
from ..module_utils.plan import Change, Plan
from ..module_utils.runner import run_module

ARGUMENTS = {
    "config": {"type": "dict", "required": True},
    "lists": {"type": "str", "choices": ["replace", "union"], "default": "replace"},
    "activate": {"type": "str", "choices": ["never", "outside_swarm", "always"], "default": "never"},
    "path": {"type": "path", "default": daemon_json.PATH},
    "unit": {"type": "str", "default": daemon_json.UNIT},
}


def observe(place: tuple[t.Any, bool], params: dict[str, t.Any]) -> daemon_change.Observed:
    host, check_mode = place
    return daemon_change.observe(host, params, check_mode)


def plan(observed: daemon_change.Observed, params: dict[str, t.Any]) -> Plan:
    return daemon_change.plan(observed, params)


def apply(place: tuple[t.Any, bool], change: Change, _observed: t.Any) -> dict[str, t.Any]:
    host, work = place[0], change.payload
    result = {}
    if work.text is not None:
        closed, validate = bool(work.secrets), _validator(host, work.secrets) if work.validate else None
        result["backup"] = host.write(work.path, work.text, 0o600 if closed else 0o644, validate, closed)
    if work.cost != "nothing":
        # the file that the running engine has read, which is older than the one just replaced where nothing was activated since
        backup = work.written.get("backup") if work.written else result["backup"]
        mark = {"path": work.path, "cost": work.cost, "invocation": work.invocation, "backup": backup}
        host.restore(daemon_json.PENDING, None)
        host.write(daemon_json.PENDING, json.dumps(mark), 0o600)
        if work.activate:
            _activate(host, work, backup)
            host.restore(daemon_json.PENDING, None)
    return {name: value for name, value in result.items() if value}


def _validator(host: t.Any, secrets: list[str]) -> t.Callable[[str], None]:
    def validate(path: str) -> None:
        code, out, err = host.run(["dockerd", "--validate", "--config-file", path])
        if code:
            words = mask((err or out).replace(path, "the file").strip(), secrets)
            raise FlotillaError(f"dockerd --validate refuses the configuration: {words}")

    return validate


def _activate(host: t.Any, work: daemon_change.Work, backup: str | None) -> None:
    verb = "reload" if work.cost == "reload" else "restart"
    problem = systemd.attempt(host, verb, work.unit) or systemd.attempt(host, "is-active", work.unit)
    if not problem:
        return
    cause = mask(_cause(host, work.unit) or problem, work.secrets)
    host.restore(work.path, backup)
    host.restore(daemon_json.PENDING, None)
    systemd.attempt(host, "reset-failed", work.unit)
    again = not systemd.attempt(host, "restart", work.unit)
    end = "and the engine runs with it again" if again else "but the engine does not start with that either"
    raise FlotillaError(f"systemctl {verb} {work.unit} failed with the new {work.path}: {cause}\nThe former file was restored, {end}.")


def _cause(host: t.Any, unit: str) -> str:
    """What the engine said last before it gave up."""
    telling = [line for line in systemd.last_lines(host, unit, 30) if "level=fatal" in line or line.startswith(("failed to", "unable to"))]
    return telling[-1].strip() if telling else ""


def main() -> None:
    run_module(ARGUMENTS, observe, plan, apply, target=checked_host_target)


if __name__ == "__main__":
    main()
