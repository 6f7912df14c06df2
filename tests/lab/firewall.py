# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stopped engine leaves in the machine's packet filter. Pure."""

from __future__ import annotations


def leftovers(rules: str) -> list[list[str]]:
    """iptables arguments that remove the engine's chains and the jumps to them, from the text of `iptables -S`."""
    lines = [line.split() for line in rules.splitlines()]
    chains = [words[1] for words in lines if words[0] == "-N" and words[1].startswith("DOCKER")]
    jumps = [
        ["-D", *words[1:]] for words in lines if words[0] == "-A" and not words[1].startswith("DOCKER") and words[-1].startswith("DOCKER")
    ]
    return jumps + [["-F", chain] for chain in chains] + [["-X", chain] for chain in chains]
