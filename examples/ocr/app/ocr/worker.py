# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes pages from the queue, one at a time, until it is told to stop; then it ends the one that it has."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import nats.errors
import psycopg
from aiohttp import web
from nats.aio.msg import Msg

from . import documents, queue
from .reading import Unreadable, read_text

SCANS = Path(os.environ.get("SCANS", "/scans"))
NODE = os.environ.get("NODE_NAME", os.uname().nodename)
PORT = 5000
# Longer than reading a page takes, shorter than the health check's patience.
SILENT_FOR = 180


class Worker:
    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.alive = time.monotonic()
        self.pages: Counter[str] = Counter()
        self.seconds = 0.0

    async def run(self) -> None:
        client, pages = await queue.connect(NODE)
        consumer = await pages.pull_subscribe_bind(queue.WORKERS, queue.STREAM)
        try:
            async with await documents.connect() as connection:
                while not self.stopping.is_set():
                    self.alive = time.monotonic()
                    with contextlib.suppress(nats.errors.TimeoutError):
                        for message in await consumer.fetch(1, timeout=2):
                            await self.read(message, connection)
        finally:
            await client.close()

    async def read(self, message: Msg, connection: psycopg.AsyncConnection[object]) -> None:
        page = message.data.decode()
        begun = time.monotonic()
        telling = asyncio.create_task(self.tell(message))
        try:
            document = {"status": "read", "text": await read_text(SCANS / page)}
        except Unreadable as error:
            document = {"status": "unreadable", "text": str(error)}
        except OSError as error:  # the directory may be away for a moment: somebody else's turn
            print(f"{page}: {error.strerror}")
            self.pages["failed"] += 1
            await message.nak(delay=5)
            return
        finally:
            telling.cancel()
        seconds = time.monotonic() - begun
        await documents.store(connection, page, {**document, "node": NODE, "seconds": round(seconds, 2)})
        await message.ack()
        self.pages[document["status"]] += 1
        self.seconds += seconds

    async def tell(self, message: Msg) -> None:
        """While the page is read, it is nobody else's."""
        while True:
            await asyncio.sleep(queue.TAKEN_FOR / 3)
            await message.in_progress()
            self.alive = time.monotonic()

    async def health(self, _request: web.Request) -> web.Response:
        silent = time.monotonic() - self.alive
        try:
            there = await asyncio.wait_for(asyncio.to_thread(SCANS.is_dir), 5)
        except (TimeoutError, OSError):
            there = False
        well = there and silent < SILENT_FOR
        return web.json_response({"silent_seconds": round(silent, 1), "scans": there}, status=200 if well else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        lines = ["# TYPE ocr_pages_total counter", *(f'ocr_pages_total{{result="{name}"}} {number}' for name, number in self.pages.items())]
        return web.Response(text="\n".join([*lines, "# TYPE ocr_seconds_total counter", f"ocr_seconds_total {self.seconds:.3f}", ""]))


async def main() -> None:
    worker = Worker()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stopping.set)
    application = web.Application()
    application.add_routes([web.get("/health", worker.health), web.get("/metrics", worker.metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", PORT).start()
    await worker.run()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
