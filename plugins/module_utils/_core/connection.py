# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of a connection mean, and the messages about a Docker SDK that does not work. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

OLDEST_WHOLE_SDK = "7.1.0"
"""The first release that works with every supported Python and with every requests and urllib3 of today."""

_ABSENT = re.compile(r"No module named '?docker'?$")
_DEPENDENCY = re.compile(r"No module named '?(requests|urllib3|certifi|idna|charset_normalizer|chardet|six|websocket|packaging)\b")
# requests 2.32 without the SDK's own scheme; urllib3 2 without an argument that the SDK before 6.1 gives.
_MISFITS = ("URL scheme http+docker", "unexpected keyword argument 'chunked'")
_NO_NETWORK = ("unix", "npipe", "fd", "ssh", "https", "http+unix")


class Tls(t.NamedTuple):
    used: bool
    verified: bool


def read_tls(tls: bool, validate_certs: bool | None) -> Tls:
    """Who asks for TLS wants to know who answers; only ``validate_certs: false`` beside ``tls: true`` gives that up."""
    verified = tls if validate_certs is None else validate_certs
    return Tls(tls or verified, verified)


def warn_of_plain(docker_host: str, tls: Tls) -> str:
    """What is wrong with an address that crosses a network without encryption and login; empty if nothing is."""
    place = urlsplit(docker_host if "://" in docker_host else f"tcp://{docker_host}")
    if tls.used or place.scheme in _NO_NETWORK or _is_here(place.hostname or ""):
        return ""
    return (
        f"docker_host {docker_host} is plain TCP: its traffic, with its secrets, can be read on the way, and anyone who reaches that port "
        "is root on that host. Use ssh://, or TLS with certificates of both sides (tls: true)."
    )


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def explain_import(problem: str, version: str, python: str) -> tuple[str, str]:
    """The problem and the cure where the SDK can't be imported; ``version`` is that of the one that is installed, empty if none is."""
    there = "for the Python that Ansible uses here"
    if not version or _ABSENT.search(problem):
        told = f"the Docker SDK for Python can't be imported ({problem})"
        return told, f"Install python3-docker from the distribution, or docker with pip, {there}."
    told = f"docker {version} is installed, and Python {python} can't import it ({problem})"
    dependency = _DEPENDENCY.search(problem)
    if dependency:
        return told, f"Install {dependency.group(1)}, which docker needs, {there}."
    return told, f"Upgrade docker to {OLDEST_WHOLE_SDK} or newer, with its dependencies, {there}."


def is_misfit(problem: str) -> bool:
    """Whether an error at connecting means that the SDK and what it depends on are of different ages."""
    return any(text in problem for text in _MISFITS)
