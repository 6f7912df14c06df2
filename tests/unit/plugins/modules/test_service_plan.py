# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``service`` plans, from plain data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.schedule.placement import Nodes
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.diff import Names
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import Resolved
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import verbs
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.modules.service import Observed, given_parts, plan, read_edit, read_verb
from fake_engine import node, service

Json = dict[str, t.Any]
NODE = node("m1", role="manager")


def given(**options: t.Any) -> Json:
    """Options as AnsibleModule hands them on."""
    verbs_of_none = dict.fromkeys(("scale", "restart", "update", "rollback", "rebalance"))
    return {**verbs_of_none, "name": [], "stack": [], "label": {}, "allow_empty": False, **options}


def item(name: str, **more: t.Any) -> Json:
    return {"ID": name, "Spec": service(name, replicas=1, **more)}


def observed(*services: Json, done: tuple[str, ...] = (), **more: t.Any) -> Observed:
    return Observed(verbs.Observed(services, Nodes([NODE]), **more), done)


@pytest.mark.parametrize(
    ("options", "planned"),
    [
        ({"scale": {"replicas": {"web": 2, "worker": 1}, "check_capacity": True}}, [("web", "replicas", 1, 2)]),
        ({"restart": {}, "stack": ["app"]}, [("web", "force_update", 0, 1), ("worker", "force_update", 0, 1)]),
        ({"update": {"labels": {"tier": "front"}}, "name": ["*"]}, [("web", "labels.tier", None, "front")]),
        ({"rebalance": {}, "name": ["*"]}, []),
    ],
)
def test_each_verb_has_its_plan(options: Json, planned: list[tuple[t.Any, ...]]) -> None:
    services = observed(item("web"), item("worker", labels={"tier": "front"}))
    changes = plan(services, given(**options)).changes
    assert [(change.name, field.path, field.before, field.after) for change in changes for field in change.fields] == planned


def test_what_an_earlier_call_did_is_not_planned_again() -> None:
    services = observed(item("web"), item("worker"), done=("web",))
    assert [change.name for change in plan(services, given(restart={}, name=["*"])).changes] == ["worker"]


def test_a_rollback_needs_a_past() -> None:
    with pytest.raises(PlanError, match="web: never updated"):
        plan(observed(item("web")), given(rollback={}, name=["web"]))


def test_an_update_knows_images_and_networks_by_what_was_observed() -> None:
    services = observed(
        item("web"),
        images={"nginx:2": Resolved(digest=f"sha256:{'ab' * 32}")},
        names=Names(networks={"id1": "back"}),
    )
    (change,) = plan(services, given(update={"image": "nginx:2", "networks": ["back"]}, name=["web"])).changes
    template = change.payload.body["TaskTemplate"]
    assert template["ContainerSpec"]["Image"] == f"nginx:2@sha256:{'ab' * 32}" and template["Networks"] == [{"Target": "id1"}]


@pytest.mark.parametrize(
    ("update", "parts"),
    [
        ({"image": " ", "environment": {}, "constraints": [""], "limits": {"cpus": None}, "mounts": None}, {}),
        ({"image": " nginx:2 ", "constraints": [" a == b", ""]}, {"image": "nginx:2", "constraints": ["a == b"]}),
        ({"limits": {"cpus": 0.0, "memory": None}, "labels": {"a": None}}, {"limits": {"cpus": 0.0}, "labels": {"a": None}}),
    ],
)
def test_only_what_is_given_is_changed(update: Json, parts: Json) -> None:
    assert given_parts(update) == parts


def test_a_variable_is_secret_by_where_it_is_given() -> None:
    edit = read_edit({"environment": {"A": "1", "B": "2"}, "secret_environment": {"B": "3"}}, {})
    assert (dict(edit.environment), tuple(edit.secret_variables)) == ({"A": "1", "B": "3"}, ("B",))


def test_a_verb_without_a_value_is_none() -> None:
    assert read_verb(given(rollback={})) == "rollback"
    with pytest.raises(PlanError, match="no action is given"):
        read_verb(given())
