# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Change
from ansible_collections.flotilla.swarm.plugins.plugin_utils.notification import Email, Run, message, read_settings

NODE = Change("node", "w1", "create").as_result()
EMAIL = {"to": "ops@example.org", "from": "swarm@example.org", "host": "mail"}


@pytest.mark.parametrize(
    ("run", "event"),
    [
        (Run("site"), "started"),
        (Run("site", seconds=3), "unchanged"),
        (Run("site", changes=[NODE], seconds=3), "changed"),
        (Run("plan", checking=True, changes=[NODE], seconds=3), "planned"),
        (Run("plan", checking=True, seconds=3), "unchanged"),
        (Run("site", changes=[NODE], failed={"m1": "no"}, seconds=3), "failed"),
    ],
)
def test_every_run_is_one_event(run: Run, event: str) -> None:
    assert message(run)["event"] == event


def test_hosts_of_one_cause_are_one_line_and_the_time_comes_last() -> None:
    body = message(Run("site", "prod", changes=[NODE], failed={"w2": "no route", "w1": "no route", "m1": "full"}, seconds=61.4))
    assert body["text"].splitlines() == [
        "site of prod: failed", "w1, w2: no route", "m1: full", "+ node     w1", "1 to add, in 61 s",
    ]  # fmt: skip
    assert body["failed"] == [{"hosts": ["w1", "w2"], "cause": "no route"}, {"hosts": ["m1"], "cause": "full"}]


def test_a_long_list_is_cut_for_people_and_whole_for_programs() -> None:
    body = message(Run("site", changes=[NODE] * 100, seconds=1))
    assert len(body["changes"]) == 100 and len(body["text"].splitlines()) == 33
    assert body["text"].splitlines()[-2] == "and 70 lines more"


def test_what_is_not_set_tells_nobody() -> None:
    settings = read_settings({})
    assert (settings.webhook, settings.email, settings.events) == ("", None, ("changed", "failed"))


def test_an_address_may_be_one_or_many() -> None:
    assert read_settings({"notify_email": EMAIL}).email == Email(("ops@example.org",), "swarm@example.org", "mail")
    many = read_settings({"notify_email": {**EMAIL, "to": ["a@b", "c@d"], "port": 587, "username": "u", "password": "p"}}).email
    assert many == Email(("a@b", "c@d"), "swarm@example.org", "mail", 587, "u", "p")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"notify_webhook": "hooks.example.org/verysecret"}, "notify_webhook does not begin with https:// or http://"),
        ({"notify_events": ["broken"]}, "notify_events is ['broken'], expected a list of started, failed"),
        ({"notify_events": "failed"}, "notify_events is 'failed', expected a list"),
        ({"notify_email": "ops@example.org"}, "notify_email is no mapping"),
        ({"notify_email": {"to": "a@b"}}, "notify_email lacks from, host"),
        ({"notify_email": {**EMAIL, "pasword": "verysecret"}}, "notify_email has pasword, expected from, host"),
        ({"notify_email": {**EMAIL, "port": "smtp"}}, "port 'smtp'"),
    ],
)
def test_what_is_wrong_is_told_without_secrets(variables: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError) as refused:
        read_settings(variables)
    assert told in str(refused.value) and "verysecret" not in str(refused.value)
