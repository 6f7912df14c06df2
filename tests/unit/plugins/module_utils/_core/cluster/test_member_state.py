# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host tells about itself: /info, the certificate, results of swarm_info."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.answers import describe_cluster, read_result
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.member_state import MemberState, read_certificate, read_info
from node_certificate import EXPIRES, PEM, SUBJECT

NOTHING = {"cluster_id": "", "role": "", "node_id": "", "expires": ""}


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (PEM, {**SUBJECT, "expires": EXPIRES}),
        (f"Certificate:\n{PEM}{PEM}", {**SUBJECT, "expires": EXPIRES}),
        ("", NOTHING),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", NOTHING),
        ("-----BEGIN CERTIFICATE-----\nBgNVBAo=\n-----END CERTIFICATE-----", NOTHING),
    ],
)
def test_certificate(pem: str, told: dict[str, str]) -> None:
    assert read_certificate(pem) == told


def info(state: str, controls: bool = False, cluster: str = "", **more: t.Any) -> dict[str, t.Any]:
    found = {"LocalNodeState": state, "ControlAvailable": controls, "NodeID": "n1", "NodeAddr": "10.0.0.1", **more}
    return {"Swarm": {**found, "Cluster": {"ID": cluster} if cluster else None}}


@pytest.mark.parametrize(
    ("answer", "pem", "seen"),
    [
        ({}, "", MemberState("h", "inactive")),
        (info("inactive"), PEM, MemberState("h", "inactive")),
        (info("active", True, "A"), "", MemberState("h", "active", "manager", "A", "n1", "10.0.0.1", acting=True)),
        (
            info("active", True, "", Error="no leader"),
            "",
            MemberState("h", "active", "manager", "", "n1", "10.0.0.1", problem="no leader"),
        ),
        (info("active"), PEM, MemberState("h", "active", "worker", SUBJECT["cluster_id"], "n1", "10.0.0.1", expires=EXPIRES)),
        (info("active"), "", MemberState("h", "active", "worker", "", "n1", "10.0.0.1")),
        (
            info("locked", NodeID="", NodeAddr=""),
            PEM,
            MemberState("h", "locked", "worker", SUBJECT["cluster_id"], SUBJECT["node_id"], expires=EXPIRES),
        ),
        (info("pending", NodeID="", NodeAddr=""), "", MemberState("h", "pending")),
    ],
)
def test_info(answer: dict[str, t.Any], pem: str, seen: MemberState) -> None:
    assert read_info("h", answer, pem) == seen


@pytest.mark.parametrize(
    ("result", "seen"),
    [
        ({"item": "m1", "unreachable": True, "msg": "ssh: no route"}, MemberState("m1", "unreachable")),
        ({"item": "m1", "failed": True, "msg": "no python"}, MemberState("m1", "unreachable", problem="no python")),
        ({"item": "m1", "state": "inactive", "role": "", "acting": False}, MemberState("m1", "inactive")),
        ({"host": "w1", "state": "active", "role": "worker", "cluster_id": "A"}, MemberState("w1", "active", "worker", "A")),
        ({}, MemberState("(unnamed)", "unreachable")),
    ],
)
def test_result(result: dict[str, t.Any], seen: MemberState) -> None:
    assert read_result(result) == seen


def test_what_the_engine_leaves_out_has_its_default() -> None:
    assert describe_cluster({}) == {}
    made = describe_cluster({"ID": "A", "DataPathPort": 0, "DefaultAddrPool": None, "SubnetSize": 0, "CreatedAt": "2026"})
    assert made == {"created_at": "2026", "data_path_port": 4789, "default_addr_pool": [], "subnet_size": 24}
