# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks hosts at an address for a page over HTTPS, by the name that the certificate must bear."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ..._core.stack.edge import HTTPS_PORT, VIA, Answer

SECONDS = 10.0
_AT_ONCE = 16

Question = tuple[str, str, str]
"""Address, host, path."""


def ask_all(questions: t.Collection[Question], trusted: str) -> dict[Question, Answer]:
    """``trusted`` are certificates in PEM that are good besides those whose authorities this host knows."""
    context = _context(trusted)

    def answered(question: Question) -> Answer:
        address, host, path = question
        return ask(address, host, path, context)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(questions, pool.map(answered, questions)))


def ask(address: str, host: str, path: str, context: ssl.SSLContext, port: int = HTTPS_PORT) -> Answer:
    try:
        with socket.create_connection((address, port), SECONDS) as plain, context.wrap_socket(plain, server_hostname=host) as secured:
            shown = secured.getpeercert() or {}
            begins, ends = (ssl.cert_time_to_seconds(str(shown[name])) if name in shown else 0.0 for name in ("notBefore", "notAfter"))
            status, is_routed = _get(secured, host, path)
            return Answer(begins=begins, ends=ends, status=status, is_routed=is_routed)
    except ssl.SSLCertVerificationError as error:
        return Answer(untrusted=error.verify_message or str(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(error=getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _context(trusted: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Since Python 3.13 it wants of a certificate what no browser wants, such as an Authority Key Identifier.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if trusted:
        try:
            context.load_verify_locations(cadata=trusted)
        except (ssl.SSLError, ValueError):  # what is shown is not good then, and that is told
            return context
        # A certificate that was given is good as it is, whoever signed it.
        context.verify_flags |= 0x80000  # X509_V_FLAG_PARTIAL_CHAIN; a name for it came with Python 3.10
    return context


def _get(secured: ssl.SSLSocket, host: str, path: str) -> tuple[int, bool]:
    headers = {"Host": host, "User-Agent": "flotilla.swarm", "Accept": "*/*", "Connection": "close"}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    secured.sendall("\r\n".join(lines).encode())
    response = http.client.HTTPResponse(secured)
    try:
        response.begin()
        return response.status, VIA in (response.getheader("Via") or "")
    finally:
        response.close()
