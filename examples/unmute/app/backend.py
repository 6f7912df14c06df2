# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A turn of a conversation: POST a sound, get what was said, the answer, and the answer spoken."""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import redis.asyncio as redis
from aiohttp import ClientError, ClientSession, ClientTimeout, web

STT, LLM, TTS = (os.environ[f"{part}_URL"] for part in ("STT", "LLM", "TTS"))
MODEL = os.environ["LLM_MODEL"]
INSTRUCTION = {"role": "system", "content": "You are a helpful assistant. Answer in one short sentence."}
LARGEST = 16 * 1024 * 1024
KEPT_TURNS, KEPT_SECONDS = 4, 3600

_T = TypeVar("_T")
turns: Counter[str] = Counter()
seconds: Counter[str] = Counter()


class Unanswered(Exception):
    """A part of the service did not do its work."""


async def step(part: str, work: Awaitable[_T]) -> _T:
    began = time.monotonic()
    try:
        return await work
    except (ClientError, TimeoutError, redis.RedisError) as error:
        turns[f"no_{part}"] += 1
        raise Unanswered(f"{part} does not answer: {error or type(error).__name__}") from error
    finally:
        seconds[part] += time.monotonic() - began


async def hear(session: ClientSession, sound: bytes) -> dict[str, Any]:
    async with session.post(f"{STT}/transcribe", data=sound, raise_for_status=False) as answer:
        if answer.status == 422:
            raise web.HTTPUnprocessableEntity(text=await answer.text())
        answer.raise_for_status()
        return dict(await answer.json())


async def think(session: ClientSession, messages: list[dict[str, str]]) -> str:
    body = {"model": MODEL, "messages": messages, "max_tokens": 60, "temperature": 0}
    async with session.post(f"{LLM}/v1/chat/completions", json=body) as answer:
        return str((await answer.json())["choices"][0]["message"]["content"]).strip()


async def speak(session: ClientSession, text: str) -> tuple[bytes, str]:
    async with session.post(f"{TTS}/speak", json={"text": text}) as answer:
        return await answer.read(), " ".join((answer.headers["X-Node"], answer.headers["X-Gpu"]))


async def talk(request: web.Request) -> web.Response:
    session, memory = request.app["session"], request.app["memory"]
    sound = await request.read()
    if not sound:
        return web.json_response({"error": "The body is empty. Send a sound, such as a wav."}, status=400)
    conversation = request.query.get("conversation") or uuid.uuid4().hex
    key = f"conversation:{conversation}"
    try:
        heard = await step("stt", hear(session, sound))
        if not heard["text"]:
            return web.json_response({"error": "Nothing was said."}, status=422)
        before = [json.loads(each) for each in await step("redis", memory.lrange(key, -2 * KEPT_TURNS, -1))]
        said = {"role": "user", "content": heard["text"]}
        answer = await step("llm", think(session, [INSTRUCTION, *before, said]))
        audio, speaker = await step("tts", speak(session, answer))
        await step("redis", memory.rpush(key, json.dumps(said), json.dumps({"role": "assistant", "content": answer})))
        await step("redis", memory.expire(key, KEPT_SECONDS))
    except Unanswered as error:
        return web.json_response({"error": str(error)}, status=503)
    except web.HTTPUnprocessableEntity as error:
        return web.json_response({"error": (error.text or "").strip()}, status=422)
    turns["done"] += 1
    by = {"stt": f"{heard['node']} {heard['gpu']}", "tts": speaker, "backend": os.environ.get("NODE_NAME", "")}
    told = {"conversation": conversation, "text": heard["text"], "answer": answer, "by": by}
    return web.json_response({**told, "audio": base64.b64encode(audio).decode()})


async def health(_request: web.Request) -> web.Response:
    return web.json_response({"node": os.environ.get("NODE_NAME", "")})


async def metrics(_request: web.Request) -> web.Response:
    lines = ["# TYPE unmute_turns_total counter"]
    lines += [f'unmute_turns_total{{result="{result}"}} {count}' for result, count in sorted(turns.items())]
    lines += ["# TYPE unmute_part_seconds_total counter"]
    lines += [f'unmute_part_seconds_total{{part="{part}"}} {spent:.3f}' for part, spent in sorted(seconds.items())]
    return web.Response(text="\n".join(lines) + "\n")


async def connections(application: web.Application) -> AsyncIterator[None]:
    async with ClientSession(timeout=ClientTimeout(total=60), raise_for_status=True) as session:
        application["session"], application["memory"] = session, redis.from_url(os.environ["REDIS_URL"])
        yield
        await application["memory"].aclose()


if __name__ == "__main__":
    application = web.Application(client_max_size=LARGEST)
    application.cleanup_ctx.append(connections)
    application.add_routes(
        [web.post("/api/talk", talk), web.get("/api/health", health), web.get("/health", health), web.get("/metrics", metrics)]
    )
    web.run_app(application, port=8000, access_log=None)
