# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of fields, and what it is for beyond its rows."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.fields import FIELDS, ServiceField, comparable, refuse_unknown
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

Json = dict[str, t.Any]


def spec(container: Json | None = None, task: Json | None = None, **fields: t.Any) -> Json:
    return {"TaskTemplate": {"ContainerSpec": {"Image": "web:1", **(container or {})}, **(task or {})}, **fields}


def test_each_field_has_places_of_its_own() -> None:
    for places in ([field.word for field in FIELDS], [field.path for field in FIELDS], [field.key for field in FIELDS]):
        assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("given", "word", "shown"),
    [
        (spec({"Healthcheck": {"Interval": 1_500_000_000}}), "healthcheck.interval", "1.5s"),
        (spec({"Healthcheck": {"Interval": 100_000_000_001}}), "healthcheck.interval", "100.000000001s"),
        (spec({"StopGracePeriod": 0}), "stop_grace_period", "0s"),
        (spec(), "stop_grace_period", "10s"),
        (spec({"Dir": "/w"}), "working_dir", "/w"),
        (spec({"Ulimits": [{"Name": "n", "Soft": 1024, "Hard": -1}, {"Name": "core"}]}), "ulimits", {"n": "1024:-1", "core": "0:0"}),
        (spec(task={"Resources": {"Limits": {"NanoCPUs": 500_000_000}}}), "resources.limits.cpus", 0.5),
        (
            spec(
                task={
                    "Resources": {
                        "Reservations": {
                            "GenericResources": [
                                {"NamedResourceSpec": {"Kind": "gpu", "Value": "UUID1"}},
                                {"DiscreteResourceSpec": {"Kind": "fpga", "Value": 2}},
                            ]
                        }
                    }
                }
            ),
            "resources.reservations.generic_resources",
            ["fpga=2", "gpu=UUID1"],
        ),
        (spec(UpdateConfig={"FailureAction": "pause"}), "update_config.parallelism", 0),
        (spec(), "update_config.parallelism", 1),
    ],
)  # fmt: skip
def test_a_field_is_shown_as_a_stack_file_says_it(given: Json, word: str, shown: t.Any) -> None:
    assert comparable(given)[word] == shown


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (spec({"NewField": {"A": 1}}), "container.new_field"),
        (spec(task={"NewField": "x"}), "new_field"),
        (spec(task={"Placement": {"NewField": "x"}}), "placement.new_field"),
    ],
)
def test_what_no_row_knows_is_compared_all_the_same(given: Json, path: str) -> None:
    assert comparable(given).keys() - comparable(spec()).keys() == {path}


def test_what_is_empty_is_as_if_it_were_not_there() -> None:
    assert comparable(spec({"NewField": {"A": ""}, "Hosts": [], "TTY": False}, {"Placement": None})) == comparable(spec())


@pytest.mark.parametrize(
    ("given", "version", "message"),
    [
        (spec({"OomScoreAdj": 5}), (1, 45), "service app_web: oom_score_adj is new in version 1.46 of .* the manager has 1.45"),
        (spec({"Healthcheck": {"StartInterval": 5}}), (1, 43), "healthcheck.start_interval is new in version 1.44"),
    ],
)
def test_a_field_that_the_engine_would_drop_is_refused(given: Json, version: tuple[int, ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        refuse_unknown([{"Name": "app_web", **given}], version)
    refuse_unknown([given], (version[0], version[1] + 1))
    refuse_unknown([spec({"OomScoreAdj": 0, "Healthcheck": None})], version)


@pytest.mark.parametrize(
    ("kept", "value", "given"), [(False, 0, False), (False, "", False), (False, 5, True), (True, 0, True), (True, None, False)]
)
def test_zero_is_given_where_it_says_something(kept: bool, value: t.Any, given: bool) -> None:
    assert ServiceField("x", ("X",), ("x",), kept=kept).is_given(value) is given
