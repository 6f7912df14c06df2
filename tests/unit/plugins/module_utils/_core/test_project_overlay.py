# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host may put into a stack file of the controller: the names that its objects have, and its own id."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.compose_project import describe, overlay, read_overlay
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError

NODE = "n" * 25
CONTAINER = {
    "Image": "db:1",
    "State": "running",
    "Labels": {"com.docker.compose.service": "db"},
    "Mounts": [{"Type": "volume", "Name": "media_data"}],
}
VOLUME = {"Name": "media_data", "Labels": {"com.docker.compose.volume": "data"}}
NETWORK = {"Name": "media_default", "Labels": {"com.docker.compose.network": "default"}}


def test_what_the_module_makes_is_read() -> None:
    made = overlay(describe([CONTAINER], [VOLUME]), [NETWORK], NODE)
    assert set(made) == {"services", "volumes", "networks"} and read_overlay(made, "w1") == made and read_overlay({}, "w1") == {}


def pinned(constraints: Any) -> dict[str, Any]:
    return {"services": {"db": {"deploy": {"placement": {"constraints": constraints}}}}}


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"secrets": {"x": {"file": "/root/.ssh/id_ed25519"}}},
        {"services": {"evil": {"image": "evil:1", "env_file": "/etc/shadow"}}},
        {"services": {"db": {"deploy": {"placement": {"constraints": [f"node.id == {NODE}"]}}, "volumes": ["/:/host"]}}},
        {"volumes": {"data": {"name": "${PASSWORD}"}}},
        {"volumes": {"data": {"name": "x", "driver_opts": {"o": "bind"}}}},
        {"networks": {"default": {"name": "{{ lookup('pipe', 'id') }}"}}},
        {"networks": {"de\nfault": {"name": "x"}}},
        {"services": {"db": []}},
        pinned([]),
        pinned(["node.id == x"]),
        pinned([f"node.id == {NODE}", "node.role == manager"]),
        pinned(f"node.id == {NODE}"),
    ],
)
def test_anything_else_is_refused_with_the_host_s_name(told: Any) -> None:
    with pytest.raises(FlotillaError, match="what w1 tells of the project has an unexpected form"):
        read_overlay(told, "w1")
