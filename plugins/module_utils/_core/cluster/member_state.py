# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one host is in a swarm, as far as the host itself knows. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass

MEMBER_STATES = ("active", "locked", "error", "pending")

# The DER form of the object identifiers of a certificate's organization (the swarm), unit (the role) and common name
# (the node).
_SUBJECT = {"cluster_id": b"\x06\x03\x55\x04\x0a", "role": b"\x06\x03\x55\x04\x0b", "node_id": b"\x06\x03\x55\x04\x03"}
_ROLE_OF_UNIT = {"swarm-manager": "manager", "swarm-worker": "worker"}
_TIMES = re.compile(rb"\x17\x0d(\d{12})Z")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class MemberState:
    """One host.

    ``state`` is ``unreachable`` (the host or its engine did not answer), ``no engine`` (none is installed), ``inactive`` (in no
    swarm), ``pending``, ``active``, ``locked`` or ``error``. ``acting`` means a manager that can carry out orders: it is unlocked
    and its swarm has a leader.
    What could not be learned is an empty string.
    """

    name: str
    state: str
    role: str = ""
    cluster_id: str = ""
    node_id: str = ""
    address: str = ""
    acting: bool = False
    problem: str = ""
    expires: str = ""

    @property
    def is_member(self) -> bool:
        return self.state in MEMBER_STATES

    @property
    def story(self) -> str:
        """Such as ``m2 is locked``, for messages."""
        known = {
            "unreachable": "does not answer",
            "no engine": "has no engine",
            "inactive": "is in no swarm",
            "pending": "is still joining a swarm",
            "locked": "is locked",
            "error": "is in an error state",
        }.get(self.state, f"is a {self.role or 'member'} of swarm {self.cluster_id or '(unknown)'}")
        leaderless = self.state == "active" and self.role == "manager" and not self.acting
        problem = f" ({self.problem})" if self.problem else ""
        return f"{self.name} {known}{' without a leader' if leaderless else ''}{problem}"


def read_certificate(pem: str) -> dict[str, str]:
    """``cluster_id``, ``role``, ``node_id`` and ``expires`` (ISO 8601, UTC) of a node's certificate; empty if there is none.

    Of use where the engine itself does not tell: on workers, on locked managers, and where the swarm has no leader.
    """
    found = _CERTIFICATE.search(pem)
    try:
        der = base64.b64decode(found.group(1)) if found else b""
    except binascii.Error:
        der = b""
    subject = {name: _last_text_after(der, marker) for name, marker in _SUBJECT.items()}
    return {**subject, "role": _ROLE_OF_UNIT.get(subject["role"], ""), "expires": _read_end(der)}


def _read_end(der: bytes) -> str:
    """The first time in a certificate is that from which it is valid, the second the one until which it is."""
    times = [found.decode() for found in _TIMES.findall(der)][:2]
    if len(times) < 2:
        return ""
    year, month, day, hour, minute, second = (times[1][place : place + 2] for place in range(0, 12, 2))
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}Z"


def _last_text_after(der: bytes, marker: bytes) -> str:
    """The subject stands after the issuer, so that the last occurrence is the subject's."""
    place = der.rfind(marker)
    start = place + len(marker) + 2
    if place < 0 or start > len(der):
        return ""
    return der[start : start + der[start - 1]].decode("ascii", "replace")


def read_info(name: str, info: t.Mapping[str, t.Any], certificate: str = "") -> MemberState:
    """What the answer of ``/info`` and the certificate's PEM text say about this host."""
    swarm = info.get("Swarm") or {}
    state = swarm.get("LocalNodeState") or "inactive"
    problem = (swarm.get("Error") or "").strip()
    if state == "inactive":
        return MemberState(name, state, problem=problem)
    told = read_certificate(certificate)
    controls = bool(swarm.get("ControlAvailable"))
    cluster_id = (swarm.get("Cluster") or {}).get("ID") or ""
    return MemberState(
        name,
        state,
        role="manager" if controls else told["role"] or ("worker" if state == "active" else ""),
        cluster_id=cluster_id or told["cluster_id"],
        node_id=swarm.get("NodeID") or told["node_id"],
        address=swarm.get("NodeAddr") or "",
        acting=state == "active" and controls and bool(cluster_id),
        problem=problem,
        expires=told["expires"],
    )
