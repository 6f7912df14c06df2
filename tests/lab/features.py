# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine's kernel can do that a swarm may need. Pure: works on the text of files in /proc and /boot."""

from __future__ import annotations

import re
from collections.abc import Mapping

# feature -> (kernel configuration symbol, module name, file system name or "")
KERNEL = {
    "ipvs": ("IP_VS", "ip_vs", ""),
    "vxlan": ("VXLAN", "vxlan", ""),
    "overlay": ("OVERLAY_FS", "overlay", "overlay"),
    "nfs": ("NFS_FS", "nfs", "nfs"),
    "nfsd": ("NFSD", "nfsd", "nfsd"),
    "fuse": ("FUSE_FS", "fuse", "fuse"),
}
MEANING = {
    "ipvs": "virtual IPs and the ingress mesh do not answer: use endpoint_mode dnsrr and host ports",
    "vxlan": "overlay networks cannot be made: no swarm across nodes",
    "overlay": "engines fall back to a slow storage driver",
    "nfs": "no NFS mounts",
    "nfsd": "no NFS server",
    "fuse": "no sshfs mounts",
}


def detect(config: str, modules: str, filesystems: str) -> dict[str, bool]:
    """Which features are there, from the kernel's configuration, /proc/modules and /proc/filesystems."""
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", config, re.MULTILINE))
    loaded = {line.split()[0] for line in modules.splitlines() if line.strip()}
    known = {line.split()[-1] for line in filesystems.splitlines() if line.strip()}
    return {
        feature: symbol in built_in or module in loaded or filesystem in known for feature, (symbol, module, filesystem) in KERNEL.items()
    }


def missing(features: Mapping[str, bool]) -> list[str]:
    """One line for each feature that is not there, with what follows from it."""
    return [f"no {feature}: {MEANING[feature]}" for feature in KERNEL if not features.get(feature)]
