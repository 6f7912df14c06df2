# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what was handed in and when, signed by the site, so that a student can prove it."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache

from grader.secret import secret


def sign(text: str) -> str:
    return _gpg(_home(), "--clear-sign", stdin=text)


@cache
def _home() -> str:
    """A keyring with the site's key, of this process alone."""
    home = tempfile.mkdtemp(prefix="gpg-")
    _gpg(home, "--import", stdin=secret("RECEIPT_KEY"))
    return home


def _gpg(home: str, *arguments: str, stdin: str) -> str:
    command = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode=loopback", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=True).stdout
