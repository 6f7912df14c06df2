# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and commands of the host on which a module runs."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import tempfile
import typing as t

from .._core.host import software
from ..errors import FlotillaError
from .target import Target

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


PACKAGE_FORMAT = "${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n"
RPM_FORMAT = "%{NAME} %{VERSION}-%{RELEASE} install installed\n"


class Space(t.NamedTuple):
    """The room of a file system in bytes, and the share of its inodes that are free in percent; None if it does not count them."""

    free: int
    total: int
    free_inodes_percent: float | None


def _follow(path: str) -> str:
    """Where a link leads. Not to what is no file: the unit that systemd masks by a link to /dev/null is the link itself."""
    place = os.path.realpath(path)
    return path if os.path.exists(place) and not os.path.isfile(place) else place


def _name(find: t.Callable[[int], t.Any], number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return ""


class Host:
    """I/O for modules that manage files. Nothing is written in place."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def read(self, path: str) -> str | None:
        """The text of a file, None if there is no such file."""
        try:
            with open(path, encoding="utf-8") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise FlotillaError(f"reading {path}: {error}", "Check that it is a text file that root can read.") from None

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list_dir(self, path: str) -> list[str]:
        """Sorted names in a directory; empty if there is no such directory."""
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FlotillaError(f"listing {path}: {error.strerror}.") from None

    def nearest_directory(self, path: str) -> str:
        """Where a path is or will be: itself or its nearest parent that exists, with links followed."""
        there = os.path.realpath(path)
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        return there

    def space(self, path: str) -> Space:
        """Of the file system where a path is or will be."""
        status = os.statvfs(self.nearest_directory(path))
        percent = round(status.f_favail / status.f_files * 100, 1) if status.f_files else None
        return Space(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize, percent)

    def is_read_only(self, path: str) -> bool:
        """Whether the file system of a path takes no writes."""
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)

    def mode(self, path: str) -> int | None:
        """Who may do what with a file, such as 0o644; None if there is no such file."""
        try:
            return os.stat(path).st_mode & 0o7777
        except OSError:
            return None

    def stat(self, path: str) -> dict[str, t.Any]:
        """What is at a path, where a link counts as what it leads to.

        ``kind`` is absent, directory or other; ``uid``, ``gid`` and ``mode`` are numbers, ``user`` and ``group`` names, empty if there
        is none.
        """
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return {"kind": "other" if os.path.islink(path) else "absent"}
        except NotADirectoryError:
            raise FlotillaError(f"{path}: a part of it is not a directory", "Move it away, or choose another path.") from None
        except OSError as error:
            raise FlotillaError(f"looking at {path}: {error.strerror}.") from None
        return {
            "kind": "directory" if stat.S_ISDIR(found.st_mode) else "other",
            "uid": found.st_uid,
            "gid": found.st_gid,
            "mode": stat.S_IMODE(found.st_mode),
            "user": _name(pwd.getpwuid, found.st_uid),
            "group": _name(grp.getgrgid, found.st_gid),
        }

    def user_id(self, name: str) -> int | None:
        """The number of a user of this host, None if there is none of this name."""
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            return None

    def group_id(self, name: str) -> int | None:
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def write(
        self, path: str, text: str, mode: int = 0o644, validate: t.Callable[[str], None] | None = None, closed: bool = False
    ) -> str | None:
        """Replace a file atomically and return the path of its backup, None if there was no file before.

        The new text stands in a temporary file beside ``path`` first; ``validate`` gets the path of that file and raises to
        refuse it. An existing file keeps its mode and owner; ``mode`` is for a new one. A link stays, and what it leads to is replaced.
        ``closed`` takes every right on an existing file and on its backup from users who are neither its owner nor of its group.
        """
        temporary, place = "", _follow(path)
        try:
            os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
            before = os.stat(place) if os.path.isfile(place) else None
            handle, temporary = tempfile.mkstemp(dir=os.path.dirname(place), prefix=f".{os.path.basename(place)}.")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, before.st_mode & 0o7777 if before else mode)
            if before:
                os.chown(temporary, before.st_uid, before.st_gid)
            if validate:
                validate(temporary)
            if before and closed:
                for name in (temporary, place):
                    os.chmod(name, before.st_mode & 0o7770)
            backup = self._module.backup_local(place) if before else None
            os.replace(temporary, place)
        except OSError as error:
            raise FlotillaError(
                f"writing {path}: {error.strerror}", "Check the path and that Ansible becomes root (become: true)."
            ) from None
        finally:
            if temporary and os.path.exists(temporary):
                os.unlink(temporary)
        return backup or None

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file, which only its owner may read when it is new."""
        try:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise FlotillaError(
                f"writing {path}: {error.strerror}", "Check the path and that Ansible becomes root (become: true)."
            ) from None

    def put(self, path: str, text: str | None, mode: int = 0o644) -> None:
        """Have this text in a file, or no file. What was there is not kept: it is for what a run writes again from its options."""
        if text is None:
            self._unlink(path)
        elif text != self.read(path):
            backup = self.write(path, text, mode)
            if backup:
                self.restore(backup, None)

    def restore(self, path: str, backup: str | None) -> None:
        """Bring back what ``write`` replaced: the backup, or no file where there was none."""
        if not backup:
            self._unlink(_follow(path))
            return
        try:
            os.replace(backup, _follow(path))
        except OSError as error:
            raise FlotillaError(f"restoring {path}: {error.strerror}", f"The former file is {backup}.") from None

    def remove(self, path: str) -> str | None:
        """Remove a file, or a link but not its target, and return the path of its backup."""
        backup = self._module.backup_local(path)
        self._unlink(path)
        return backup or None

    def _unlink(self, path: str) -> None:
        try:
            if os.path.exists(path):
                os.unlink(path)
        except OSError as error:
            raise FlotillaError(f"removing {path}: {error.strerror}.") from None

    def canonical_name(self, name: str) -> str:
        """The full name of a host as the resolver has it; the name itself where it does not know it."""
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM, flags=socket.AI_CANONNAME)
        except (OSError, UnicodeError):
            return name
        return found[0][3] or name

    def units(self, names: t.Collection[str]) -> dict[str, dict[str, bool]]:
        """The systemd units that exist, each with ``active`` and ``enabled``."""
        argv = ["systemctl", "show", "--property", "Id,LoadState,ActiveState,UnitFileState", *names]
        return software.parse_units(self.run(argv)[1]) if names else {}

    def packages(self, names: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
        """The packages of Debian or EL that are installed, each with ``version`` and ``hold``."""
        argv = ["dpkg-query", "--show", f"--showformat={PACKAGE_FORMAT}", *names]
        if not self.find_command("dpkg-query"):
            argv = ["rpm", "--query", f"--queryformat={RPM_FORMAT}", *names]
        return software.parse_packages(self.run(argv)[1]) if names else {}

    def groups_of(self, users: t.Iterable[str]) -> dict[str, list[str] | None]:
        """The groups of each user, None of one that does not exist."""
        found: dict[str, list[str] | None] = {}
        for user in users:
            try:
                main = pwd.getpwnam(user).pw_gid
            except KeyError:
                found[user] = None
            else:
                found[user] = [group.gr_name for group in grp.getgrall() if group.gr_gid == main or user in group.gr_mem]
        return found

    def find_command(self, name: str) -> str | None:
        """The path of a command in PATH and the sbin directories, None if there is none."""
        return t.cast("str | None", self._module.get_bin_path(name, required=False))

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        """Run a command without a shell: exit code, standard output, standard error. 127 if there is no such command."""
        command = self.find_command(argv[0])
        if not command:
            return 127, "", f"{argv[0]}: command not found"
        code, out, err = self._module.run_command([command, *argv[1:]], environ_update={"LC_ALL": "C"}, handle_exceptions=True)
        return code, out, err


host_target = Target({}, Host)


checked_host_target = Target({}, lambda module: (Host(module), module.check_mode))
"""A host, and whether this is check mode: what is not there yet counts then as what the run would make."""
