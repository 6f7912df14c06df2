# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three managers and two workers with one stack, whose runs are disturbed, and what the engines say of it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import Any

import yaml

from . import ROOT, Run, Scenario, Seen, by_name, running, until

_scenario = Scenario(yaml.safe_load((ROOT / "molecule/faults/app/vars.yml").read_text()))
done, lab, look, on, sdk = _scenario.done, _scenario.lab, _scenario.look, _scenario.on, _scenario.sdk
NODES = ("m1", "m2", "m3", "w1", "w2")
LAST = ("m2", "m3", "m1")
"""The managers in an order in which that of the registry is not the one that acts."""

ALTER = """
service = api.inspect_service({name!r})
spec = service["Spec"]
spec["TaskTemplate"]["ContainerSpec"]["Env"] = ["FOREIGN=1"]
api._post_json(api._url("/services/{{0}}/update", service["ID"]), data=spec, params={{"version": service["Version"]["Index"]}})
"""


PUSH = """
import io
login, image, base = {login!r}, {image!r}, {base!r}
made = io.BytesIO(f"FROM {{base}}\\nRUN head -c 20000000 /dev/urandom >/blob".encode())
said = [*api.build(fileobj=made, tag=image, decode=True), *api.push(image, stream=True, decode=True, auth_config=login)]
print("".join(each["error"] for each in said if "error" in each))
"""


def push(tag: str) -> str:
    """Another image in the registry, which the first manager alone has; its name."""
    kept = yaml.safe_load((_scenario.folder / "registry_credentials.yml").read_text())
    image, base = f"{kept['registry']}/busybox:{tag}", f"{kept['registry']}/busybox:1"
    login = {name: kept[name] for name in ("username", "password")}
    problem = sdk("m1", PUSH.format(login=login, image=image, base=base)).strip()
    assert not problem, problem
    return image


def start(playbook: str, *arguments: str, user: str = "ann", **variables: Any) -> subprocess.Popen[str]:
    """``user`` is who holds the locks of the run."""
    return _scenario.start(f"playbooks/{playbook}.yml", *arguments, environ={"LOGNAME": user}, **variables)


def play(playbook: str, *arguments: str, **variables: Any) -> Run:
    return _scenario.play(f"playbooks/{playbook}.yml", *arguments, **variables)


def see() -> Seen:
    """What a manager says that can act, whichever that is."""
    for node in LAST:
        with suppress(AssertionError):
            seen = look(node)
            if seen["leader"]:
                return seen
    raise AssertionError("no manager can act")


def locks(seen: Seen) -> list[str]:
    return [name for name in seen["configs"] if name.startswith("lock.")]


def is_updating(name: str = "app_slow") -> bool:
    return see()["services"][name]["update"] == "updating"


def wrongs(seen: Seen, counts: dict[str, int] | None = None) -> list[str]:
    """What keeps the stack from being well, by what the engines say alone."""
    wanted = {"app_slow": 2, "app_store": 1, "app_web": 2, **(counts or {})}
    missing = [f"{name} is not there" for name in wanted if name not in seen["services"]]
    found = {name: seen["services"][name] for name in wanted if name in seen["services"]}
    short = [f"{name}: {len(running(each))} of {wanted[name]}" for name, each in found.items() if len(running(each)) != wanted[name]]
    states = [f"{name}: {each['update']}" for name, each in found.items() if each["update"] not in ("", "completed", "rollback_completed")]
    return [*missing, *short, *states]


def variable(seen: Seen, service: str, name: str) -> str:
    """The value that the spec of a service gives to a variable of its environment."""
    given = seen["services"][service]["spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or []
    return next((value for key, _equals, value in (item.partition("=") for item in given) if key == name), "")


def settle(release: str = "1") -> Seen:
    """Have the stack as it is declared, all nodes active and ready, and nothing locked."""

    def ready() -> Seen | None:
        seen = see()
        usable = {name for name, node in by_name(seen).items() if (node["state"], node["availability"]) == ("ready", "active")}
        return seen if usable == set(NODES) else None

    until(ready, "every node ready")
    done("deploy", release=release)
    return until(lambda: None if wrongs(seen := see()) or locks(seen) else seen, "the stack well and nothing locked")
