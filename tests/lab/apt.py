# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this machine gets Debian packages, so that nodes and images get them the same way."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .machine import output

DEFAULT_MIRRORS = {"debian": "http://deb.debian.org/debian", "security": "http://deb.debian.org/debian-security"}
CA_DIRECTORY = Path("/usr/local/share/ca-certificates")


@dataclass(frozen=True)
class AptSetup:
    mirrors: Mapping[str, str]  # "debian" and "security" -> URI
    options: tuple[str, ...]  # lines of an apt.conf
    certificates: tuple[Path, ...]  # extra certificate authorities of this machine

    def sources(self, release: str) -> list[str]:
        """Lines of a sources.list."""
        debian, security = self.mirrors["debian"], self.mirrors["security"]
        return [
            f"deb {debian} {release} main",
            f"deb {debian} {release}-updates main",
            f"deb {security} {release}-security main",
        ]


def find_mirrors(sources: str) -> dict[str, str]:
    """The first Debian archive and security archive in the text of sources.list or *.sources files, or Debian's own."""
    found: dict[str, str] = {}
    for line in sources.splitlines():
        if line.lstrip().startswith("#"):
            continue
        for uri in re.findall(r"\bhttps?://\S+", line):
            kind = {"debian": "debian", "debian-security": "security"}.get(uri.rstrip("/").rsplit("/", 1)[-1])
            if kind:
                found.setdefault(kind, uri.rstrip("/"))
    return DEFAULT_MIRRORS | found


def transport_options(dump: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """From `apt-config dump` and the environment, only what decides how packages are fetched and trusted."""
    wanted = re.compile(r'Acquire::(https?|Check-|Retries|ForceIPv|Max-Valid|Min-Valid)[^ ]* ".+";')
    lines = [line for line in dump.splitlines() if wanted.fullmatch(line)]
    for scheme in ("http", "https"):
        proxy = environment.get(f"{scheme}_proxy") or environment.get(f"{scheme.upper()}_PROXY")
        if proxy and not any(line.startswith(f"Acquire::{scheme}::Proxy ") for line in lines):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return tuple(lines)


def read_setup() -> AptSetup:
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [path.read_text() for path in files if path.suffix in (".list", ".sources") and path.is_file()]
    return AptSetup(
        mirrors=find_mirrors("\n".join(texts)),
        options=transport_options(output("read apt's configuration", "apt-config", "dump"), os.environ),
        certificates=tuple(sorted(CA_DIRECTORY.glob("**/*.crt"))),
    )
