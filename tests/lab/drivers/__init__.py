# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to have machines. One file a driver."""

from __future__ import annotations

from collections.abc import Callable

from ..state import Paths
from .base import Driver
from .container import ContainerDriver
from .uml import UmlDriver

DRIVERS: dict[str, Callable[[Paths], Driver]] = {"container": ContainerDriver, "uml": UmlDriver}
