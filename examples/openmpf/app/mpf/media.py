# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in the shared directory."""

from __future__ import annotations

from pathlib import Path

from .settings import SHARE


class Unreadable(Exception):
    """It is no picture, or none that can be read."""


def place(kind: str, job: str) -> Path:
    return SHARE / kind / job


def save(path: Path, content: bytes) -> None:
    """Nobody sees it before it is whole."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.rename(path)
