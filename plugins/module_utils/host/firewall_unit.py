# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the firewall's rules in the kernel: a systemd unit and the script that it runs. Pure."""

from __future__ import annotations

from .firewall import JUMPS, SWARM

UNIT = "flotilla-firewall.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
SCRIPT_FILE = "/usr/local/sbin/flotilla-firewall"
RULES_FILES = {4: "/etc/flotilla/firewall.v4", 6: "/etc/flotilla/firewall.v6"}
# Where the kernel has no IPv6 there is no such file.
HAS_IPV6 = "/proc/net/if_inet6"

# Others that flush the packet filter when they start, stop or reload. The engine flushes nothing, but restarts after those that do.
_OTHERS = "ufw.service nftables.service netfilter-persistent.service iptables.service ip6tables.service firewalld.service"

UNIT_TEXT = f"""\
# Managed by flotilla.swarm.firewall; changes here are lost.
[Unit]
Description=Swarm ports for peers alone
After={_OTHERS}
Before=docker.service
PartOf=docker.service {_OTHERS}
ReloadPropagatedFrom=docker.service {_OTHERS}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={SCRIPT_FILE}
ExecReload={SCRIPT_FILE}

[Install]
WantedBy=multi-user.target docker.service {_OTHERS}
"""

# The jump in INPUT goes above all rules but the engine's own ones, which drop traffic that should have come encrypted.
SCRIPT_TEXT = f"""\
#!/bin/sh
# Managed by flotilla.swarm.firewall; changes here are lost.
set -eu

apply() {{
    "$1-restore" --wait 10 --noflush "$2"
    if ! "$1" --wait 10 --check INPUT --jump {SWARM} 2>/dev/null; then
        place=$("$1" --wait 10 --list-rules INPUT | awk '/^-A/ {{ n++ }} / --pol none / {{ last = n }} END {{ print last + 1 }}')
        "$1" --wait 10 --insert INPUT "$place" --jump {SWARM}
    fi
    "$1" --wait 10 --new-chain DOCKER-USER 2>/dev/null || true
    for jump in {" ".join(f"{chain}:{target}" for chain, target in JUMPS[1:])}; do
        "$1" --wait 10 --check "${{jump%:*}}" --jump "${{jump#*:}}" 2>/dev/null ||
            "$1" --wait 10 --insert "${{jump%:*}}" 1 --jump "${{jump#*:}}"
    done
}}

apply iptables {RULES_FILES[4]}
if [ -e {HAS_IPV6} ]; then
    apply ip6tables {RULES_FILES[6]}
fi
"""
