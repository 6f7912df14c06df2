# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds words, by Tesseract."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path
from typing import Any

from .media import Unreadable

SURE = 60  # per cent


def find(path: Path) -> list[dict[str, Any]]:
    done = subprocess.run(["tesseract", str(path), "-", "tsv"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unreadable(f"tesseract: {done.stderr.strip()}")
    rows = csv.DictReader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        {"x": int(row["left"]), "y": int(row["top"]), "width": int(row["width"]), "height": int(row["height"]), "text": row["text"]}
        for row in rows
        if row["text"].strip() and float(row["conf"]) > SURE
    ]
