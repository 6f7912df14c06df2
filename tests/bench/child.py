# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that runs one thing once, so that its memory and its processor time are that thing's alone.

    python -m tests.bench.child module stack < ARGUMENTS      # a module's main; prints its result
    python -m tests.bench.child load < OPTIONS                # the controller's half; prints the model

Arguments and options are JSON. The last line is ``{"peak_bytes": N, "cpu_seconds": N}``.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

PLUGINS = "ansible_collections.flotilla.swarm.plugins"


def run_module(name: str, arguments: dict[str, Any]) -> Any:
    from module_runner import run_module_main

    check = arguments.pop("check", False)
    return run_module_main(importlib.import_module(f"{PLUGINS}.modules.{name}").main, arguments, check=check)


def load(options: dict[str, Any]) -> Any:
    from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model

    return load_model(options, [Path.cwd()]).model


def peak_bytes() -> int:
    """Of this process alone: getrusage tells at least what the parent had when it started it."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def main(what: str, *names: str) -> None:
    given = json.load(sys.stdin)
    result = run_module(names[0], given) if what == "module" else load(given)
    print(json.dumps(result))
    print(json.dumps({"peak_bytes": peak_bytes(), "cpu_seconds": time.process_time()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
