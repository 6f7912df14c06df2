# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: nothing of the cluster is left on any node, and a second run finds nothing to do."""

from __future__ import annotations

import json

from tests.scenario.ray import NODES, done, sdk

LEFT = """
print(json.dumps({
    "swarm": api.info()["Swarm"]["LocalNodeState"],
    "containers": [each["Names"] for each in api.containers(all=True)],
    "networks": [each["Name"] for each in api.networks() if each["Scope"] == "swarm"],
    "volumes": [each["Name"] for each in api.volumes()["Volumes"] or [] if not each["Name"].startswith("registry")],
}))
"""


def test_teardown_leaves_nothing_and_is_silent_the_second_time() -> None:
    done("teardown", confirm="lab")
    left = {node: json.loads(sdk(node, LEFT)) for node in NODES}
    assert left == {node: {"swarm": "inactive", "containers": [], "networks": [], "volumes": []} for node in NODES}
    assert not any(done("teardown", confirm="lab").changed.values())
