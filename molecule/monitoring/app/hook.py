#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the alerts that it is sent: GET / shows them, GET /metrics counts them."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

ALERTS: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ALERTS.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
        self._answer("")

    def do_GET(self) -> None:
        self._answer(f"hook_alerts_total {len(ALERTS)}\n" if self.path == "/metrics" else json.dumps(ALERTS))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())


HTTPServer(("", 8080), Handler).serve_forever()
