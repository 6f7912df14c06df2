# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a small text over HTTP."""

from __future__ import annotations

import http.client
import re
import urllib.error

from ansible.module_utils.urls import open_url

from ..errors import FlotillaError


def show_address(url: str) -> str:
    """An address without login and query, which often hold a password or a token."""
    return re.sub(r"(?<=//)[^/]*@", "", re.split(r"[?#]", url)[0]) if "://" in url else "the address"


def download(url: str, most_bytes: int) -> str:
    """The text at the address. Raises FlotillaError, also for more than ``most_bytes``."""
    try:
        with open_url(url, timeout=30) as answer:
            data = answer.read(most_bytes + 1)
    except urllib.error.HTTPError as error:
        raise FlotillaError(f"{show_address(url)} answered {error.code} {error.reason}.") from None
    except (ValueError, http.client.InvalidURL):  # whose text has the address in it
        raise FlotillaError(f"{show_address(url)} can't be read: this is not a valid address.") from None
    except (OSError, http.client.HTTPException) as error:
        raise FlotillaError(f"{show_address(url)} can't be read: {getattr(error, 'reason', error)}.") from None
    if len(data) > most_bytes:
        raise FlotillaError(f"{show_address(url)} holds more than {most_bytes} bytes.")
    return str(data.decode("utf-8", "replace"))
