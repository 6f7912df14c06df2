# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of a container, of long ones the end. Pure."""

from __future__ import annotations

from .streams import frames

OUTPUT_BYTES = 64 * 1024
"""So much of an output is kept, its end."""
TOLD_LINES = 20
_STDERR = 2


def split_streams(raw: bytes) -> tuple[str, str]:
    """Standard output and standard error out of a stream of the Engine API, the last part of each where it is long."""
    parts = frames(raw)
    return bounded(b"".join(part for kind, part in parts if kind != _STDERR)), bounded(
        b"".join(part for kind, part in parts if kind == _STDERR)
    )


def last_words(stdout: str, stderr: str) -> str:
    """The last lines of both outputs for an error message, each indented on a line of its own."""
    lines = [line.rstrip() for line in f"{stdout}\n{stderr}".splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-TOLD_LINES:])


def bounded(output: bytes, most: int = OUTPUT_BYTES) -> str:
    """The text of an output, of a long one the end."""
    left_out = len(output) - most
    text = output[-most:].decode("utf-8", "replace")
    return f"[{left_out} bytes before this were omitted]\n{text}" if left_out > 0 else text
