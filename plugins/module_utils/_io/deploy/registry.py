# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries say of images, asked through an engine."""

from __future__ import annotations

import typing as t

from ..._core.service.images import Resolved, read_distribution
from ..engine import EngineError

Auth = t.Callable[[str], "dict[str, str] | None"]
"""The headers with the login for an image, None without one."""


def ask_registries(engine: t.Any, images: t.Iterable[str], auth: Auth) -> dict[str, Resolved]:
    """What registries say now of the images without a digest, by image; never raises."""
    return {image: _ask(engine, image, auth) for image in images if image and "@" not in image}


def _ask(engine: t.Any, image: str, auth: Auth) -> Resolved:
    try:
        answer = engine.get(f"/distribution/{image}/json", f"resolving image {image}", headers=auth(image))
    except EngineError as error:
        return Resolved(problem=" ".join(error.problem.split()), is_local=_has_image(engine, image))
    return read_distribution(answer)


def _has_image(engine: t.Any, image: str) -> bool:
    try:
        engine.get(f"/images/{image}/json", f"looking for image {image}")
    except EngineError:
        return False
    return True
