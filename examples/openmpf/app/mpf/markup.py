# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what was found into a copy of the picture."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw, UnidentifiedImageError

from .media import place, save
from .messages import MARKED, MARKUP, Broker, Message
from .settings import NODE

COLOUR = (255, 0, 0)


def draw(picture: Image.Image, tracks: list[dict[str, Any]]) -> bytes:
    copy = picture.convert("RGB")
    pen = ImageDraw.Draw(copy)
    for track in tracks:
        left, top = track["x"], track["y"]
        pen.rectangle((left, top, left + track["width"], top + track["height"]), outline=COLOUR, width=3)
        pen.text((left + 5, top + 5), track.get("text", ""), fill=COLOUR)
    content = io.BytesIO()
    copy.save(content, "PNG")
    return content.getvalue()


def main() -> None:
    broker = Broker()

    def mark(request: Message) -> None:
        result: Message = {"job": request["job"], "node": NODE}
        try:
            with Image.open(place("remote-media", request["job"])) as picture:
                save(place("markup", request["job"]), draw(picture, request["tracks"]))
        except UnidentifiedImageError:
            result["error"] = "it is no picture that can be drawn into"
        broker.send(MARKED, result)

    broker.serve({MARKUP: mark})


if __name__ == "__main__":
    main()
