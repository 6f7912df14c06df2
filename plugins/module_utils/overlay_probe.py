# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets through between the nodes of a swarm as their containers would send it.

Each node has an end of the ingress network, with no container in it. From the network namespace of that end a few bytes are sent to
those of the other nodes, and then so many that full packets are needed, which is what a too small MTU on the way swallows.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import typing as t

from .apart import Say, start_apart
from .engine import Engine
from .plan import FlotillaError

OPEN, SILENT, ONLY_SMALL = "open", "no answer", "only small packets"
NAMESPACE = "/run/docker/netns/ingress_sbox"
END = "ingress-sbox"
PORT = 24789
LIFETIME_SECONDS = 60
_SMALL, _LARGE = 16, 50_000
_PATIENCE_SECONDS = 3.0
_AT_ONCE = 100
_NEW_NETWORK = 0x40000000


def find_end(engine: Engine) -> str:
    """The address of this node's end of the ingress network; empty where it has none."""
    doing = "reading the ingress network"
    networks = engine.get("/networks", doing=doing, filters={"driver": ["overlay"]})
    ingress = next((each["Id"] for each in networks if each.get("Ingress")), "")
    if not ingress or not os.path.exists(NAMESPACE):
        return ""
    ends = engine.get(f"/networks/{ingress}", doing=doing).get("Containers") or {}
    return str((ends.get(END) or {}).get("IPv4Address") or "").partition("/")[0]


def listen(address: str) -> None:
    """Send back what comes, for a minute, in a process of its own; where another run does so, beside it."""

    async def serve(say: Say) -> None:
        _enter()
        await asyncio.start_server(_send_back, address, PORT, reuse_port=True)
        say("")
        await asyncio.sleep(LIFETIME_SECONDS)

    start_apart(serve, "listening on the ingress network")


def reach(ends: t.Mapping[str, str]) -> dict[str, str]:
    """How the end of each other node answers, by name: ``open``, ``only small packets``, ``no answer``, or the system's words.

    This process is in the namespace of the ingress network from then on.
    """
    _enter()
    return asyncio.run(_reach(ends))


async def _reach(ends: t.Mapping[str, str]) -> dict[str, str]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def take_turn(address: str) -> str:
        async with turns:
            return await _try(address)

    return dict(zip(ends, await asyncio.gather(*map(take_turn, ends.values()))))


async def _try(address: str) -> str:
    outcome = SILENT
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(address, PORT), _PATIENCE_SECONDS)
        with contextlib.closing(writer):
            for size, reached in ((_SMALL, ONLY_SMALL), (_LARGE, OPEN)):
                writer.write(bytes(size))
                await asyncio.wait_for(reader.readexactly(size), _PATIENCE_SECONDS)
                outcome = reached
    except (asyncio.TimeoutError, asyncio.IncompleteReadError):
        pass
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return outcome


async def _send_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


def _enter() -> None:
    """Python itself can do it from 3.12 on only."""
    try:
        with open(NAMESPACE, "rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _NEW_NETWORK):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
    except OSError as error:
        raise FlotillaError(f"entering the ingress network of this host ({NAMESPACE}): {error.strerror}. Become root for it.") from None
