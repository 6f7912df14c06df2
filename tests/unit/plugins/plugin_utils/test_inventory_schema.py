# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typing errors over the variables of all roles are found, and the right word is suggested."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_schema import (
    find_wrong,
    is_unknown,
    known_names,
    nearest,
    role_of,
    written,
)

NAMES = sorted(known_names())
WRONG: dict[str, t.Any] = {
    "bool": "perhaps",
    "bytes": ["1"],
    "dict": 5,
    "float": "fast",
    "int": "many",
    "list": {"a": 1},
    "path": 5,
    "str": ["a"],
}


def typing_errors(name: str) -> set[str]:
    """The name with each letter dropped once, and with each two neighbours changed, but for what is another variable's name."""
    dropped = {name[:at] + name[at + 1 :] for at in range(len(name))}
    swapped = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)}
    return (dropped | swapped) - set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_too_few_or_two_changed_are_found(name: str) -> None:
    for wrong in typing_errors(name):
        if not wrong.startswith(("__", "ansible_")):
            assert is_unknown(wrong), wrong
            # What is near to two names, such as services_labels to services_label, may be either.
            assert nearest(wrong) == name or wrong in typing_errors(nearest(wrong)) or role_of(wrong) == role_of(nearest(wrong)), wrong


@pytest.mark.parametrize("name", [name for name in NAMES if known_names()[name]["x-type"] != "raw"])
def test_a_value_of_a_wrong_type_is_found(name: str) -> None:
    (wrong,) = find_wrong(name, WRONG[known_names()[name]["x-type"]], shown=True)
    assert wrong.path == () and wrong.cure.startswith(("Expected ", "Write "))
    (empty,) = find_wrong(name, None, shown=True)
    assert empty.text == "has no value"


@pytest.mark.parametrize("name", [name for name in NAMES if "enum" in str(known_names()[name].get("anyOf", ""))])
def test_a_wrong_choice_is_found_and_the_right_one_suggested(name: str) -> None:
    for choice in filter(None, known_names()[name]["anyOf"][0]["enum"]):
        assert not find_wrong(name, choice, shown=True)
        (wrong,) = find_wrong(name, f"{choice}x", shown=True)
        assert wrong.text == f"is '{choice}x'" and wrong.cure.startswith(f"Write {choice};")


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_right(name: str) -> None:
    default = known_names()[name].get("default")
    assert default is None or find_wrong(name, default, shown=True) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("engine_package", "engine_packages"),
        ("swarm_advertise_address", "swarm_advertise_addr"),
        ("nodes_targets", "nodes_target"),
        ("node_labels", "nodes_labels"),
        ("stack_present", "stacks_present"),
        ("firewall_enable", "firewall_enabled"),
        ("teardown_variants", "teardown_variant"),
        ("preflight_max_clock_skw", "preflight_max_clock_skew"),
        ("registry_user", ""),
        ("backup_cron", ""),
    ],
)
def test_the_variable_that_was_meant(name: str, meant: str) -> None:
    assert is_unknown(name) and nearest(name) == meant


@pytest.mark.parametrize(
    "name", ["service_name", "own_engine", "ansible_host", "__nodes_x", "swarm_acting_manager", "nodes_changed", "awx_job_id"]
)
def test_names_that_are_nobodys_business(name: str) -> None:
    assert not is_unknown(name)


def test_names_of_the_users_own_are_patterns() -> None:
    assert is_unknown("backup_cron_hour") and not is_unknown("backup_cron_hour", ["backup_cron_*"])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("networks_present", [{"nme": "x"}], ["networks_present[0].nme is not a known key. Write name"]),
        ("networks_present", [{}], ["networks_present[0].name is missing. Add it: the name"]),
        ("swarm_settings", {"task_history": 3}, ["swarm_settings.task_history is not a known key. Write task_history_limit"]),
        (
            "volumes_present",
            [{"name": "v", "driver_opts": {}}],
            ["volumes_present[0].driver_opts is not a known key. Known are name, driver, options, nfs and labels"],
        ),
        (
            "volumes_present",
            [{"name": "v", "nfs": {"server": "s"}}],
            ["volumes_present[0].nfs.path is missing. Add it: absolute path that the server exports"],
        ),
        (
            "volumes_present",
            [{"name": "v", "nfs": {"server": "s", "path": "/p"}, "options": {"o": "x"}}],
            ["volumes_present[0] has both options and nfs. Keep one of them"],
        ),
        (
            "engine_daemon_config",
            {"debug": "yes", "log-opt": {}},
            [
                "engine_daemon_config.debug is 'yes'. Expected true or false",
                "engine_daemon_config.log-opt is not a known key. Write log-opts",
            ],
        ),
        (
            "nodes_availability",
            {"w1": "drainn"},
            ["nodes_availability.w1 is 'drainn'. Write drain; expected active, pause, drain or previous"],
        ),
        ("nodes_target", "m1, w1", []),
        ("swarm_rotate", "ca,manager_token", []),
        ("stacks_plan_ids", '{"web": "1"}', []),
    ],
)
def test_what_is_said_of_a_value(name: str, value: t.Any, told: list[str]) -> None:
    found = sorted(f"{written(each.name, each.path)} {each.text}. {each.cure}" for each in find_wrong(name, value, shown=True))
    assert found == told


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("nodes_drain_timeout", "hunter2", False),
        ("swarm_unlock_key_vault_password", ["hunter2"], True),
        ("stacks_registry_auth", [{"registry": "r", "username": "u", "password": {"hunter2": "hunter2"}}], True),
        ("preflight_min_memory_mb", "hunter2", False),
    ],
)
def test_no_secret_is_shown(name: str, value: t.Any, shown: bool) -> None:
    found = find_wrong(name, value, shown)
    assert found and "hunter2" not in str(found)
