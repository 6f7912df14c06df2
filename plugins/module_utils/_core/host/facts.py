# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files and commands of a host say about it, but for its packages and units. Pure."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

from ..cluster.addresses import as_address

# Modules of the kernel whose symbol in its configuration has another name.
_SYMBOLS = {"overlay": "OVERLAY_FS", "br_netfilter": "BRIDGE_NETFILTER"}


def parse_os_release(text: str) -> dict[str, str]:
    """``id``, ``version`` and ``codename`` of the distribution, each empty if the file does not say it."""
    values = {}
    for word in shlex.split(text, comments=True):
        name, separator, value = word.partition("=")
        if separator:
            values[name] = value
    return {
        "id": values.get("ID", ""),
        "version": values.get("VERSION_ID", ""),
        "codename": values.get("VERSION_CODENAME", ""),
    }


def parse_memory_mb(meminfo: str) -> int:
    """Total memory in MiB from /proc/meminfo."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def parse_addresses(text: str) -> list[str]:
    """Addresses from ``ip -oneline address``, without loopback and link-local ones, in the order of the interfaces."""
    addresses = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[2] in ("inet", "inet6") and "link" not in words[words.index("scope") + 1 :][:1]:
            addresses.append(words[3].split("/")[0])
    return [address for address in addresses if not address.startswith("127.") and address != "::1"]


def tell_addresses(text: str) -> str:
    """The same for messages, each with its interface, such as ``10.0.0.5 on eth0, 10.1.0.5 on eth1``."""
    found = [f"{address} on {line.split()[1]}" for line in text.splitlines() for address in parse_addresses(line)]
    return ", ".join(found) or "none"


def find_address(text: str, interface: str) -> str:
    """The first address of an interface in the text of ``ip -oneline address``; empty if it has none."""
    lines = [line for line in text.splitlines() if line.split()[1:2] == [interface]]
    return next(iter(parse_addresses("\n".join(lines))), "")


def parse_swarm_state(text: str) -> dict[str, t.Any]:
    """``address``, ``data_path_address`` and ``data_path_port`` under which an engine is in a swarm, from its docker-state.json.

    Empty if it is in none.
    """
    try:
        state = json.loads(text or "{}")
    except ValueError:
        return {}
    address = _first_address(state.get("AdvertiseAddr"), state.get("LocalAddr"))
    if not address:
        return {}
    data_path = _first_address(state.get("DataPathAddr"), address)
    return {"address": address, "data_path_address": data_path, "data_path_port": state.get("DataPathPort") or 4789}


def _first_address(*texts: str | None) -> str:
    found = (as_address(text) for text in texts if text)
    return next((str(address) for address in found if address), "")


def find_kernel_modules(names: t.Iterable[str], loaded: str, installed: str | None, config: str | None) -> dict[str, bool | None]:
    """Whether the kernel has each module, built in or to be loaded; None if that can't be known.

    ``loaded`` is /proc/modules and /proc/filesystems, ``installed`` what /lib/modules lists, ``config`` the kernel's configuration; None
    where the host does not have them. A host that is a container has no modules to load, but a configuration.
    """
    words = {*loaded.split(), *re.findall(r"([\w-]+)\.ko", installed or "")}
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", config or "", re.MULTILINE))
    unknown = None if installed is None and config is None else False
    return {
        name: True if {name, name.replace("_", "-")} & words or _SYMBOLS.get(name, name.upper()) in built_in else unknown for name in names
    }
