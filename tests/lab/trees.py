# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root file systems, made once and cached: the node's, and the base image's."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from .apt import AptSetup
from .machine import end_processes_in, remove_tree, run, say

NODE_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "iproute2", "iptables",
    "procps", "kmod", "ca-certificates", "fuse3",
)  # fmt: skip
# fetched into the node's apt cache, not installed: the roles install them
NODE_ARCHIVES = {
    "bookworm": ("docker.io", "python3-docker", "sshfs"),
    "trixie": ("docker.io", "docker-cli", "docker-buildx", "python3-docker", "sshfs"),
}

# PID 1 of a container node. Cgroups come up read-only where the node is not privileged; mounts made in the node must
# reach its tasks; and systemd from 256 on refuses cgroup v1 unless told.
INIT = """\
#!/bin/sh
while read -r _ mount _; do
    case $mount in /sys/fs/cgroup*) mount -o remount,bind,rw "$mount" ;; esac
done </proc/mounts
mount --make-rshared /
version=$(systemctl --version | sed -n '1s/^systemd \\([0-9]*\\).*/\\1/p')
if [ -d /sys/fs/cgroup/systemd ] && [ "$version" -ge 256 ]; then
    set -- SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0
fi
exec /lib/systemd/systemd "$@"
"""


@dataclass(frozen=True)
class Tree:
    """A recipe for mmdebstrap. Its key changes with whatever changes the result, so that the cache can be trusted."""

    name: str
    release: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...]
    apt: AptSetup

    @property
    def key(self) -> str:
        certificates = [path.read_bytes() for path in self.apt.certificates]
        recipe = (
            self.release,
            self.packages,
            self.hooks,
            sorted(self.apt.mirrors.items()),
            self.apt.options,
            certificates,
        )
        return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]

    def path(self, cache: Path) -> Path:
        return cache / f"{self.name}-{self.key}.tar"

    def command(self, target: Path) -> list[str]:
        certificates = [f'copy-in "{path}" /usr/local/share/ca-certificates' for path in self.apt.certificates]
        hooks = [*certificates, *(['chroot "$1" update-ca-certificates'] if certificates else []), *self.hooks]
        return [
            "mmdebstrap", "--variant=minbase", "--quiet",
            f"--include={','.join(self.packages)}",
            "--dpkgopt=force-unsafe-io",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            '--aptopt=Acquire::Languages "none"',
            *(f"--aptopt={line}" for line in self.apt.options),
            "--skip=cleanup/apt/cache",
            '--customize-hook=chroot "$1" apt-get clean',
            *(f"--customize-hook={hook}" for hook in hooks),
            self.release, str(target), *self.apt.sources(self.release),
        ]  # fmt: skip


def node_tree(release: str, apt: AptSetup, name: str = "node", installed: tuple[str, ...] = (), hooks: tuple[str, ...] = ()) -> Tree:
    """What every node starts from, with any driver; with more packages *installed* and more *hooks* where a driver needs them."""
    archives = " ".join(NODE_ARCHIVES[release])
    return Tree(
        name=f"{name}-{release}",
        release=release,
        packages=(*NODE_PACKAGES, *installed),
        hooks=(
            f"cat >\"$1/sbin/lab-init\" <<'END'\n{INIT}END",
            'chmod 0755 "$1/sbin/lab-init"',
            'mkdir -p -m 0700 "$1/root/.ssh"',
            'mkdir -p "$1/var/lib/flotilla-images"',
            'rm -f "$1"/etc/ssh/ssh_host_*',
            f'chroot "$1" apt-get install -qq --download-only --install-recommends {archives}',
            *hooks,
        ),
        apt=apt,
    )


def base_tree(apt: AptSetup) -> Tree:
    """What `FROM debian:trixie` gives in the lab."""
    return Tree(name="base-trixie", release="trixie", packages=("ca-certificates",), hooks=(), apt=apt)


def sweep(scratch: Path) -> None:
    """Leave nothing of a build that was killed."""
    end_processes_in(scratch)
    remove_tree(scratch)


def build(tree: Tree, cache: Path) -> Path:
    """The tree's tar file, from the cache or made now. One caller at a time for one tree."""
    target = tree.path(cache)
    if target.exists():
        return target
    say(f"building {target.name} (about half a minute)")
    scratch = cache / "tmp" / tree.name
    sweep(scratch)
    scratch.mkdir(parents=True)
    unfinished = scratch / target.name
    run(f"build the {tree.name} file system", *tree.command(unfinished), env=os.environ | {"TMPDIR": str(scratch)})
    for old in cache.glob(f"{tree.name}-*.tar"):
        old.unlink()
    unfinished.rename(target)
    remove_tree(scratch)
    return target
