# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end, in its three kinds: with what is known of the jobs, without it, and all. What lies in the shared directory stays in each."""

from __future__ import annotations

from tests.scenario import until
from tests.scenario.openmpf import SCENARIO, SHARE, complete, done, jobs, look, on
from tests.scenario.system import NOTHING


def pictures() -> int:
    return int(on("m1", f"ls {SHARE}/markup | wc -l"))


def start_again() -> None:
    SCENARIO.converge("site.yml")
    until(lambda: "jobs" in jobs(), "the workflow manager")


def test_a_part_of_the_shared_directory_is_emptied_by_a_command() -> None:
    assert int(on("m1", f"ls {SHARE}/remote-media | wc -l")) > 0 and pictures() > 0
    done(
        "exec",
        services_service="openmpf_workflow-manager",
        services_command=["find", "/opt/mpf/share/remote-media", "-mindepth", "1", "-delete"],
    )
    assert on("m1", f"ls {SHARE}/remote-media") == "" and pictures() > 0


def test_state_that_is_kept_is_there_again() -> None:
    before, drawn = complete(), pictures()
    done("teardown", confirm="lab", teardown_variant="keep_state")
    assert look()["services"] == {} and "openmpf_db_data" in look()["volumes"] and drawn > 0
    start_again()
    assert (complete(), pictures()) == (before, drawn)


def test_a_clean_slate_knows_no_job_and_keeps_the_shared_directory() -> None:
    drawn = pictures()
    done("teardown", confirm="lab", teardown_variant="clean_slate", teardown_stacks="openmpf")
    seen = look()
    assert [name for name in (*seen["services"], *seen["volumes"]) if name.startswith("openmpf")] == []
    start_again()
    assert jobs()["jobs"] == {} and pictures() == drawn


def test_teardown_leaves_nothing_and_is_silent_the_second_time() -> None:
    done("teardown", confirm="lab", teardown_variant="clean_slate")
    done("teardown", confirm="lab")
    assert SCENARIO.left() == NOTHING
    assert not any(done("teardown", confirm="lab").changed.values())
