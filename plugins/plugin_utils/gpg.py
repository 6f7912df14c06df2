# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new key pair from GnuPG on the controller, in a home of its own that is removed again."""

from __future__ import annotations

import subprocess
import tempfile

from ..module_utils.errors import FlotillaError

SECONDS = 60


def make_key(identity: str) -> tuple[str, str, str]:
    """The private and the public key, both armoured, and the fingerprint. No passphrase, no end. Raises FlotillaError."""
    with tempfile.TemporaryDirectory(prefix="gpg-", ignore_cleanup_errors=True) as home:
        try:
            _gpg(home, "--passphrase", "", "--quick-generate-key", identity, "default", "default", "never")
            listed = _gpg(home, "--with-colons", "--list-keys")
            fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
            private = _gpg(home, "--armor", "--passphrase", "", "--export-secret-keys", fingerprint)
            return private, _gpg(home, "--armor", "--export", fingerprint), fingerprint
        finally:
            _stop_agent(home)


def _gpg(home: str, *arguments: str) -> str:
    command = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise FlotillaError("a GPG key is made by gpg on the controller, and it is not there", "Install gnupg there.") from None
    except subprocess.TimeoutExpired:
        raise FlotillaError(f"making a GPG key on the controller took more than {SECONDS} seconds.") from None
    if done.returncode:
        cause = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise FlotillaError(f"making a GPG key on the controller: {cause}")
    return done.stdout


def _stop_agent(home: str) -> None:
    """It would outlive its home."""
    try:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True, timeout=SECONDS, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        pass
