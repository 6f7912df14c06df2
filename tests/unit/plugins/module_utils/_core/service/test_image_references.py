# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import familiar_image

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.27", "nginx:1.27"),
        ("docker.io/library/nginx:1", "nginx:1"),
        ("docker.io/team/app", "team/app:latest"),
        ("index.docker.io/library/nginx", "nginx:latest"),
        ("library/nginx", "nginx:latest"),
        ("team/app:2", "team/app:2"),
        ("registry.example.com:5000/team/app", "registry.example.com:5000/team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("127.0.0.1:5000/app:x", "127.0.0.1:5000/app:x"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x"),
        (f"nginx@{DIGEST}", f"nginx@{DIGEST}"),
        (f"nginx:1@{DIGEST}", f"nginx:1@{DIGEST}"),
        ("a__b/c-d--e.f_g", "a__b/c-d--e.f_g:latest"),
        ("ghcr.io/library/x", "ghcr.io/library/x:latest"),
    ],
)
def test_the_short_form(text: str, image: str) -> None:
    assert familiar_image(text) == image


@pytest.mark.parametrize(
    "text",
    ["", ":1", "nginx:", "nginx:a b", "Foo/Bar:1", "foo/Bar", "/nginx", "nginx/", "a//b", "-a", "a..b", "nginx@sha256:12",
     "<host>/x", "nginx:-1", "/app:", "http://x/y", "a b"],
)  # fmt: skip
def test_texts_that_are_no_image(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a |^an "):
        familiar_image(text)
