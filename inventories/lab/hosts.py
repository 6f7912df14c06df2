#!/usr/bin/env python3
# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of the lab that is up (FLOTILLA_LAB names another than "lab")."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.inventory import as_script
from tests.lab.state import Paths

name = os.environ.get("FLOTILLA_LAB", "lab")
paths = Paths.from_environment()
lab = paths.load(name)
if not lab:
    sys.exit(f"lab {name!r} is not up: run `python3 -m tests.lab up`")
print(json.dumps(as_script(lab, paths.directory(name)), indent=2))
