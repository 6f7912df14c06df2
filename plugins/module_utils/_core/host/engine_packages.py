# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages role engine installs, holds and upgrades, and the files that it has by itself. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .daemon_json import UNIT
from .units import is_bare_check, must_start

EL = ("rhel", "centos", "rocky", "almalinux")

Record = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Catalog:
    """What the role knows. ``engine`` and ``client`` are names of packages by source; ``versioned`` bear the engine's version."""

    distributions: t.Mapping[str, t.Sequence[str]]
    engine: t.Mapping[str, t.Sequence[str]]
    client: t.Mapping[str, t.Sequence[str]]
    versioned: t.Sequence[str]


CATALOG = Catalog(
    distributions={
        "debian": ["12", "13"],
        "ubuntu": ["22.04", "24.04"],
        "rhel": ["9"],
        "centos": ["9"],
        "rocky": ["9"],
        "almalinux": ["9"],
    },
    engine={"docker": ["docker-ce", "containerd.io", "python3-docker"], "distribution": ["docker.io", "python3-docker"]},
    client={
        "docker": ["docker-ce-cli", "docker-buildx-plugin", "docker-compose-plugin"],
        "distribution": ["docker-cli", "docker-buildx", "docker-compose"],
    },
    versioned=["docker-ce", "docker-ce-cli", "docker.io", "docker-cli"],
)
NAMES = tuple(dict.fromkeys(name for names in (*CATALOG.engine.values(), *CATALOG.client.values()) for name in names))


@dataclass(frozen=True)
class Choice:
    """What the inventory asks for: whose packages (a key of ``Catalog.engine``), their version (empty: any), with the client, on hold."""

    source: str
    version: str = ""
    client: bool = False
    hold: bool = False


@dataclass(frozen=True)
class Packages:
    """``host`` is the result of ``host_info``."""

    host: Record
    choice: Choice

    @property
    def installed(self) -> Record:
        return t.cast(Record, self.host["packages"])

    @property
    def id(self) -> str:
        return str(self.host["host"]["distribution"]["id"])

    @property
    def distribution(self) -> str:
        return f"{self.id} {self.host['host']['distribution']['version']}"

    @property
    def is_el(self) -> bool:
        return self.id in EL

    @property
    def release(self) -> str:
        """Of EL the minor version says nothing."""
        version = str(self.host["host"]["distribution"]["version"])
        return version.partition(".")[0] if self.is_el else version

    @property
    def wanted(self) -> list[str]:
        """Before Debian 13 the distribution's client is part of docker.io."""
        has_client = self.choice.client and (self.choice.source == "docker" or self.distribution == "debian 13")
        return [*CATALOG.engine[self.choice.source], *(CATALOG.client[self.choice.source] if has_client else ())]

    @property
    def foreign(self) -> list[str]:
        """Packages of the other source, which can't share the host."""
        others = [name for names in CATALOG.engine.values() for name in names]
        return [name for name in dict.fromkeys(others) if name not in CATALOG.engine[self.choice.source] and name in self.installed]

    @property
    def missing(self) -> list[str]:
        return [name for name in self.wanted if name not in self.installed]

    @property
    def outdated(self) -> list[str]:
        version = self.choice.version
        named = [name for name in self.wanted if name in CATALOG.versioned and name in self.installed]
        return [name for name in named if version and self.installed[name]["version"] != version]

    @property
    def present(self) -> list[str]:
        """An installation that was broken off leaves an engine whose package does not count as installed."""
        engine = self.wanted[0]
        found = [name for name in self.wanted if name in self.installed]
        return [*found, *([engine] if self.host["host"].get("engine") and engine not in self.installed else [])]

    @property
    def held(self) -> list[str]:
        """Of the wanted ones those that are on hold now, or are to be."""
        wanted = [name for name in self.wanted if self.choice.hold and name in CATALOG.versioned]
        return [name for name in self.wanted if name in wanted or self.installed.get(name, {}).get("hold")]

    @property
    def to_hold(self) -> list[str]:
        """What a run of the role puts on hold: an installation or upgrade in between takes a hold away."""
        if not self.choice.hold or self.bare_check:
            return []
        fresh = (*self.missing, *self.outdated)
        named = [name for name in self.wanted if name in CATALOG.versioned]
        return [name for name in named if name in fresh or not self.installed[name]["hold"]]

    @property
    def bare_check(self) -> bool:
        return is_bare_check(self.host, UNIT)

    @property
    def must_start(self) -> bool:
        return must_start(self.host, UNIT)

    def with_version(self, names: t.Iterable[str]) -> list[str]:
        """The names as the package manager wants them, with the version where one is asked for."""
        version, between = self.choice.version, "-" if self.is_el else "="
        return [f"{name}{between}{version}" if version and name in CATALOG.versioned else name for name in names]

    def refuse_installation(self) -> str:
        """What follows the name of the host; empty if the engine can be installed."""
        known = ", ".join(f"{name} {' and '.join(versions)}" for name, versions in CATALOG.distributions.items())
        if self.release not in CATALOG.distributions.get(self.id, ()):
            return (
                f"runs {self.distribution}, and the role engine can't install the engine there. It supports {known}. "
                "Install the engine and python3-docker yourself, and the role does the rest."
            )
        if self.choice.source != "docker" and self.is_el:
            return f"runs {self.distribution}, which packages no engine. Set engine_packages to docker."
        if self.foreign:
            return (
                f"has {' and '.join(self.foreign)}, and engine_packages is {self.choice.source}. Two engines can't share a host. "
                "Set engine_packages to the other choice, or drain the node and remove those packages."
            )
        return ""

    def as_record(self) -> dict[str, t.Any]:
        names = ("distribution", "is_el", "release", "held", "to_hold")
        return {
            **{name: getattr(self, name) for name in names},
            "el_folder": "rhel" if self.id == "rhel" else "centos",
            "to_install": self.with_version(self.missing),
            "to_upgrade": self.with_version(self.present),
        }


@dataclass(frozen=True)
class Upgrade:
    """``found`` is the result of ``apt_info``, empty on EL; ``is_marked`` says that an earlier upgrade did not get through there."""

    packages: Packages
    found: Record
    is_outside: bool
    is_marked: bool

    @property
    def is_due(self) -> bool:
        behind = self.packages.is_el and self.packages.outdated
        return bool(self.found.get("changes") or behind or self.is_marked)

    def refuse(self) -> str:
        """What follows "The engine of" and the name of the host; empty if the engine can be upgraded."""
        packages, version = self.packages, self.packages.choice.version
        if packages.foreign:
            return (
                f"comes from {' and '.join(packages.foreign)}, and engine_packages is {packages.choice.source}. Set it to the other choice."
            )
        if self.found.get("problem"):
            wanted = ", ".join(packages.with_version(packages.present))
            return (
                f"is not available as {wanted}: {self.found['problem'].rstrip('.')}. `apt-cache madison` lists the versions for "
                "engine_version."
            )
        older = [change for change in self.found.get("changes", ()) if change["action"] == "downgrade"]
        if older and not self.is_outside:
            return (
                f"is newer than engine_version {version}, and an engine in a swarm can't be downgraded: it may not read what "
                "the newer one wrote. Make the node leave the swarm first, or set engine_version to the installed version."
            )
        if packages.host["host"]["live_restore"] and not self.is_outside:
            return "has live-restore in its daemon.json, and does not start in a swarm with it. Remove that first."
        return ""


LIMITS = {
    "/etc/security/limits.d/60-flotilla-nofile.conf": """\
# Managed by flotilla.swarm.engine
* soft nofile {0}
* hard nofile {0}
root soft nofile {0}
root hard nofile {0}
""",
    "/etc/systemd/system/docker.service.d/60-flotilla-nofile.conf": """\
# Managed by flotilla.swarm.engine
[Service]
LimitNOFILE={0}
""",
}
"""Containers follow default-ulimits in daemon.json, the engine its unit, and login sessions limits.d."""


def limit_files(nofile: int) -> dict[str, str]:
    """Path -> text of the files that raise the number of open files; none if it stays as it is."""
    return {path: text.format(nofile) for path, text in LIMITS.items()} if nofile else {}


def default_config(own: Record, log_rotation: Record, nofile: int, metrics_address: str) -> dict[str, t.Any]:
    """The keys of daemon.json that the role sets, below those of the inventory (``own``); None removes one of an earlier run."""
    return {"live-restore": False, **_log_keys(own, log_rotation), **_limit_keys(nofile), **_metrics_keys(metrics_address)}


def _log_keys(own: Record, rotation: Record) -> dict[str, t.Any]:
    """A driver that can't rotate refuses to start with the options of an earlier run."""
    if own.get("log-driver", "json-file") not in ("json-file", "local"):
        return {"log-opts": dict.fromkeys(rotation)}
    if "log-driver" in own or "log-opts" in own or not rotation:
        return {}
    return {"log-driver": "json-file", "log-opts": rotation}


def _limit_keys(nofile: int) -> dict[str, t.Any]:
    return {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": nofile, "Hard": nofile}}} if nofile else {}


def _metrics_keys(address: str) -> dict[str, t.Any]:
    return {"metrics-addr": address} if address else {}
