# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes pages, hands them in, waits until all are read, and compares: the proof that the service does its job."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import time
from collections import Counter
from typing import Any

import aiohttp
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
WORDS = "harbour anchor lantern timber rudder market bridge garden beacon tender halyard ladder".split()


def text_of(number: int) -> str:
    """Three lines that no other page has."""
    first, second = (WORDS[(number // step) % len(WORDS)] for step in (1, len(WORDS)))
    return f"Page {1000 + number}\n{first} and {second}\nread by a fleet"


def picture_of(text: str) -> bytes:
    image = Image.new("L", (900, 320), 255)
    ImageDraw.Draw(image).multiline_text((40, 40), text, fill=0, font=ImageFont.truetype(FONT, 56), spacing=24)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


async def hand_in(session: aiohttp.ClientSession, number: int) -> tuple[str, int]:
    async with session.post("/pages", data=picture_of(text_of(number))) as answer:
        answer.raise_for_status()
        return (await answer.json())["id"], number


async def fetch(session: aiohttp.ClientSession, page: str) -> dict[str, Any]:
    async with session.get(f"/pages/{page}") as answer:
        answer.raise_for_status()
        return dict(await answer.json())


async def prove(url: str, pages: int, wait: float) -> dict[str, Any]:
    begun = time.monotonic()
    async with aiohttp.ClientSession(url) as session:
        waiting = dict([await hand_in(session, number) for number in range(pages)])
        read: dict[int, dict[str, Any]] = {}
        while waiting and time.monotonic() - begun < wait:
            for page, number in list(waiting.items()):
                document = await fetch(session, page)
                if document["status"] != "waiting":
                    read[number] = document
                    del waiting[page]
                    print(f"{len(read)} of {pages}: {document['node']}", flush=True)
            await asyncio.sleep(0.2)
    right = sum(" ".join(document["text"].split()) == " ".join(text_of(number).split()) for number, document in read.items())
    nodes = Counter(document["node"] for document in read.values())
    seconds = round(time.monotonic() - begun, 1)
    return {"pages": pages, "read": len(read), "right": right, "by_node": dict(sorted(nodes.items())), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20, metavar="NUMBER", help="default: %(default)s")
    parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="default: %(default)s")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(prove(os.environ.get("API_URL", "http://api:8000"), given.pages, given.wait))))


if __name__ == "__main__":
    main()
