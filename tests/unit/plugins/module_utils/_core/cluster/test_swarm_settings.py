# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the swarm: durations, and that nothing changes that was not named."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.cluster.settings import (
    DURATIONS,
    PLACES,
    change_spec,
    compare_settings,
    format_duration,
    parse_duration_ns,
    read_settings,
    read_wanted,
)
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

SPEC: dict[str, t.Any] = {
    "Name": "default",
    "Labels": {"owner": "ops"},
    "Orchestration": {"TaskHistoryRetentionLimit": 7},
    "Raft": {"SnapshotInterval": 10000, "KeepOldSnapshots": 0, "ElectionTick": 10, "HeartbeatTick": 1, "Future": 3},
    "Dispatcher": {"HeartbeatPeriod": 5 * 10**9},
    "CAConfig": {"NodeCertExpiry": 7776 * 10**12, "ExternalCAs": [{"URL": "https://ca"}]},
    "TaskDefaults": {"LogDriver": {"Name": "journald"}},
    "EncryptionConfig": {"AutoLockManagers": True},
}


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [("90d", 7776 * 10**12), ("2160h", 7776 * 10**12), ("1h30m", 5400 * 10**9), ("5", 5 * 10**9), ("2.5s", 25 * 10**8), ("0", 0)],
)
def test_duration(text: str, expected_ns: int) -> None:
    assert parse_duration_ns(text, "x") == expected_ns


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "-1s", "1h 30m", "s"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(PlanError, match=r"settings\.node_cert_expiry: .* is not a duration"):
        read_wanted({"node_cert_expiry": text})


def test_labels_are_sent_as_text_which_is_all_that_the_engine_takes() -> None:
    wanted = read_wanted({"labels": {"production": True, "tier": 3, "owner": None}})
    changed = change_spec(SPEC, wanted)
    assert changed["Labels"] == {"production": "true", "tier": "3"}
    assert not compare_settings(changed, wanted)
    with pytest.raises(PlanError, match="Label teams of the swarm: a list can't be a label's value"):
        read_wanted({"labels": {"teams": ["a"]}})


@given(st.integers(min_value=0, max_value=10**18))
def test_durations_survive_a_round_trip(duration_ns: int) -> None:
    assert parse_duration_ns(format_duration(duration_ns), "x") == duration_ns


WANTED = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.integers(0, 100) for name in PLACES if name not in (*DURATIONS, "autolock")},
        **dict.fromkeys(DURATIONS, st.sampled_from(["5s", "90d", "1h"])),
        "labels": st.dictionaries(st.sampled_from(["owner", "a", "b"]), st.none() | st.text(max_size=3), max_size=3),
    },
)


@given(st.lists(WANTED, max_size=5))
def test_nothing_changes_that_was_not_named(steps: list[dict[str, t.Any]]) -> None:
    spec = copy.deepcopy(SPEC)
    for settings in steps:
        before, wanted = copy.deepcopy(spec), read_wanted(settings)
        spec = change_spec(spec, wanted)
        assert not compare_settings(spec, wanted)
        assert {key: spec[key] for key in ("Name", "TaskDefaults", "EncryptionConfig")} == {
            key: before[key] for key in ("Name", "TaskDefaults", "EncryptionConfig")
        }
        for name, (part, key) in PLACES.items():
            if name not in settings:
                assert spec[part].get(key) == before[part].get(key)
        assert spec["Raft"]["Future"] == 3 and spec["CAConfig"]["ExternalCAs"] == [{"URL": "https://ca"}]
        named = settings.get("labels") or {}
        assert {k: v for k, v in spec["Labels"].items() if k not in named} == {k: v for k, v in before["Labels"].items() if k not in named}


def test_differences_are_shown_as_the_user_writes_them() -> None:
    fields = compare_settings(SPEC, read_wanted({"node_cert_expiry": "30d", "labels": {"owner": None}, "task_history_limit": 7}))
    assert [(each.path, each.before, each.after) for each in fields] == [
        ("labels.owner", "ops", None),
        ("node_cert_expiry", "90d", "30d"),
    ]


def test_an_engine_that_leaves_fields_out() -> None:
    assert read_settings({}) == {"autolock": False, "labels": {}}
