# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network mounts as systemd units: their text, what is mounted now, and how that differs. Pure."""

from __future__ import annotations

import re
import string
import typing as t
from dataclasses import dataclass

from ...errors import PlanError
from ...plan import Field, compare
from .volume_plan import PRESETS, regrets

HEAD = "# Managed by flotilla.swarm.mount; changes here are lost."
UNIT_DIRECTORY = "/etc/systemd/system"
_PLAIN = string.ascii_letters + string.digits + ":_."
_FLAGS = {"ro": "access", "rw": "access", "hard": "failure", "soft": "failure", "softerr": "failure"}
_ALIASES = {"nfsvers": "vers"}
NETWORK = ("nfs", "nfs4", "fuse.sshfs", "cifs", "ceph", "fuse.glusterfs")
# mount takes a word that begins with a dash for an option, and sshfs takes one that runs a command. systemd joins a line that ends with a
# backslash to the next.
_SOURCE = re.compile(r"""([^\s:"'%\\-][^\s:"'%\\]*|([^\s:"'%\\@-][^\s:"'%\\@]*@)?\[[0-9a-fA-F:]+\]):/[^\s"'%\\]*""")
# Which of these the server and the kernel agree on is not ours to say.
_NEGOTIATED = ("rsize", "wsize", "port", "addr", "clientaddr", "mountaddr", "mountport", "retry")


@dataclass(frozen=True)
class Mount:
    """A wanted mount. ``timeout`` is in seconds; with ``engine_waits`` the engine starts only once it is mounted."""

    path: str
    source: str
    type: str
    options: tuple[str, ...]
    automount: bool = False
    timeout: int = 30
    engine_waits: bool = False

    @property
    def unit(self) -> str:
        return f"{escape(self.path)}.mount"


@dataclass(frozen=True)
class Mounted:
    """What the kernel has at a path; ``waiting`` where systemd mounts it at the first access."""

    source: str = ""
    type: str = ""
    options: tuple[str, ...] = ()
    waiting: bool = False


def wanted_mounts(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[Mount]:
    """Mounts from the options of the module; NFS without options of its own gets those of its preset."""
    found = []
    for item in given:
        options = item["options"] or []
        if item["type"] == "nfs":
            options = [f"nfsvers={item['version']}", *(options or PRESETS[item["preset"]])]
        more = {name: item[name] for name in ("path", "source", "type", "automount", "timeout", "engine_waits")}
        found.append(Mount(options=(*options, "_netdev"), **more))
    return found


def warnings(mounts: t.Sequence[Mount]) -> list[str]:
    """Mount options that are allowed but often regretted."""
    return [f"mount {mount.path}: the mount option {fault}." for mount in mounts if mount.type == "nfs" for fault in regrets(mount.options)]


def escape(path: str) -> str:
    """A path as systemd names units after it: ``/srv/my-data`` is ``srv-my\\x2ddata``."""
    plain = path.strip("/")
    letters = [
        "-" if letter == "/" else letter if letter in _PLAIN and (index or letter != ".") else _hex(letter)
        for index, letter in enumerate(plain)
    ]
    return "".join(letters)


def _hex(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())


def refuse(mounts: t.Sequence[Mount], fstab: str) -> None:
    """Raise PlanError, with every fault in it, where the mounts can't be had."""
    problems = []
    paths = [mount.path for mount in mounts]
    foreign = {words[1] for words in (line.split() for line in fstab.splitlines()) if len(words) > 3 and not words[0].startswith("#")}
    for mount in mounts:
        name = mount.path
        if not re.fullmatch(r"(/[^/\s\"'%\\]+)+", name) or {".", ".."} & set(name.split("/")) or not name.isprintable():
            problems.append(f"{name!r} is not an absolute path without spaces, quotes, '%' and '..'")
        if paths.count(name) > 1:
            problems.append(f"{name} is listed twice")
        if name in foreign:
            problems.append(f"{name} is already in /etc/fstab. Remove it there; it may stay mounted")
        if not _SOURCE.fullmatch(mount.source) or not mount.source.isprintable():
            problems.append(f"{name}: {mount.source!r} is not a source, expected SERVER:/PATH without spaces, quotes, '%' and '\\'")
        problems += [
            f"{name}: the option {option!r} contains a space, a comma, a quote, '\\' or '%'"
            for option in mount.options
            if re.search(r"[\s,%\"'\\]", option) or not option.isprintable() or not option
        ]
        if {"ro", "rw"} <= set(mount.options):
            problems.append(f"{name}: ro and rw exclude each other")
    if problems:
        raise PlanError("\n".join(["mounts can't be used:", *dict.fromkeys(problems)]))


def files(mount: Mount) -> dict[str, str | None]:
    """Path -> text of the unit files of a mount; None for one that it does not have."""
    base = f"{UNIT_DIRECTORY}/{escape(mount.path)}"
    return {
        f"{base}.mount": _mount_unit(mount),
        f"{base}.automount": _automount_unit(mount) if mount.automount else None,
        f"{UNIT_DIRECTORY}/docker.service.d/60-flotilla-{escape(mount.path)}.conf": _drop_in(mount) if mount.engine_waits else None,
    }


def _mount_unit(mount: Mount) -> str:
    lines = [
        HEAD,
        "[Unit]",
        f"Description={mount.source} at {mount.path}",
        "Wants=network-online.target",
        "After=network-online.target",
        "Before=docker.service",
        "",
        "[Mount]",
        f"What={mount.source}",
        f"Where={mount.path}",
        f"Type={mount.type}",
        f"Options={','.join(mount.options)}",
        f"TimeoutSec={mount.timeout}",
        "",
        "[Install]",
        "WantedBy=remote-fs.target",
    ]
    return "\n".join([*lines, ""])


def _automount_unit(mount: Mount) -> str:
    lines = ["[Unit]", f"Description={mount.source} at {mount.path}, when it is used", "Before=docker.service", "", "[Automount]"]
    return "\n".join([HEAD, *lines, f"Where={mount.path}", "", "[Install]", "WantedBy=remote-fs.target", ""])


def _drop_in(mount: Mount) -> str:
    return f"{HEAD}\n[Unit]\nRequiresMountsFor={mount.path}\n"


def parse_unit(text: str | None) -> dict[str, str]:
    """What a unit of ours mounts, as the fields that a plan shows."""
    found = dict(re.findall(r"^(What|Type|Options|TimeoutSec)=(.*)$", text or "", re.MULTILINE))
    names = {"What": "source", "Type": "type", "Options": "options", "TimeoutSec": "timeout"}
    return {names[name]: value for name, value in found.items()}


def parse_mountinfo(text: str) -> dict[str, Mounted]:
    """Path -> what is mounted there, from /proc/self/mountinfo; the last mount at a path is the one that is seen."""
    found: dict[str, Mounted] = {}
    for line in text.splitlines():
        own, separator, rest = line.partition(" - ")
        words, kind = own.split(), rest.split()
        if not separator or len(words) < 6 or len(kind) < 3:
            continue
        path = _unescape(words[4])
        if kind[0] == "autofs":
            found[path] = Mounted(waiting=True)
            continue
        options = tuple(dict.fromkeys([*kind[2].split(","), *words[5].split(",")]))
        found[path] = Mounted(_unescape(kind[1]), kind[0], options, path in found and found[path].waiting)
    return found


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)


def differences(mount: Mount, unit: str | None, mounted: Mounted) -> tuple[Field, ...]:
    """How the unit file and what is mounted differ from what is wanted."""
    fields = compare(parse_unit(unit), parse_unit(_mount_unit(mount)))
    if not mounted.source:
        return fields if mounted.waiting and mount.automount else (*fields, Field("mounted", None, mount.source))
    live = [Field(f"mounted.{name}", *pair) for name, pair in _live(mount, mounted).items()]
    return (*fields, *live)


def remounts(mount: Mount, mounted: Mounted, fields: t.Sequence[Field]) -> bool:
    """Whether something is mounted that has to be unmounted first."""
    return bool(mounted.source) and any(field.path in ("source", "type", "options") or field.path.startswith("mounted") for field in fields)


def _live(mount: Mount, mounted: Mounted) -> dict[str, tuple[str, str]]:
    found = {}
    if not _is_source(mount, mounted):
        found["source"] = (mounted.source, mount.source)
    kind = mounted.type.replace("nfs4", "nfs")
    if kind != mount.type.replace("nfs4", "nfs"):
        found["type"] = (mounted.type, mount.type)
    there, wanted = _settings(mounted.options), _settings(mount.options)
    for name, value in wanted.items():
        agreed = name == "vers" and there.get(name, "").startswith(f"{value}.")
        if name in there and there[name] != value and not agreed and name not in _NEGOTIATED:
            found[name] = (there[name], value)
    return found


def _is_source(mount: Mount, mounted: Mounted) -> bool:
    """The kernel tells the first name under which an export was mounted, and engines mount those of volumes under none but an address."""
    wanted, found = mount.source.rstrip("/"), mounted.source.rstrip("/")
    if not found.startswith(":/"):
        return found == wanted
    server, _separator, path = wanted.partition(":/")
    address = _settings(mounted.options).get("addr", "")
    return found == f":/{path}" and (server.strip("[]") == address or not _is_address(server))


def _is_address(server: str) -> bool:
    return server.startswith("[") or re.fullmatch(r"[\d.]+", server) is not None


def _settings(options: t.Iterable[str]) -> dict[str, str]:
    """Options by name; words that exclude each other under one name, and the first word of such a name counts."""
    found: dict[str, str] = {}
    for option in options:
        name, separator, value = option.partition("=")
        if option in _FLAGS:
            # the file system may be read-only where the mount is not, and the other way round
            found[_FLAGS[option]] = "ro" if "ro" in (found.get(_FLAGS[option]), option) else option
        elif separator:
            found.setdefault(_ALIASES.get(name, name), value)
    return found


def network_mounts(mountinfo: str, fstab: str) -> list[dict[str, str]]:
    """Path, source and problem of each mount from another host, by path: of what is mounted, and of what fstab declares and is not.

    What systemd mounts at the first access, or only on request (``noauto``), does not count as missing.
    """
    mounted = parse_mountinfo(mountinfo)
    found = {path: (item.source, "") for path, item in mounted.items() if item.type in NETWORK}
    for line in fstab.splitlines():
        fields = line.split("#")[0].split()
        if len(fields) < 4 or fields[2] not in NETWORK or {"noauto", "x-systemd.automount"} & set(fields[3].split(",")):
            continue
        if _unescape(fields[1]) not in mounted:
            found[_unescape(fields[1])] = (fields[0], "not mounted, although /etc/fstab declares it")
    return [{"path": path, "source": source, "problem": problem} for path, (source, problem) in sorted(found.items())]


def waiting_mounts(mountinfo: str) -> list[str]:
    """The paths that systemd mounts at the first access, which nobody has made yet."""
    return sorted(path for path, item in parse_mountinfo(mountinfo).items() if item.waiting and not item.source)
