# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs that changes nothing: time, requests, memory, and how they grow."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Before any module of this package imports the collection or the fake engine.
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "tests/unit")]
