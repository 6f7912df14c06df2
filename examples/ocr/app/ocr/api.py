# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes pages in, and tells what became of them."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

from aiohttp import web

from . import documents, queue

SCANS = Path(os.environ.get("SCANS", "/scans"))
LARGEST = 32 * 1024 * 1024


async def put(request: web.Request) -> web.Response:
    """The page lies in the shared directory before anybody hears of it."""
    content = await request.read()
    if not content:
        raise web.HTTPBadRequest(text="The body is empty. Send a picture: PNG, JPEG or TIFF.\n")
    page = uuid.uuid4().hex
    await asyncio.to_thread(save, page, content)
    await request.app["queue"].publish(queue.SUBJECT, page.encode(), headers={"Nats-Msg-Id": page})
    return web.json_response({"id": page}, status=202)


def save(page: str, content: bytes) -> None:
    part = SCANS / f".{page}"
    part.write_bytes(content)
    part.rename(SCANS / page)


async def get(request: web.Request) -> web.Response:
    page = request.match_info["page"]
    async with await documents.connect() as connection:
        document = await documents.find(connection, page)
    if document:
        return web.json_response(document)
    if await asyncio.to_thread((SCANS / page).exists):
        return web.json_response({"status": "waiting"})
    raise web.HTTPNotFound(text=f"There is no page {page}.\n")


async def summary(request: web.Request) -> web.Response:
    async with await documents.connect() as connection:
        by_node = await documents.count(connection)
    return web.json_response({"waiting": await queue.depth(request.app["queue"]), "read": sum(by_node.values()), "by_node": by_node})


async def health(_request: web.Request) -> web.Response:
    there = await asyncio.wait_for(asyncio.to_thread(os.access, SCANS, os.W_OK), 5)
    return web.json_response({"scans": there}, status=200 if there else 503)


async def make() -> web.Application:
    application = web.Application(client_max_size=LARGEST)
    _client, application["queue"] = await queue.connect("api")
    application.add_routes(
        [web.post("/pages", put), web.get("/pages", summary), web.get("/pages/{page:[0-9a-f]{32}}", get), web.get("/health", health)]
    )
    return application


if __name__ == "__main__":
    web.run_app(make(), port=8000, access_log=None)
