# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the text of a picture with Tesseract."""

from __future__ import annotations

import asyncio
from pathlib import Path

LONGEST = 120


class Unreadable(Exception):
    """No picture, or none that Tesseract can read; the text is Tesseract's."""


async def read_text(picture: Path) -> str:
    """The lines of the picture. Raises Unreadable, and OSError where the file is not there."""
    picture.stat()
    process = await asyncio.create_subprocess_exec(
        "tesseract", str(picture), "stdout", "--psm", "6", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), LONGEST)
    except TimeoutError:
        process.kill()
        raise Unreadable(f"not read within {LONGEST} seconds") from None
    if process.returncode:
        raise Unreadable(error.decode(errors="replace").strip()[-300:])
    return out.decode().strip()
