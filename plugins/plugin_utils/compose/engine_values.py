# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values as the engine and its nodes take them: signals, capabilities, limits, names, modes of files, templates, addresses."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .scalars import Octal

_SIGNALS = frozenset(
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG "
    "USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split()
) | {*(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(1, 15))}
_CAPABILITIES = frozenset(
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK "
    "IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP "
    "SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG WAKE_ALARM ALL".split()
)
_ULIMITS = frozenset("as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split())
_OF_CONTAINERS = frozenset("msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced domainname".split())
_TEMPLATED = frozenset(
    "Service Service.ID Service.Name Service.Labels Node Node.ID Node.Hostname Node.Platform Node.Platform.Architecture Node.Platform.OS "
    "Task Task.ID Task.Name Task.Slot".split()
)
_WORDS = frozenset(("true", "false", "end", "else"))
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")
_CHAIN = re.compile(r"\.[\w.]+")
# Up to its end, which does not count inside quotes; one that does not end has no inside.
_ACTION = re.compile(r"""\{\{(?:(?P<inner>(?:"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])*'|(?!\}\})[^"`'])*)\}\})?""", re.DOTALL)
_WINDOWS_PATH = re.compile(r"[a-zA-Z]:[\\/]")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_LONGEST_HOSTNAME, _LONGEST_LABEL = 64, 63
_UNLIMITED = -1


def is_signal(text: str) -> bool:
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text) != 0
    return text.upper().removeprefix("SIG") in _SIGNALS


def is_capability(name: str) -> bool:
    return name.upper().removeprefix("CAP_") in _CAPABILITIES


def is_ulimit(name: str) -> bool:
    return name.lower() in _ULIMITS


def is_ordered(limit: t.Mapping[str, int]) -> bool:
    """Whether the soft limit is not above the hard one; -1 is no limit."""
    soft, hard = limit["soft"], limit["hard"]
    return hard == _UNLIMITED or _UNLIMITED < soft <= hard


def is_sysctl(name: str) -> bool:
    """Whether each container has a value of its own. A name without a dot is none at all, and left to the node."""
    if 0 <= name.find("/") < (name.find(".") if "." in name else len(name)):
        name = name.translate(str.maketrans("./", "/."))
    parent, dot, last = name.partition(".")
    return not dot or parent == "net" or (parent == "kernel" and last in _OF_CONTAINERS) or name.startswith("fs.mqueue.")


def is_hostname(text: str) -> bool:
    """Short enough for the kernel as a whole, and for name servers between the dots. What a template becomes is not known here."""
    return "{{" in text or (len(text.encode()) <= _LONGEST_HOSTNAME and all(len(label) <= _LONGEST_LABEL for label in text.split(".")))


def is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or bool(_WINDOWS_PATH.match(path))


def is_mount_target(path: str) -> bool:
    return path.startswith("{{") or (is_absolute(path) and path.strip("/") not in ("", "."))


def is_subpath(path: str) -> bool:
    """Whether the path stays below the directory that it starts at."""
    depth = 0
    for part in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return False
    return not path.startswith("/")


def is_volume_name(name: str) -> bool:
    return "{{" in name or bool(_VOLUME_NAME.fullmatch(name))


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host_line(line: str) -> bool:
    """``address name``; the address may be ``host-gateway``, that of the node."""
    address, _blank, name = line.partition(" ")
    return bool(name) and (address == "host-gateway" or is_address(address))


def is_meant_mode(mode: int) -> bool:
    """False for a mode of a file whose digits were meant as octal ones, but are not: 400 is 0620."""
    digits = str(int(mode))
    octal = 3 <= len(digits) <= 4 and all(digit in "01234567" for digit in digits)
    return isinstance(mode, Octal) or not octal or _is_common(int(mode))


def _is_common(mode: int) -> bool:
    """Whether each may read that may do anything, others no more than the group, and the group no more than the owner."""
    special, owner, group, other = mode >> 9, mode >> 6 & 7, mode >> 3 & 7, mode & 7
    execute = owner & 1
    known = {0, 4 + execute, 6 + execute}
    return special in (0, 1) and owner >= 4 and {group, other} <= known and group & owner == group and other & group == other


def bad_template(text: str) -> str:
    """The first template in a text that the engine does not know, without what stands around it; empty if there is none."""
    for action in _ACTION.finditer(text):
        inner = (action["inner"] or "").strip("- ")
        if action["inner"] is None or inner[:1] in ("", "{") or (_NAME.fullmatch(inner) and inner not in _WORDS):
            return "{{"
        if _CHAIN.fullmatch(inner) and inner[1:] not in _TEMPLATED:
            return action[0]
    return ""
