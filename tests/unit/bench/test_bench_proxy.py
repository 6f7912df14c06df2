# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
from pathlib import Path

import docker
import pytest
from fake_engine import FakeEngine, node
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.proxy import RequestReader, serve

GET = b"GET /v1.45/services HTTP/1.1\r\nHost: docker\r\n\r\n"
POST = b"POST /v1.45/services/create HTTP/1.1\r\nContent-Length: 21\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost:"
CHUNKED = (
    b"POST /v1.45/build?t=x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nGET /\r\nE;x=1\r\n HTTP/1.1\r\n\r\n\r\n\r\n0\r\nTrailer: 1\r\n\r\n"
)
HEAD = b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
SEEN = {
    GET: "GET /v1.45/services",
    POST: "POST /v1.45/services/create",
    CHUNKED: "POST /v1.45/build?t=x",
    HEAD: "HEAD /_ping",
}


@given(st.lists(st.sampled_from(list(SEEN))), st.data())
def test_requests_are_found_in_any_pieces(sent: list[bytes], data: st.DataObject) -> None:
    stream, reader = b"".join(sent), RequestReader()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [found for piece in pieces for found in reader.feed(piece)] == [SEEN[request] for request in sent]


def test_what_follows_an_upgrade_is_no_request() -> None:
    reader = RequestReader()
    upgrade = b"POST /session HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert reader.feed(GET + upgrade + GET) == ["GET /v1.45/services", "POST /session"]
    assert reader.feed(GET) == []


@pytest.mark.parametrize("between", [b"", b"\r\n"])
def test_an_empty_line_before_a_request_means_nothing(between: bytes) -> None:
    assert RequestReader().feed(GET + between + HEAD) == ["GET /v1.45/services", "HEAD /_ping"]


def test_the_record_is_what_the_engine_got(fake_engine: type[FakeEngine], tmp_path: Path) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)])
    socket, record = tmp_path / "counted.sock", tmp_path / "record"

    def ask() -> None:
        client = docker.APIClient(base_url=f"unix://{socket}", version="auto")
        assert [item["Description"]["Hostname"] for item in client.nodes()] == ["m1"]
        client.create_volume("data")
        client.close()

    async def scenario() -> None:
        with record.open("a") as opened:
            proxy = asyncio.create_task(serve(str(socket), fake.docker_host.removeprefix("unix://"), opened))
            while not socket.exists():
                await asyncio.sleep(0.01)
            await asyncio.to_thread(ask)
            proxy.cancel()
            await asyncio.gather(proxy, return_exceptions=True)

    asyncio.run(scenario())
    # The engine's record has paths without the version.
    assert [request.call for request in fake.requests] == ["GET /version", "GET /nodes", "POST /volumes/create"]
    assert record.read_text().splitlines() == ["GET /version", "GET /v1.45/nodes", "POST /v1.45/volumes/create"]
