# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that tells what reached it. Asked to stop it serves on for a moment, for those who have just found its address."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import threading
from typing import Any

PORT, SECONDS = 8080, 7.0


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {"page": socket.gethostname(), "path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


def stop(*_arguments: Any) -> None:
    threading.Timer(SECONDS, os._exit, [0]).start()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    http.server.ThreadingHTTPServer(("", PORT), Page).serve_forever()
