# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk that every User Mode Linux node starts from: made once, cached, and only read from then on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from .apt import AptSetup
from .machine import remove_tree, run, say
from .trees import Tree, build, node_tree, sweep

MODULES = Path("/usr/lib/uml/modules")
DISK_SIZE = "16G"
# installed, since unpacking packages takes minutes in a node; switched off, since that is the roles' work
INSTALLED = ("docker.io", "python3-docker", "nfs-kernel-server", "nfs-common", "busybox-static", "nftables")
SWITCHED_OFF = ("docker.service", "docker.socket", "containerd.service", "nfs-server.service", "rpcbind.service", "rpcbind.socket")
# nobody waits for networkd, which has nothing to do here
MASKED = ("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service")

# The files that differ between nodes come as a tar on the second disk; the address from the kernel's command line.
SCRIPT = """\
#!/bin/sh
set -e
if [ ! -e /etc/lab-node ]; then
    tar -x -f /dev/ubdb -C / --no-same-owner
    touch /etc/lab-node
fi
for word in $(cat /proc/cmdline); do
    case $word in
        lab.address=*) address=${word#*=} ;;
        lab.gateway=*) gateway=${word#*=} ;;
    esac
done
ip link set lo up
ip address replace "$address" dev vec0
ip link set vec0 up
ip route replace default via "$gateway"
"""
UNIT = """\
[Unit]
Description=Address and files of this node
DefaultDependencies=no
After=systemd-remount-fs.service
Before=network-pre.target basic.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/lab-node
# a reboot runs the kernel again in the same process, and an open network device could not be opened again
ExecStop=ip link set vec0 down

[Install]
WantedBy=basic.target
"""


@dataclass(frozen=True)
class Disk:
    """A recipe for an ext4 image; its key changes with whatever changes the result."""

    tree: Tree
    kernel: str  # version of the kernel, whose modules are on the disk

    @property
    def name(self) -> str:
        return f"uml-{self.tree.release}"

    def path(self, cache: Path) -> Path:
        key = hashlib.sha256(repr((self.tree.key, self.kernel, DISK_SIZE)).encode()).hexdigest()[:12]
        return cache / f"{self.name}-{key}.img"

    def forget_others(self, cache: Path) -> None:
        """Remove what earlier recipes made."""
        for old in cache.glob(f"{self.name}-*.img"):
            if old != self.path(cache):
                old.unlink()


def uml_disk(release: str, apt: AptSetup) -> Disk:
    return Disk(uml_tree(release, apt), installed_kernel())


def uml_tree(release: str, apt: AptSetup) -> Tree:
    """The node's tree with what the roles would install, and with a unit instead of an engine to give it its address."""
    return node_tree(
        release, apt, name="uml-tree", installed=INSTALLED,
        hooks=(
            f"cat >\"$1/sbin/lab-node\" <<'END'\n{SCRIPT}END",
            f"cat >\"$1/etc/systemd/system/lab-node.service\" <<'END'\n{UNIT}END",
            'chmod 0755 "$1/sbin/lab-node"',
            f'chroot "$1" systemctl disable {" ".join(SWITCHED_OFF)}',
            f'chroot "$1" systemctl mask {" ".join(MASKED)}',
            'chroot "$1" systemctl enable lab-node.service',
            # the console's only key: what would be ctrl-alt-del switches the node off
            'ln -sf /lib/systemd/system/poweroff.target "$1/etc/systemd/system/ctrl-alt-del.target"',
            # this kernel has no NAT for nf_tables
            'chroot "$1" update-alternatives --set iptables /usr/sbin/iptables-legacy',
            'chroot "$1" update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy',
            'printf "%s\\n" iptable_nat ip6table_nat overlay br_netfilter >"$1/etc/modules-load.d/lab.conf"',
        ),
    )  # fmt: skip


def installed_kernel() -> str:
    """The version of this machine's User Mode Linux."""
    return run("ask User Mode Linux for its version", "linux.uml", "--version").strip()


def build_disk(disk: Disk, cache: Path) -> Path:
    """The image, from the cache or made now. One caller at a time."""
    target = disk.path(cache)
    if target.exists():
        return target
    tar = build(disk.tree, cache)
    say(f"making {target.name}")
    scratch = cache / "tmp" / disk.name
    sweep(scratch)
    root, unfinished = scratch / "root", scratch / target.name
    root.mkdir(parents=True)
    run("unpack the tree", "tar", "-x", "--numeric-owner", "--xattrs", "-f", str(tar), "-C", str(root))
    shutil.copytree(MODULES / disk.kernel, root / "lib/modules" / disk.kernel, symlinks=True)
    run("make the disk", "mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", str(root), str(unfinished), DISK_SIZE)
    unfinished.rename(target)
    remove_tree(scratch)
    return target
