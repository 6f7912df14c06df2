# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.lab.features import KERNEL, detect, missing

CONFIG = "CONFIG_OVERLAY_FS=y\n# CONFIG_IP_VS is not set\nCONFIG_VXLAN=m\nCONFIG_IP_VS_IPV6=y\nCONFIG_NFSD_V4=y\n"
MODULES = "ip_vs 200704 2 ip_vs_rr, Live 0x0000000000000000\nnf_conntrack 1 0 - Live 0x0\n"
FILESYSTEMS = "nodev\tsysfs\n\text4\nnodev\tnfs\nnodev\tnfs4\n"


@pytest.mark.parametrize(
    ("config", "modules", "filesystems", "there"),
    [
        ("", "", "", set()),
        (CONFIG, "", "", {"overlay"}),
        ("", MODULES, "", {"ipvs"}),
        ("", "", FILESYSTEMS, {"nfs"}),
        (CONFIG, MODULES, FILESYSTEMS, {"overlay", "ipvs", "nfs"}),
        ("CONFIG_VXLAN=y\nCONFIG_NFSD=y\nCONFIG_FUSE_FS=y\n", "", "", {"vxlan", "nfsd", "fuse"}),
        ("", "vxlan 1 0 - Live 0x0\nnfsd 1 0 - Live 0x0\n", "nodev fuse\n", {"vxlan", "nfsd", "fuse"}),
    ],
)
def test_detect(config: str, modules: str, filesystems: str, there: set[str]) -> None:
    features = detect(config, modules, filesystems)
    assert features.keys() == KERNEL.keys()
    assert {name for name, has in features.items() if has} == there


def test_missing_says_what_follows() -> None:
    lines = missing(dict.fromkeys(KERNEL, True) | {"ipvs": False})
    assert len(lines) == 1
    assert "ipvs" in lines[0] and "dnsrr" in lines[0]


def test_nothing_missing_says_nothing() -> None:
    assert missing(dict.fromkeys(KERNEL, True)) == []
