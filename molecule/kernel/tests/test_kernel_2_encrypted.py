# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted network between kernels that can encrypt, and what health says where a packet filter stops it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenario import Run, until
from tests.scenario.kernel import SECRET, deploy, on, play, sdk

WELL = "3 of 3 paths between nodes carry full packets; 1 of 1 in encrypted networks carry them encrypted"
BLOCK = "INPUT --protocol esp --jump DROP"


@pytest.fixture(scope="module", autouse=True)
def secret() -> Iterator[None]:
    deploy(SECRET)
    yield
    sdk("m1", "api.remove_service('secret_peer')")


def health() -> Run:
    return play(playbook="playbooks/health.yml")


def well() -> bool:
    """Nodes need some seconds until they know each other's tasks."""
    run = health()
    assert WELL in run.text and "failed overlay" not in run.text, run.out
    return True


def test_it_carries_full_packets_that_nobody_else_can_read() -> None:
    assert until(well, seconds=60)


def test_a_packet_filter_that_stops_it_is_found() -> None:
    on("m2", f"iptables --insert {BLOCK}")
    try:
        ill = health()
    finally:
        on("m2", f"iptables --delete {BLOCK}")
    assert ill.rc != 0 and "failed overlay m1 and m2: nothing gets through in encrypted network secret_back" in ill.text, ill.out
    assert "Let ESP (IP protocol 50) through" in ill.text and "in clear" not in ill.text
