# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.pulls import KEPT, read_pulls

LINE = (
    'time="2026-11-30T12:00:0{n}Z" level=error msg="{msg}" error="{error}" '
    "module=node/agent/taskmanager node.id=n1 service.id=s1 task.id={task}"
)


def line(task: str, error: str, msg: str = "pulling image failed", n: int = 1) -> str:
    return LINE.format(task=task, error=error, msg=msg, n=n)


def test_the_last_word_on_each_task_counts() -> None:
    messages = [
        line("a", "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"),
        line("b", 'Get \\"https://10.0.0.1:5000/v2/\\": x509: certificate signed by unknown authority'),
        line("c", "fatal task error", msg="fatal task error"),
        line("a", "Head https://u:secret@r/v2/: proxyconnect tcp: dial tcp: lookup proxy: no such host", n=2),
        "not a line of the engine",
        'msg="pulling image failed" task.id=d',
    ]
    found = read_pulls("\n".join(messages))
    assert [each["task"] for each in found] == ["b", "a"]
    assert found[0]["cause"] == 'Get "https://10.0.0.1:5000/v2/": x509: certificate signed by unknown authority'
    assert "proxyconnect" in found[1]["cause"] and "secret" not in found[1]["cause"]


def test_only_the_latest_are_kept() -> None:
    found = read_pulls("\n".join(line(f"t{number}", "x") for number in range(100)))
    assert len(found) == KEPT and found[-1]["task"] == "t99" and read_pulls("") == []
