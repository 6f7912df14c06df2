# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml made of three bare nodes, and the ingress mesh on them."""

from __future__ import annotations

from tests.scenario.kernel import NODES, WEB, deploy, everywhere, have_web, inside, look, ready


def test_the_nodes_are_a_swarm() -> None:
    assert ready(look()) == list(NODES)


def test_every_node_answers_for_the_tasks_of_all() -> None:
    have_web()


def test_a_task_reaches_the_service_by_its_virtual_address() -> None:
    for node in NODES:
        assert inside(node, "web_web", "wget", "-q", "-O", "-", "http://web:8080/node").strip() in NODES


def test_a_second_deploy_changes_nothing() -> None:
    before = everywhere("web_web")
    assert deploy(WEB).changed == dict.fromkeys(NODES, 0)
    assert everywhere("web_web") == before
