# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down every request between clients and an engine, and changes none. Runs alone on any Python >= 3.9.

python3 proxy.py SOCKET ENGINE_SOCKET RECORD      # RECORD gets a line such as "GET /v1.45/services" for each request
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import typing as t

CHUNK_BYTES = 65536


class RequestReader:
    """Finds the requests in what one client sends, in whatever pieces it comes.

    A request that asks to upgrade the connection is the last: what follows is no HTTP/1.1.
    """

    def __init__(self) -> None:
        self._unread = b""
        self._skip = 0
        self._step: t.Callable[[], str | None] = self._head
        self._waiting = False

    def feed(self, data: bytes) -> list[str]:
        """The requests that begin, as ``METHOD target``, in order."""
        self._unread += data
        self._waiting = False
        found = []
        while not self._waiting:
            request = self._step()
            if request:
                found.append(request)
        return found

    def _line(self, end: bytes) -> bytes | None:
        """What comes before ``end``; None, and waiting, if that has not come yet."""
        before, found, after = self._unread.partition(end)
        if not found:
            self._waiting = True
            return None
        self._unread = after
        return before

    def _head(self) -> str | None:
        self._unread = self._unread.lstrip(b"\r\n")
        text = self._line(b"\r\n\r\n")
        if text is None:
            return None
        first, *lines = text.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip().lower() for name, _colon, value in (line.partition(":") for line in lines)}
        if "upgrade" in headers.get("connection", ""):
            self._step = self._opaque
        elif "chunked" in headers.get("transfer-encoding", ""):
            self._step = self._chunk
        else:
            self._skip, self._step = int(headers.get("content-length", 0)), self._body
        return first.rpartition(" ")[0]

    def _body(self) -> None:
        skipped = min(self._skip, len(self._unread))
        self._skip, self._unread = self._skip - skipped, self._unread[skipped:]
        if self._skip:
            self._waiting = True
        else:
            self._step = self._head
            self._waiting = not self._unread

    def _chunk(self) -> None:
        size = self._line(b"\r\n")
        if size is None:
            return
        length = int(size.partition(b";")[0], 16)
        if length:
            self._skip, self._step = length + 2, self._chunk_data
        else:
            self._step = self._trailer

    def _chunk_data(self) -> None:
        self._body()
        if not self._skip:
            self._step, self._waiting = self._chunk, False

    def _trailer(self) -> None:
        if self._line(b"\r\n") == b"":
            self._step = self._head

    def _opaque(self) -> None:
        self._unread, self._waiting = b"", True


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: t.Callable[[bytes], None]) -> None:
    """Until the sender has no more; the receiver is told so, and may still answer."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            seen(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def serve(own: str, engine: str, record: t.TextIO) -> None:
    async def connected(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_engine, to_engine = await asyncio.open_unix_connection(engine)
        requests = RequestReader()

        def write_down(data: bytes) -> None:
            record.writelines(f"{request}\n" for request in requests.feed(data))
            record.flush()

        try:
            await asyncio.gather(pump(from_client, to_engine, write_down), pump(from_engine, to_client, lambda data: None))
        finally:
            to_engine.close()
            to_client.close()

    server = await asyncio.start_unix_server(connected, own)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with open(sys.argv[3], "a", encoding="utf-8") as opened:
        asyncio.run(serve(sys.argv[1], sys.argv[2], opened))
