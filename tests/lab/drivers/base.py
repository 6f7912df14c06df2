# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a driver must do. All else (keys, inventory, waiting for ssh) is the same for every driver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ..model import Lab, Node


class Driver(Protocol):
    boot_seconds: int  # how long a node may take until systemd has started everything

    def prepare(self, lab: Lab) -> Lab:
        """Have what nodes are made of: packages, file system, network. Gives the lab with what the driver chose."""

    def create(self, lab: Lab, node: Node, files: Mapping[str, Path]) -> None:
        """Have the node, running, with *files* (path on the node -> local file) on its disk before its first boot.

        May be called on a node that exists, runs, or was left half made.
        """

    def start(self, lab: Lab, node: Node) -> None:
        """Switch the node on: same disks, same address."""

    def stop(self, lab: Lab, node: Node, *, hard: bool) -> None:
        """Shut the node down; *hard* takes its power away."""

    def unplug(self, lab: Lab, node: Node) -> None:
        """Pull the node's network cable: the node runs on, without the others."""

    def plug(self, lab: Lab, node: Node) -> None:
        """Plug the cable in again; nothing happens where it is."""

    def state(self, lab: Lab, node: Node) -> str:
        """ "running", "stopped" or "missing"."""

    def destroy(self, lab: Lab) -> None:
        """Leave nothing of the lab: nodes, disks, networks, processes."""

    def purge(self) -> None:
        """Leave nothing of the driver in the cache; called when no lab is up."""
