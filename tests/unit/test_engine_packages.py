# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role engine installs, holds and upgrades, also on distributions that the lab does not have, by the role's own catalog."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.engine_packages import (
    CATALOG,
    Choice,
    Packages,
    Upgrade,
    default_config,
)

CE = ["docker-ce", "containerd.io", "python3-docker"]
CLIENT = ["docker-ce-cli", "docker-buildx-plugin", "docker-compose-plugin"]
UNIT = {"docker.service": {"active": True, "enabled": True}}


def needs(
    distribution: str,
    packages: dict[str, str] | None = None,
    held: tuple[str, ...] = (),
    units: dict[str, Any] | None = None,
    check_mode: bool = False,
    engine: str = "",
    live_restore: bool = False,
    **choice: Any,
) -> Packages:
    name, version = distribution.split()
    host = {
        "host": {"distribution": {"id": name, "version": version}, "engine": engine, "live_restore": live_restore},
        "packages": {name: {"version": number, "hold": name in held} for name, number in (packages or {}).items()},
        "units": UNIT if units is None else units,
        "check_mode": check_mode,
    }
    return Packages(host, Choice(**{"source": "docker", **choice}))


NOBLE = "5:29.1.3-1~ubuntu.24.04~noble"
EL_29 = "29.1.3-1.el9"
TRIXIE = {"docker-ce": "5:28", "containerd.io": "1", "python3-docker": "7"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (needs("ubuntu 22.04"), {"is_el": False, "missing": CE, "to_install": CE}),
        (needs("ubuntu 24.04", source="distribution", client=True), {"wanted": ["docker.io", "python3-docker"]}),
        (
            needs("debian 13", source="distribution", client=True),
            {"wanted": ["docker.io", "python3-docker", *CATALOG.client["distribution"]]},
        ),
        (
            needs("ubuntu 24.04", {"docker-ce": "5:28.0.0-1"}, version=NOBLE),
            {"missing": CE[1:], "outdated": ["docker-ce"], "to_install": CE[1:], "to_upgrade": [f"docker-ce={NOBLE}"]},
        ),
        (needs("rocky 9.4", client=True), {"is_el": True, "release": "9", "to_install": CE + CLIENT, "el_folder": "centos"}),
        (needs("centos 9"), {"release": "9"}),
        (
            needs("rhel 9.2", dict(zip(CE, (EL_29, "2", "7"), strict=True)), version=EL_29),
            {"missing": [], "outdated": [], "el_folder": "rhel"},
        ),
        (
            needs("rocky 9.4", dict(zip(CE, ("28.5.2-1.el9", "2", "7"), strict=True)), version=EL_29),
            {"missing": [], "outdated": ["docker-ce"], "to_upgrade": [f"docker-ce-{EL_29}", "containerd.io", "python3-docker"]},
        ),
        (needs("almalinux 9.5", version=EL_29), {"to_install": [f"docker-ce-{EL_29}", "containerd.io", "python3-docker"]}),
        (
            needs("debian 13", {"python3-docker": "7"}, engine="26.1", source="distribution"),
            {"missing": ["docker.io"], "to_upgrade": ["python3-docker", "docker.io"]},
        ),
        # Holds: those that are asked for and those that somebody set.
        (needs("debian 13", TRIXIE, hold=True), {"to_hold": ["docker-ce"], "held": ["docker-ce"]}),
        (needs("debian 13", TRIXIE, held=("docker-ce",), hold=True), {"to_hold": [], "held": ["docker-ce"]}),
        (needs("debian 13", TRIXIE, held=("docker-ce",), hold=True, version="5:29"), {"to_hold": ["docker-ce"]}),
        (needs("debian 13", TRIXIE, held=("containerd.io",)), {"to_hold": [], "held": ["containerd.io"]}),
        (needs("debian 13", hold=True), {"to_hold": ["docker-ce"]}),
        # The unit.
        (needs("debian 13"), {"must_start": False, "bare_check": False}),
        (needs("debian 13", units={}), {"must_start": True, "bare_check": False}),
        (needs("debian 13", units={"docker.service": {"active": True, "enabled": False}}), {"must_start": True}),
        (needs("debian 13", units={}, check_mode=True, hold=True), {"must_start": False, "bare_check": True, "to_hold": []}),
        (needs("debian 13", check_mode=True), {"bare_check": False}),
    ],
)
def test_packages(found: Packages, expected: dict[str, Any]) -> None:
    record = found.as_record()
    assert {key: record[key] if key in record else getattr(found, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            needs("ubuntu 25.04"),
            "runs ubuntu 25.04, and the role engine can't install the engine there. It supports debian 12 and 13, ubuntu",
        ),
        (needs("rocky 8.9"), "runs rocky 8.9, and"),
        (needs("arch 1"), "runs arch 1, and"),
        (needs("rocky 9.4", source="distribution"), "runs rocky 9.4, which packages no engine"),
        (needs("debian 12", {"docker.io": "20.10.24"}), "has docker.io, and engine_packages is docker"),
        (needs("debian 12", {"docker-ce": "5:29", "containerd.io": "2"}, source="distribution"), "has docker-ce and containerd.io, and"),
        (needs("debian 12", {"python3-docker": "7"}), ""),
        (needs("ubuntu 22.04"), ""),
        (needs("rocky 9.4", client=True), ""),
        (needs("centos 9"), ""),
    ],
)
def test_where_the_engine_can_not_be_installed(found: Packages, words: str) -> None:
    said = found.refuse_installation()
    assert said.startswith(words) and bool(said) == bool(words)


def change(action: str) -> dict[str, Any]:
    return {"changes": [{"name": "docker-ce", "action": action, "before": "5:28", "after": "5:29"}], "problem": ""}


NOTHING: dict[str, Any] = {"changes": [], "problem": ""}
UNKNOWN: dict[str, Any] = {"changes": [], "problem": "apt has no version 5:1 of the package docker-ce"}
MIXED = needs("debian 13", {"docker.io": "26", "docker-ce": "5:28"})
PINNED = needs("debian 13", TRIXIE, version="5:1")
BEHIND = needs("rocky 9.4", {"docker-ce": "28"}, version=EL_29)


@pytest.mark.parametrize(
    ("upgrade", "due", "words"),
    [
        (Upgrade(needs("debian 13", TRIXIE), NOTHING, False, False), False, ""),
        (Upgrade(needs("debian 13", TRIXIE), change("upgrade"), False, False), True, ""),
        (Upgrade(needs("debian 13", TRIXIE), change("configure"), False, False), True, ""),
        (Upgrade(needs("debian 13", TRIXIE), NOTHING, False, True), True, ""),
        (Upgrade(BEHIND, {}, True, False), True, ""),
        (Upgrade(needs("rocky 9.4", {"docker-ce": "28"}), {}, True, False), False, ""),
        (Upgrade(MIXED, NOTHING, False, False), False, "comes from docker.io, and engine_packages is docker"),
        (
            Upgrade(PINNED, UNKNOWN, False, False),
            False,
            "is not available as docker-ce=5:1, containerd.io, python3-docker: apt has no version",
        ),
        (
            Upgrade(PINNED, change("downgrade"), False, False),
            True,
            "is newer than engine_version 5:1, and an engine in a swarm can't be",
        ),
        (Upgrade(PINNED, change("downgrade"), True, False), True, ""),
        (
            Upgrade(needs("debian 13", TRIXIE, live_restore=True), change("upgrade"), False, False),
            True,
            "has live-restore in its daemon.json",
        ),
        (Upgrade(needs("debian 13", TRIXIE, live_restore=True), change("upgrade"), True, False), True, ""),
    ],
)
def test_upgrades(upgrade: Upgrade, due: bool, words: str) -> None:
    said = upgrade.refuse()
    assert upgrade.is_due is due and said.startswith(words) and bool(said) == bool(words)


ROTATION = {"max-size": "100m", "max-file": "5"}
NO_ROTATION = {"max-size": None, "max-file": None}


@pytest.mark.parametrize(
    ("own", "rotation", "expected"),
    [
        ({}, ROTATION, {"log-driver": "json-file", "log-opts": ROTATION}),
        ({}, {}, {}),
        ({"log-driver": "local"}, ROTATION, {}),
        ({"log-driver": "json-file"}, ROTATION, {}),
        ({"log-opts": {"max-size": "1m"}}, ROTATION, {}),
        ({"log-driver": "journald"}, ROTATION, {"log-opts": NO_ROTATION}),
    ],
)
def test_logs_are_rotated_unless_something_else_is_asked_for(
    own: dict[str, Any], rotation: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert default_config(own, rotation, 0, "") == {"live-restore": False, **expected}


def test_metrics_and_limits_become_keys_of_daemon_json() -> None:
    assert default_config({}, {}, 65536, "10.0.0.11:9323") == {
        "live-restore": False,
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 65536, "Hard": 65536}},
        "metrics-addr": "10.0.0.11:9323",
    }
