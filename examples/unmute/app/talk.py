# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to the service as somebody would: the proof that it does its job, and with many turns its benchmark."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import sys
import time
import wave
from io import BytesIO
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from likeness import right

BACKEND, STT, TTS = (os.environ.get(f"{part}_URL", f"http://{part.lower()}:8000") for part in ("BACKEND", "STT", "TTS"))


async def post(session: ClientSession, url: str, **body: Any) -> bytes:
    async with session.post(url, **body) as answer:
        content = await answer.read()
        if not answer.ok:
            sys.exit(f"{url} answers {answer.status}: {content.decode(errors='replace').strip()}")
        return content


async def turn(session: ClientSession, sound: bytes) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    told = json.loads(await post(session, f"{BACKEND}/api/talk", data=sound))
    return told, time.monotonic() - began


async def talk(question: str, turns: int, at_once: int) -> dict[str, Any]:
    async with ClientSession(timeout=ClientTimeout(total=300)) as session:
        sound = await post(session, f"{TTS}/speak", json={"text": question})
        room = asyncio.Semaphore(at_once)

        async def one() -> tuple[dict[str, Any], float]:
            async with room:
                return await turn(session, sound)

        began = time.monotonic()
        done = await asyncio.gather(*(one() for _turn in range(turns)))
        took = time.monotonic() - began
        told, _seconds = done[0]
        answer = base64.b64decode(told["audio"])
        heard = json.loads(await post(session, f"{STT}/transcribe", data=answer))["text"]
    with wave.open(BytesIO(answer)) as sound_of_answer:
        length = sound_of_answer.getnframes() / sound_of_answer.getframerate()
    return {
        "question": question,
        "text": told["text"],
        "text_right": right(question, told["text"]),
        "answer": told["answer"],
        "heard": heard,
        "heard_right": right(told["answer"], heard),
        "wav_seconds": round(length, 1),
        "turns": turns,
        "seconds": round(took, 1),
        "turn_seconds": round(statistics.median(seconds for _told, seconds in done), 1),
        "slowest_seconds": round(max(seconds for _told, seconds in done), 1),
        "by": told["by"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--question", default="What is the capital of Italy?", help="what is asked; the service itself speaks it first")
    parser.add_argument("--turns", type=int, default=1, help="how often")
    parser.add_argument("--at-once", type=int, default=1, help="how many at the same time")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(talk(given.question, given.turns, given.at_once))))
