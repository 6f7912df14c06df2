# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's socket on another host, by OpenSSH: keys, known hosts and jumps are the user's, and that host needs no Docker client."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import typing as t
import weakref
from urllib.parse import urlsplit

from ..errors import FlotillaError

_SOCKET = "/var/run/docker.sock"
# A connection of its own: one that is shared would keep the socket open after its end.
_OPTIONS = ("BatchMode=yes", "ExitOnForwardFailure=yes", "ControlMaster=no", "ControlPath=none", "LogLevel=ERROR")


class TunnelError(FlotillaError):
    """ssh does not get there; the message is its last words."""


class Tunnel:
    """``address`` is ``ssh://[user@]host[:port][/path/of/socket]``. It is open until ``close``, or until nobody holds it any more."""

    def __init__(self, address: str, seconds: float) -> None:
        place = urlsplit(address)
        folder = tempfile.mkdtemp(prefix="flotilla-ssh-")
        path = os.path.join(folder, "docker.sock")
        command = ["ssh", "-N", "-T", *(word for option in _OPTIONS for word in ("-o", option)), "-o", f"ConnectTimeout={int(seconds)}"]
        command += ["-L", f"{path}:{place.path or _SOCKET}", *(["-p", str(place.port)] if place.port else [])]
        command += [*(["-l", place.username] if place.username else []), "--", place.hostname or ""]
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            shutil.rmtree(folder)
            raise TunnelError(f"ssh can't be run: {error.strerror}") from None
        self.url = f"unix://{path}"
        self.close = weakref.finalize(self, _end, process, folder)
        until = time.monotonic() + seconds
        while not os.path.exists(path):
            if process.poll() is not None or time.monotonic() > until:
                self.close()
                raise TunnelError(_last_line(process.stderr) or f"ssh has no connection after {seconds:.0f} s")
            time.sleep(0.02)


def _end(process: subprocess.Popen[str], folder: str) -> None:
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _last_line(stream: t.IO[str] | None) -> str:
    lines = stream.read().strip().splitlines() if stream else []
    return lines[-1].rstrip(".") if lines else ""
