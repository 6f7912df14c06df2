# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._io import polling
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import OutOfSequence
from ansible_collections.flotilla.swarm.plugins.module_utils._io.polling import SEQUENCE_ATTEMPTS, poll, write_in_sequence
from fake_clock import Clock


@pytest.mark.parametrize(
    ("good_at", "seconds", "looks", "waited"),
    [(1, 0, 1, 0), (9, 0, 1, 0), (3, 10, 3, 4), (9, 4, 3, 4), (9, 5, 4, 6)],
    ids=["at once", "no time", "in time", "out of time", "one look more than there is time"],
)
def test_it_looks_until_good_or_out_of_time(
    monkeypatch: pytest.MonkeyPatch, good_at: int, seconds: float, looks: int, waited: float
) -> None:
    clock, seen = Clock(), [0]
    monkeypatch.setattr(polling, "time", clock)
    began = clock.now

    def look() -> int:
        seen[0] += 1
        return seen[0]

    assert poll(look, lambda each: each >= good_at, seconds, pause=2) == looks
    assert clock.now - began == waited


@pytest.mark.parametrize("refused", range(SEQUENCE_ATTEMPTS + 1))
def test_what_was_overtaken_is_written_by_the_present_version(refused: int) -> None:
    versions: list[int] = []

    def write(version: int) -> None:
        versions.append(version)
        if len(versions) <= refused:
            raise OutOfSequence("updating", "out of sequence", "", 500)

    def run() -> None:
        write_in_sequence(1, write, lambda: versions[-1] + 1)

    if refused < SEQUENCE_ATTEMPTS:
        run()
    else:
        with pytest.raises(OutOfSequence):
            run()
    assert versions == list(range(1, min(refused + 1, SEQUENCE_ATTEMPTS) + 1))
