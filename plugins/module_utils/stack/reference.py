# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images: what is one, and the short form in which services hold it. Pure."""

from __future__ import annotations

import re

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_HUB = ("docker.io", "index.docker.io")


def familiar_image(text: str) -> str:
    """The short form with a tag or digest: ``docker.io/library/nginx`` is ``nginx:latest``.

    Raises ValueError, with what was expected, for a text that is no image reference.
    """
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError("a digest such as sha256:... after the @")
    head, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError("a tag of letters, digits, '_', '.' and '-' after the colon")
    path = head + slash + name
    first, slash, remainder = path.partition("/")
    domain = ""
    if slash and (set(".:") & set(first) or first == "localhost" or first != first.lower()):
        domain, path = first, remainder
        if not _DOMAIN.fullmatch(domain):
            raise ValueError("a registry such as registry.example.com:5000 before the first slash")
    if path != path.lower():
        raise ValueError("a repository in lower case")
    if not _PATH.fullmatch(path):
        raise ValueError("an image such as nginx:1.27 or registry.example.com:5000/team/app:2")
    if domain in _HUB:
        domain, path = "", path[len("library/") :] if path.startswith("library/") else path
    elif not domain and path.startswith("library/"):
        path = path[len("library/") :]
    image = f"{domain}/{path}" if domain else path
    suffix = f":{tag}" if colon else ""
    if not colon and not at:
        suffix = ":latest"
    return image + suffix + at + digest


def listed_image(text: str) -> str:
    """The form in which the engine lists an image; a text that is no reference stays, as services of other programs may have one."""
    try:
        return familiar_image(text)
    except ValueError:
        return text
