# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manager through which a run acts is demoted, removed or switched off, while a client reads what has two replicas."""

from __future__ import annotations

import pytest

from tests.scenario import Run, by_name, finish, until
from tests.scenario.faults import LAST, done, is_updating, lab, locks, on, sdk, see, settle, start, variable, wrongs
from tests.scenario.web import reading

ACTS = LAST[0]
DEMOTE = """
node = api.inspect_node({name!r})
api.update_node(node["ID"], node["Version"]["Index"], {{**node["Spec"], "Role": "worker"}})
"""


@pytest.fixture(autouse=True)
def well() -> None:
    settle()


def lose_and_finish(release: str, act: str) -> Run:
    """A deploy through a manager that is lost while a service is being updated."""
    process = start("deploy", release=release, swarm_managers=list(LAST))
    until(is_updating, "the deploy")
    if act == "switched off":
        lab("stop", "--hard", ACTS)
    elif act == "engine killed":
        on(ACTS, "systemctl stop docker.socket && systemctl kill --signal=KILL docker && systemctl stop docker")
    else:
        sdk("m1", DEMOTE.format(name=ACTS))
    if act == "removed":
        until(lambda: not by_name(see())[ACTS]["reachability"], "the demotion")
        sdk("m1", f"api.remove_node({ACTS!r}, force=True)")
    return finish(process)


@pytest.mark.parametrize("act", ["demoted", "removed", "engine killed", "switched off"])
def test_the_run_goes_on_through_another_manager(act: str) -> None:
    release = f"without {act}"
    with reading() as reader:
        run = lose_and_finish(release, act)
    seen = see()
    try:
        assert run.rc == 0, run.out
        assert act == "demoted" or f"{ACTS} can't act any more" in run.text, run.out
        assert variable(seen, "app_slow", "RELEASE") == variable(seen, "app_web", "RELEASE") == release
        assert wrongs(seen) == [] and not locks(seen), (seen["services"], run.out)
        assert reader.requests > 20, reader.requests
        if act == "demoted":
            assert reader.failures == []
    finally:
        if act == "switched off":
            lab("start", ACTS)
        on(ACTS, "systemctl start docker")
        done("site", release=release)
    assert by_name(see())[ACTS]["role"] == "manager"
