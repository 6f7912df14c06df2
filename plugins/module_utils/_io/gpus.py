# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver of NVIDIA's GPUs says of them."""

from __future__ import annotations

import typing as t

from .._core.host import gpus
from ..errors import PlanError

_NO_COMMAND = 127
_NO_DEVICES = "No devices were found"


def find_gpus(host: t.Any) -> tuple[str, str, list[gpus.Gpu]]:
    """``absent``, ``failed`` or ``ready``, why, and the GPUs."""
    code, out, err = host.run([*gpus.QUERY])
    if code == _NO_COMMAND:
        return "absent", err.strip(), []
    # newer drivers exit with 6 if there is no GPU
    if code and _NO_DEVICES not in out:
        return "failed", out.strip() or err.strip(), []
    try:
        return "ready", "", gpus.parse_query(out, host.run([*gpus.LIST])[1])
    except PlanError as error:  # a GPU that is lost is a line of complaint among the others
        return "failed", str(error), []
