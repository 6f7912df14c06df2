# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to look at nodes are those of the scenario hosts."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "hosts/tests"))
