# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user, a password, and its hash as ``htpasswd -B`` writes it."""

from __future__ import annotations

import re
import secrets

from ..module_utils.errors import FlotillaError

try:
    import bcrypt
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

USER = re.compile(r"[^:\x00-\x1f\x7f]+")
"""What a list of logins can hold."""
# A server computes it for each request. A generated password can't be guessed anyhow, so that what `htpasswd -B` takes will do; a short one
# was chosen by somebody.
_ROUNDS, _ROUNDS_CHOSEN, _GENERATED = 5, 11, 40


def require_bcrypt() -> None:
    """Raise FlotillaError where the controller can't hash passwords."""
    if MISSING:
        raise FlotillaError(f"logins are made by bcrypt on the controller: {MISSING}", "Install it there.")


def make_password() -> str:
    return secrets.token_urlsafe(32)


def hash_login(username: str, password: str) -> str:
    return f"{username}:{bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(_rounds(password))).decode()}"


def is_login(htpasswd: str, username: str, password: str) -> bool:
    """Whether a line of ``htpasswd`` is of this user and password, and can't be tried out faster than it may be."""
    user, _colon, hashed = htpasswd.partition(":")
    if hashed.split("$")[2:3] < [f"{_rounds(password):02}"]:
        return False
    try:
        return user == username and bcrypt.checkpw(password.encode()[:72], hashed.encode())
    except ValueError:  # no hash of bcrypt
        return False


def _rounds(password: str) -> int:
    return _ROUNDS if len(password) >= _GENERATED else _ROUNDS_CHOSEN
