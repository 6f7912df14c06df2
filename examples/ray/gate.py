# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: gate.py URL RELEASE

A gate of deploys (stacks_gate): ends with 1 where the cluster whose dashboard is at the URL runs tasks and another release of Ray than this
one. A new release restarts the head, and with it all that runs is lost. Where nothing listens there is nothing to lose.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

RUNNING = "api/v0/tasks?filter_keys=state&filter_predicates=%3D&filter_values=RUNNING"


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def refusal(url: str, release: str) -> str:
    """Why not to deploy, or nothing."""
    try:
        runs = read(f"{url}/api/version")["ray_version"]
        tasks = 0 if runs == release else read(f"{url}/{RUNNING}")["data"]["result"]["num_filtered"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        if isinstance(getattr(error, "reason", None), ConnectionRefusedError):
            return ""
        return f"{url} does not tell what runs on the cluster ({error}). Look at it, or deploy without the gate."
    return f"{tasks} tasks run on Ray {runs}, and release {release} would end them. Wait for them, or stop them." if tasks else ""


if __name__ == "__main__":
    sys.exit(refusal(sys.argv[1].rstrip("/"), sys.argv[2]) or None)
