# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets through between the nodes of a swarm as their containers would send it, and whether others could read it.

Each node has an end of the ingress network, and one of every network of its tasks, with no container in it. From the network namespace
of that end a few bytes are sent to those of the other nodes, and then so many that full packets are needed, which is what a too small
MTU on the way swallows. In encrypted networks a datagram with a marker goes first, and what leaves this host is searched for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import typing as t

from ..._core.cluster.networks import read_network
from ...errors import FlotillaError
from ..daemonize import Say, start_apart
from ..engine import Engine, NotFound
from .packet_capture import WireTap, has_keys

OPEN, SILENT, ONLY_SMALL = "open", "no answer", "only small packets"
NAMESPACES = "/run/docker/netns"
INGRESS = "ingress_sbox"
PORT = 24789
LIFETIME_SECONDS = 60
_SMALL, _LARGE = 16, 50_000
_PATIENCE_SECONDS = 3.0
_AT_ONCE = 100
_NEW_NETWORK = 0x40000000

End = t.Mapping[str, t.Any]
"""``network``, its ``namespace`` on every node, the ``address`` on this one, and whether it is ``encrypted``."""


def find_ends(engine: Engine) -> list[End]:
    """This node's ends of the ingress network and of encrypted ones, in that order; none where it has none of the ingress network."""
    doing = "reading the overlay networks"
    ends: list[End] = []
    networks = map(read_network, engine.get("/networks", doing=doing, filters={"driver": ["overlay"]}))
    for network in sorted(networks, key=lambda each: (not each["ingress"], each["name"])):
        name = network["name"]
        namespace, key = (INGRESS, f"{name}-sbox") if network["ingress"] else (f"lb_{network['id'][:9]}", f"lb-{name}")
        if not (network["ingress"] or network["encrypted"]) or not os.path.exists(_path(namespace)):
            continue
        with contextlib.suppress(NotFound):  # it went since it was listed
            found = (engine.get(f"/networks/{network['id']}", doing=doing).get("Containers") or {}).get(key) or {}
            if address := str(found.get("IPv4Address") or "").partition("/")[0]:
                ends.append({"network": name, "namespace": namespace, "address": address, "encrypted": network["encrypted"]})
    return ends if ends and ends[0]["namespace"] == INGRESS else []


def listen(ends: t.Sequence[End]) -> None:
    """Send back what comes, for a minute, in a process of its own; where another run does so, beside it."""

    async def serve(say: Say) -> None:
        for end in ends:
            _enter(end["namespace"])
            await asyncio.start_server(_send_back, end["address"], PORT, reuse_port=True)
        say("")
        await asyncio.sleep(LIFETIME_SECONDS)

    start_apart(serve, "listening on the overlay networks")


def reach(peers: t.Mapping[str, t.Sequence[End]]) -> dict[str, t.Any]:
    """How the ends of the other nodes answer, by network, and which of them are sent to in clear though the network is encrypted.

    Networks of which this host has no end are left out. This process is in the namespace of one of the others from then on.
    """
    ways = [(peer, end) for peer, ends in peers.items() for end in ends if os.path.exists(_path(end["namespace"]))]
    encrypted = any(end["encrypted"] for _peer, end in ways)
    result = {"has_keys": has_keys()} if encrypted else {}
    tap = WireTap() if encrypted else None
    outcomes = asyncio.run(_reach([end for _peer, end in ways], tap))
    clear = tap.clear() if tap else set()
    networks: dict[str, dict[str, t.Any]] = {}
    for number, (peer, end) in enumerate(ways):
        kind = {"network": end["network"], "ingress": end["namespace"] == INGRESS, "encrypted": end["encrypted"]}
        told = networks.setdefault(end["network"], {**kind, "reached": {}, "in_clear": []})
        told["reached"][peer] = outcomes[number]
        if number in clear:
            told["in_clear"].append(peer)
    return {"networks": list(networks.values()), **result}


async def _reach(ends: t.Sequence[End], tap: WireTap | None) -> list[str]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def take_turn(number: int, end: End) -> str:
        async with turns:
            outcome = await _try(end, tap.mark(number) if tap and end["encrypted"] else b"")
            if tap:
                tap.clear()  # before there is more than the socket can hold
            return outcome

    return await asyncio.gather(*(take_turn(number, end) for number, end in enumerate(ends)))


async def _try(end: End, mark: bytes) -> str:
    outcome = SILENT
    try:
        reader, writer = await asyncio.wait_for(_connect(end, mark), _PATIENCE_SECONDS)
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


async def _connect(end: End, mark: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """While this waits others enter other namespaces; a socket stays in that in which it was made."""
    _enter(end["namespace"])
    place = (end["address"], PORT)
    if mark:
        with socket.socket(type=socket.SOCK_DGRAM) as datagram:
            datagram.sendto(mark, place)
    with contextlib.ExitStack() as unconnected:
        stream = unconnected.enter_context(socket.socket())
        stream.setblocking(False)
        await asyncio.get_running_loop().sock_connect(stream, place)
        unconnected.pop_all()
    return await asyncio.open_connection(sock=stream)


async def _send_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


def _path(namespace: str) -> str:
    return os.path.join(NAMESPACES, namespace)


def _enter(namespace: str) -> None:
    """Python itself can do it from 3.12 on only."""
    try:
        with open(_path(namespace), "rb") as stream:
            if ctypes.CDLL(None, use_errno=True).setns(stream.fileno(), _NEW_NETWORK):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
    except OSError as error:
        raise FlotillaError(
            f"entering a network of this host ({_path(namespace)}): {error.strerror}", "Become root (become: true)."
        ) from None
