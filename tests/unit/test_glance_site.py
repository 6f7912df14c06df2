# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of site.yml shows with the settings of the project, to the letter."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fake_engine import FakeEngine, volume

from tests.bench.fleet import Fleet, members
from tests.bench.measure import BenchError

SCREEN = 25
SILENT = """
Check the inventory before any host is asked                    {hosts}
check: no fault in {count} hosts, 7 variables, 1 stack; no host was asked
Inspect every host before anything is changed                   {hosts}
Stop on any fault                                               {hosts}
preflight found no fault on {count} hosts
Prepare the hosts                                               {hosts}
Make the hosts one swarm                                        {hosts}
Create volumes                                                  {hosts}
Configure the cluster through a manager that answers            {hosts}
Build and push the images                                       {hosts}
Deploy the stacks through a manager that answers                {hosts}
bench: 5 services untouched, in N s

{count} hosts ok, nothing changed, in N s.
"""
FAILING = """
Check the inventory before any host is asked                         3 hosts
check: no fault in 3 hosts, 7 variables, 1 stack; no host was asked
Inspect every host before anything is changed                        3 hosts
Stop on any fault                                                    3 hosts
  failed  Report | Fail on any fault

The run failed, in N s.

Report | Fail on any fault
  preflight found 2 faults, nothing was changed:
  - m2: 10 MiB free for the engine's data, 2000 are needed. Free or add space, or set preflight_min_disk_free_mb.
  - m3: 10 MiB free for the engine's data, 2000 are needed. Free or add space, or set preflight_min_disk_free_mb.
"""


def shown(text: str) -> str:
    return re.sub(r"in \d+ s\b", "in N s", text)


@pytest.mark.parametrize("count", [3, 12])
def test_a_silent_site(tmp_path: Path, count: int) -> None:
    """It has a line for each step, not for each host: with 200 of them it is as long."""
    with FakeEngine(nodes=members(count), volumes=[volume("uploads")]) as fake:
        played = Fleet.lay_out(tmp_path / "fleet", fake, 5).play("site.yml")
    assert shown(played.text).strip() == SILENT.format(count=count, hosts=f"{count} hosts".rjust(12)).strip()
    assert max(map(len, played.text.splitlines())) <= 80 and len(played.text.splitlines()) <= SCREEN


def test_a_failing_site(tmp_path: Path) -> None:
    with FakeEngine(nodes=members(3), volumes=[volume("uploads")]) as fake:
        fleet = Fleet.lay_out(tmp_path / "fleet", fake, 5)
        for name in ("m2", "m3"):
            seen = json.loads((fleet.folder / f"{name}.json").read_text())
            seen["host"]["disk_free_mb"] = 10
            (fleet.folder / f"{name}.json").write_text(json.dumps(seen))
        with pytest.raises(BenchError) as refused:
            fleet.play("site.yml")
    _doing, text = str(refused.value).split("\n", 1)
    assert shown(text).strip() == FAILING.strip()
