# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios read from the output of a run."""

from __future__ import annotations

import pytest

from tests.scenario import Run

OUT = """
TASK [Say changed=7 unreachable=0] *****
ok: [m1] =>
  msg: |-
    there is no
    service web

PLAN ***********************************
~ service  web  image a -> b
1 to change. Nothing was changed.

PLAY RECAP *****************************
localhost                  : ok=4    changed={controller}    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
m1                         : ok=31   changed=12   unreachable=0    failed=0    skipped=9    rescued=0    ignored=0
w1.example.org             : ok=3    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
"""


@pytest.mark.parametrize(("controller", "counted"), [(0, {}), (2, {"localhost": 2})])
def test_changed_has_every_host_and_the_controller_where_it_changed_something(controller: int, counted: dict[str, int]) -> None:
    assert Run(0, OUT.format(controller=controller)).changed == {"m1": 12, "w1.example.org": 0, **counted}


def test_only_the_last_recap_counts() -> None:
    assert Run(0, f"{OUT}\nPLAY RECAP ***\nm1 : ok=1    changed=0    unreachable=0    failed=0\n").changed == {"m1": 0}


@pytest.mark.parametrize("out", ["", "ERROR! the playbook: none.yml could not be found\n", "m1 : ok=1 changed=3 unreachable=0\n"])
def test_a_run_without_a_recap_has_no_host(out: str) -> None:
    assert Run(1, out).changed == {}


def test_words_are_found_across_lines() -> None:
    run = Run(2, OUT)
    assert run.lacks("there is no service web", "there is no service app", "m1") == ["there is no service app"]


def test_the_plan_is_what_follows_its_last_head() -> None:
    run = Run(0, f"PLAN ***\nan earlier one\n{OUT}")
    assert run.plan[:2] == ["~ service  web  image a -> b", "1 to change. Nothing was changed."]
    assert Run(0, "PLAY [none] ***\n").plan == []
