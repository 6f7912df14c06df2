# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parts take from their environment."""

from __future__ import annotations

import os
from pathlib import Path

SHARE = Path("/opt/mpf/share")
NODE = os.environ.get("NODE_HOSTNAME", os.uname().nodename)


def setting(name: str, default: str = "") -> str:
    """A variable, or the content of the file that NAME_LOAD_FROM_FILE names."""
    file = os.environ.get(f"{name}_LOAD_FROM_FILE")
    return Path(file).read_text().strip() if file else os.environ.get(name) or default
