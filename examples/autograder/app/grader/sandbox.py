# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a process of its own: limits itself, runs the code, calls the function, writes the answers as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any


def limit(limits: dict[str, Any]) -> None:
    for kind, value in (
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def answer(function: Any, arguments: list[Any]) -> dict[str, Any]:
    try:
        value = function(*arguments)
        json.dumps(value)
    except BaseException as error:  # the code of a student may raise anything, SystemExit too
        return {"error": describe(error)}
    return {"value": value}


def run(request: dict[str, Any]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "submission"}
    try:
        exec(compile(request["code"], "submission.py", "exec"), namespace)
        function = namespace[request["function"]]
    except KeyError:
        return {"error": f"it defines no function {request['function']}"}
    except BaseException as error:
        return {"error": describe(error)}
    return {"answers": [answer(function, arguments) for arguments in request["calls"]]}


def main() -> None:
    request = json.load(sys.stdin)
    # What the code prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    limit(request["limits"])
    json.dump(run(request), answers)
    answers.flush()
    # The code may have left threads or exit handlers that would go on.
    os._exit(0)


if __name__ == "__main__":
    main()
