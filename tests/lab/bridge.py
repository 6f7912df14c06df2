# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab's own network on this machine: a bridge, a TAP device for each node, and the way out through the machine."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from .machine import engines_running, output, run, succeeds

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
FORMER_FORWARDING = Path("/run/flotilla-lab/ip_forward")
PREFIX = "fl"
TABLES = ("filter", "nat")
DISABLED, FORWARDS = "0", "3"  # states of a bridge's port


@dataclass(frozen=True)
class Bridge:
    """The names are found from the lab's name alone, so that what a lost lab left can be removed."""

    lab: str

    @property
    def name(self) -> str:
        return f"{PREFIX}{zlib.crc32(self.lab.encode()):08x}"

    def tap(self, node: str) -> str:
        return f"{self.name}{node}"

    def rules(self, subnet: str) -> list[list[str]]:
        """iptables arguments without the verb: table, chain, rule. Nodes reach each other and, by the machine, everything else."""
        return [
            ["filter", "FORWARD", "-i", self.name, "-j", "ACCEPT"],
            ["filter", "FORWARD", "-o", self.name, "-j", "ACCEPT"],
            ["nat", "POSTROUTING", "-s", subnet, "!", "-o", self.name, "-j", "MASQUERADE"],
        ]

    def have(self, gateway: str, subnet: str) -> None:
        """The bridge with the gateway's address, and the rules; also where a part is there already."""
        if not succeeds("ip", "link", "show", self.name):
            run("make the lab's bridge", "ip", "link", "add", self.name, "type", "bridge")
        run("give the bridge its address", "ip", "address", "replace", f"{gateway}/{subnet.partition('/')[2]}", "dev", self.name)
        run("switch the bridge on", "ip", "link", "set", self.name, "up")
        for table, *rule in self.rules(subnet):
            if not succeeds("iptables", "-t", table, "-C", *rule):
                run("let the nodes out", "iptables", "-t", table, "-I", *rule)
        if FORWARDING.read_text().strip() == "0":
            FORMER_FORWARDING.parent.mkdir(parents=True, exist_ok=True)
            FORMER_FORWARDING.write_text("0")
            FORWARDING.write_text("1")

    def have_tap(self, node: str) -> None:
        """The node's TAP device."""
        tap = self.tap(node)
        if not succeeds("ip", "link", "show", tap):
            run(f"make the network device of node {node}", "ip", "tuntap", "add", "dev", tap, "mode", "tap")
            run(f"connect node {node}", "ip", "link", "set", tap, "master", self.name)
            run(f"switch the device of node {node} on", "ip", "link", "set", tap, "up")

    def plug(self, node: str) -> None:
        """Undo ``unplug``. A port that has just come up, as after a reboot, forwards anyway, and one that is not up can't be told to."""
        if Path(f"/sys/class/net/{self.tap(node)}/operstate").read_text().strip() == "up":
            self._forward(node, FORWARDS)

    def unplug(self, node: str) -> None:
        """At the bridge: the node's kernel would give a device up that is switched off."""
        self._forward(node, DISABLED)

    def _forward(self, node: str, state: str) -> None:
        run(f"change the bridge's port of node {node}", "bridge", "link", "set", "dev", self.tap(node), "state", state)

    def remove(self) -> None:
        for link in json.loads(output("list network devices", "ip", "-j", "link", "show")):
            if link["ifname"].startswith(self.name):
                run("remove a network device", "ip", "link", "delete", link["ifname"])
        for table in TABLES:
            for rule in rules_naming(self.name, output("read the firewall", "iptables", "-t", table, "-S")):
                run("remove a firewall rule", "iptables", "-t", table, *rule)
        if FORMER_FORWARDING.exists() and not self._others():
            if not engines_running():  # an engine needs it too
                FORWARDING.write_text(FORMER_FORWARDING.read_text())
            FORMER_FORWARDING.unlink()

    def _others(self) -> bool:
        return any(path.name.startswith(PREFIX) for path in Path("/sys/class/net").iterdir())


def rules_naming(device: str, rules: str) -> list[list[str]]:
    """iptables arguments that delete the rules naming *device*, from the text of `iptables -S`. Pure."""
    lines = (line.split() for line in rules.splitlines())
    return [["-D", *words[1:]] for words in lines if words[0] == "-A" and device in words]
