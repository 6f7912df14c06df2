# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches a host until its standard input ends, then tells what its processes were called with and what its temporary files held.

It runs on the nodes too, so that it needs nothing but Python. Its arguments are directories, or files, to look into.
"""

from __future__ import annotations

import json
import os
import resource
import select
import stat
import sys
import time
from collections.abc import Iterator

PAUSE_SECONDS = 0.01
# Of the time that a look takes: a machine with many processes shall not be held up.
PAUSE_SHARE = 4
MOST_BYTES = 1 << 20


def commands() -> Iterator[str]:
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as stream:
                yield stream.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue


class Files:
    """Holds each file open that it has met: what was in one that is removed meanwhile can still be read."""

    def __init__(self, places: list[str]) -> None:
        self._places = places
        self._held: dict[tuple[int, int], tuple[str, int]] = {}
        self._known: set[tuple[int, ...]] = set()
        self.contents: set[tuple[str, str]] = set()

    def look(self) -> None:
        for path in [path for place in self._places for path in self._below(place)]:
            try:
                status = os.lstat(path)
                version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
                if not stat.S_ISREG(status.st_mode) or version in self._known:
                    continue
                self._known.add(version)
                if version[:2] not in self._held:
                    self._held[version[:2]] = (path, os.open(path, os.O_RDONLY))
            except OSError:  # it was removed
                continue
            self._read(*self._held[version[:2]])

    def look_last(self) -> None:
        self.look()
        for path, handle in self._held.values():
            self._read(path, handle)

    def _below(self, place: str) -> Iterator[str]:
        if os.path.isfile(place):
            yield place
        for folder, _folders, files in os.walk(place):
            yield from (os.path.join(folder, name) for name in files)

    def _read(self, path: str, handle: int) -> None:
        self.contents.add((path, os.pread(handle, MOST_BYTES, 0).decode(errors="replace")))


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files, seen = Files(sys.argv[1:]), set(commands())
    files.look()
    print("watching", flush=True)
    pause = PAUSE_SECONDS
    while not select.select([sys.stdin], [], [], pause)[0]:
        before = time.monotonic()
        seen.update(commands())
        files.look()
        pause = max(PAUSE_SECONDS, PAUSE_SHARE * (time.monotonic() - before))
    files.look_last()
    json.dump({"commands": sorted(seen), "files": sorted(files.contents)}, sys.stdout)


if __name__ == "__main__":
    main()
