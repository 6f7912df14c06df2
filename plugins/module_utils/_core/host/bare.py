# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host has no engine, which is another thing than an engine that can't be reached. Pure."""

from __future__ import annotations

import typing as t

DEFAULT_ADDRESSES = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
_BINARIES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/bin", "/snap/bin", "/run/current-system/sw/bin")
_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")

SIGNS = (
    "/var/run/docker.sock",
    *(f"{folder}/dockerd" for folder in _BINARIES),
    *(f"{folder}/{unit}" for folder in _UNITS for unit in ("docker.service", "docker.socket")),
)
"""Paths of which an engine that is installed leaves at least one."""


def is_bare(docker_host: str, found: t.Collection[str]) -> bool:
    """Whether no engine is installed, given which of SIGNS are ``found``. An address that somebody named is believed to lead to one."""
    return docker_host in DEFAULT_ADDRESSES and not found
