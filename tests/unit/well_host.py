# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What health_info answers on a host on which all is well."""

from __future__ import annotations

from typing import Any

NOTHING_OPEN: dict[str, Any] = {"engine": [], "metrics": "", "exports": [], "ports": [], "closed": [], "registries": []}
WELL: dict[str, Any] = {
    "state": "active",
    "problem": "",
    "node_id": "n1",
    "certificate_expires": "2027-01-01T00:00:00Z",
    "certificate_days": 80.0,
    "data_root": "/var/lib/docker",
    "disk_free_mb": 50_000,
    "disk_total_mb": 100_000,
    "disk_free_inodes_percent": 80.0,
    "disk_read_only": [],
    "pulls": [],
    "filter_problem": "",
    "names_problem": "",
    "address": "10.0.0.1",
    "has_address": True,
    "mounts": [],
    "gpus": [],
    "gpu_problem": "",
    "exposure": NOTHING_OPEN,
}
