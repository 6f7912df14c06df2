# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts a picture of a person, as many times as asked, waits for the jobs, and fetches the pictures with what was found drawn in."""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFont

from .markup import COLOUR
from .settings import setting

PICTURE = Path("/srv/mpf/astronaut.png")
# The nose in that picture, as everybody sees it who looks at it.
NOSE = (223, 120)
WORDS = ["HARBOUR", "LANTERN"]
URL = os.environ.get("WORKFLOW_MANAGER_URL", "http://workflow-manager:8080")
Json = dict[str, Any]


def ask(path: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(URL + path, data=body)
    login = f"{setting('MPF_USER')}:{setting('MPF_PASSWORD')}".encode()
    request.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def portrait(words: list[str]) -> Image.Image:
    """With these words in a strip below it."""
    with Image.open(PICTURE) as person:
        width, height = person.size
        picture = Image.new("RGB", (width, height + (100 if words else 0)), "white")
        picture.paste(person)
    ImageDraw.Draw(picture).text((20, height + 25), " ".join(words), fill="black", font=ImageFont.load_default(size=44))
    return picture


def tracks_of(job: Json) -> list[Json]:
    return [track for result in job["results"].values() for track in result.get("tracks", [])]


def has_the_face(job: Json) -> bool:
    tracks, (across, down) = job["results"]["FACECV"].get("tracks", []), NOSE
    return len(tracks) == 1 and all(
        track["x"] < across < track["x"] + track["width"] and track["y"] < down < track["y"] + track["height"] for track in tracks
    )


def is_drawn(job: Json, before: Image.Image) -> bool:
    """Whether the picture with markup differs from the one that was posted in the frames of what was found, and nowhere outside of them."""
    tracks = tracks_of(job)
    corners = [(track["x"], track["y"]) for track in tracks]
    ends = [(track["x"] + track["width"] + 1, track["y"] + track["height"] + 1) for track in tracks]
    around = (*map(min, zip(*corners, strict=True)), *map(max, zip(*ends, strict=True)))
    with Image.open(io.BytesIO(ask(f"/rest/jobs/{job['jobId']}/markup"))) as after:
        changed = ImageChops.difference(before, after.convert("RGB")).getbbox()
        return changed == around and all(after.getpixel(corner) == COLOUR for corner in corners)


def prove(jobs: int, words: list[str], wait: float) -> Json:
    begun = time.monotonic()
    picture, content = portrait(words), io.BytesIO()
    picture.save(content, "PNG")
    query = "algorithm=FACECV" + ("&algorithm=TESSERACTOCR" if words else "")
    waiting = [json.loads(ask(f"/rest/jobs?{query}", content.getvalue()))["jobId"] for _number in range(jobs)]
    ended: list[Json] = []
    while waiting and time.monotonic() - begun < wait:
        told = [json.loads(ask(f"/rest/jobs/{job}")) for job in waiting[:10]]
        done = {job["jobId"]: job for job in told if job["status"] != "IN_PROGRESS"}
        ended += done.values()
        waiting = [job for job in waiting if job not in done]
        if not done:
            time.sleep(0.3)
    good = [job for job in ended if job["status"] == "COMPLETE" and has_the_face(job)]
    texts = {track.get("text") for job in good for track in tracks_of(job)}
    return {
        "jobs": jobs,
        "ended": len(ended),
        "faces": len(good),
        "drawn": sum(is_drawn(job, picture) for job in good),
        "words": [word for word in words if word in texts],
        "manager": json.loads(ask("/rest/jobs"))["node"],
        "components": dict(sorted(Counter(job["results"]["FACECV"]["node"] for job in good).items())),
        "markup": dict(sorted(Counter(job["markup"]["node"] for job in good).items())),
        "seconds": round(time.monotonic() - begun, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, metavar="NUMBER", help="default: %(default)s")
    parser.add_argument("--words", action="store_true", help="write words below the picture and have them found, too")
    parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="default: %(default)s")
    given = parser.parse_args()
    print(json.dumps(prove(given.jobs, WORDS if given.words else [], given.wait)))


if __name__ == "__main__":
    main()
