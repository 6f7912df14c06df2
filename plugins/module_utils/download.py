# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a small text over HTTP."""

from __future__ import annotations

import http.client
import urllib.error

from ansible.module_utils.urls import open_url

from .plan import FlotillaError


def download(url: str, most_bytes: int) -> str:
    """The text at the address. Raises FlotillaError; of what is longer than ``most_bytes``, too."""
    try:
        with open_url(url, timeout=30) as answer:
            data = answer.read(most_bytes + 1)
    except urllib.error.HTTPError as error:
        raise FlotillaError(f"{url} answered {error.code} {error.reason}.") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FlotillaError(f"{url} can't be read: {getattr(error, 'reason', error)}.") from None
    if len(data) > most_bytes:
        raise FlotillaError(f"{url} holds more than {most_bytes} bytes.")
    return str(data.decode("utf-8", "replace"))
