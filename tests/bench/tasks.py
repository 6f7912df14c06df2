# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down how many tasks of a service run, until it is killed; runs on a manager, and needs nothing but Python and the client's SDK.

python3 tasks.py SERVICE FILE
"""

from __future__ import annotations

import sys
import time
from typing import Any

import docker

PAUSE_SECONDS = 0.2


def main(service: str, path: str) -> None:
    client: Any = docker.APIClient(version="auto")
    with open(path, "w", buffering=1) as record:
        while True:
            tasks = client.tasks(filters={"service": service, "desired-state": "running"})
            running = sum(task["Status"]["State"] == "running" for task in tasks)
            record.write(f"{time.time():.3f} {running}\n")
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
