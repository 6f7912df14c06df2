# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches this host on the ports of a swarm, and where it gets through itself.

Every host sends to all others and listens to them for the same few seconds. A raw socket sees UDP datagrams behind the host's packet
filter, also on ports that the engine or the kernel's VXLAN holds. Nothing on the host is changed, and nothing is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import socket
import struct
import typing as t
from dataclasses import dataclass, field

from ..._core.host.port_probe import Job
from ...errors import FlotillaError
from ..daemonize import start_apart
from ..target import Target

OPEN, REFUSED, SILENT = "open", "refused", "no answer"
# As VXLAN this has no valid network, and it is no message of the engine's gossip: either throws it away.
_MAGIC = b"\0FLT\0\0\0\0"
_CONNECT_SECONDS = 1.5
_TICK_SECONDS = 0.5
# Datagrams a second at most, whatever the number of hosts.
_DATAGRAMS = 400
# How long a host is there for the others once all have begun: when it is done itself, and when something is missing.
_LEAST_SECONDS, _MOST_SECONDS = 1.5, 4.0


def control_name(run: str, host: str) -> str:
    """An abstract socket: it has no file, and goes with its process."""
    return f"\0flotilla.swarm.ports/{run}/{host}"


@dataclass
class Watch:
    """One host's part. ``arrived`` are peers and ports from which datagrams came, ``acknowledged`` those that got ours."""

    job: Job
    reached: dict[str, dict[int, str]] = field(default_factory=dict)
    arrived: set[tuple[str, int]] = field(default_factory=set)
    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    sees_udp: bool = True

    async def run(self, ready: t.Callable[[], None]) -> None:
        """Until the report was fetched, or the lifetime is over. ``ready`` is called when it listens."""
        self._fetched = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            for port in self.job.listen:
                await self._listen(stack, port)
            senders = {family: self._open_udp(stack, family) for family in self._families()}
            name = control_name(self.job.run, self.job.host)
            await stack.enter_async_context(await asyncio.start_unix_server(self._tell, name))
            goals = [(peer, *place) for peer, places in self.job.tcp.items() for place in places]
            tasks = [asyncio.ensure_future(self._connect(*goal)) for goal in goals]
            tasks.append(asyncio.ensure_future(self._send(senders)))
            for task in tasks:
                stack.callback(task.cancel)
            ready()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._fetched.wait(), self.job.lifetime)

    def report(self) -> dict[str, t.Any]:
        """By peer: how each TCP port of it answered, and on which UDP ports of ours its datagrams came; None if that can't be seen."""
        heard = {peer: {port: (peer, port) in self.arrived for _address, port in places} for peer, places in self.job.udp.items()}
        return {"tcp": self.reached, "udp": heard if self.sees_udp else None}

    def _families(self) -> set[socket.AddressFamily]:
        return {_family(address) for places in self.job.udp.values() for address, _port in places}

    async def _listen(self, stack: contextlib.AsyncExitStack, port: int) -> None:
        """Where something listens already, that answers in our place."""
        try:
            server = await asyncio.start_server(lambda _reader, writer: writer.close(), port=port, reuse_address=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            await stack.enter_async_context(server)

    async def _connect(self, peer: str, address: str, port: int) -> None:
        ports = self.reached.setdefault(peer, {})
        ports[port] = SILENT
        while ports[port] != OPEN:
            try:
                _reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), _CONNECT_SECONDS)
                writer.close()
                ports[port] = OPEN
            except asyncio.TimeoutError:
                ports[port] = SILENT
            except ConnectionRefusedError:
                ports[port] = REFUSED
            except OSError as error:
                ports[port] = os.strerror(error.errno) if error.errno else str(error)
            if ports[port] not in (OPEN, SILENT):
                await asyncio.sleep(_TICK_SECONDS)

    async def _send(self, senders: t.Mapping[socket.AddressFamily, socket.socket]) -> None:
        goals = [(peer, *place) for peer, places in self.job.udp.items() for place in places]
        while True:
            goals = [goal for goal in goals if (goal[0], goal[2]) not in self.acknowledged]
            for peer, address, port in goals:
                with contextlib.suppress(OSError):
                    senders[_family(address)].sendto(self._datagram("probe", peer, port), (address, port))
            await asyncio.sleep(max(_TICK_SECONDS, len(goals) / _DATAGRAMS))

    def _datagram(self, kind: str, peer: str, port: int) -> bytes:
        return _MAGIC + json.dumps([kind, self.job.run, self.job.host, peer, port]).encode()

    def _read(self, payload: bytes, kind: str) -> tuple[str, int] | None:
        """Peer and port of a datagram of this run that is meant for this host."""
        try:
            found, run, sender, receiver, port = json.loads(payload[len(_MAGIC) :])
        except ValueError:
            return None
        return (sender, port) if [found, run, receiver] == [kind, self.job.run, self.job.host] else None

    def _open_udp(self, stack: contextlib.AsyncExitStack, family: socket.AddressFamily) -> socket.socket:
        """The socket that sends, and gets what is acknowledged."""
        loop = asyncio.get_running_loop()
        sender = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        try:
            receiver = stack.enter_context(socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP))
        except PermissionError:
            self.sees_udp = False
        else:
            _filter(receiver, family)
            receiver.setblocking(False)
            loop.add_reader(receiver, self._receive, receiver, family)
            stack.callback(loop.remove_reader, receiver)
        sender.setblocking(False)
        loop.add_reader(sender, self._acknowledged, sender)
        stack.callback(loop.remove_reader, sender)
        return sender

    def _receive(self, receiver: socket.socket, family: socket.AddressFamily) -> None:
        packet, source = receiver.recvfrom(2048)
        start = (packet[0] & 15) * 4 if family == socket.AF_INET else 0
        port, ours = struct.unpack_from("!HH", packet, start)
        found = self._read(packet[start + 8 :], "probe")
        if not found:
            return
        self.arrived.add(found)
        # It comes from the port that was asked, as an answer does that firewalls let through. IPv4 needs no checksum.
        answer = self._datagram("seen", *found)
        with contextlib.suppress(OSError):
            receiver.sendto(struct.pack("!HHHH", ours, port, 8 + len(answer), 0) + answer, (source[0], 0, *source[2:]))

    def _acknowledged(self, sender: socket.socket) -> None:
        with contextlib.suppress(OSError):
            found = self._read(sender.recv(2048), "seen")
            if found:
                self.acknowledged.add(found)

    async def _tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(_LEAST_SECONDS)
        waited = _LEAST_SECONDS
        while not self._is_complete() and waited < _MOST_SECONDS:
            await asyncio.sleep(_TICK_SECONDS)
            waited += _TICK_SECONDS
        writer.write(json.dumps(self.report()).encode())
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()
        self._fetched.set()

    def _is_complete(self) -> bool:
        answers = {answer for ports in self.reached.values() for answer in ports.values()}
        return answers <= {OPEN} and (not self.sees_udp or len(self.arrived) == sum(map(len, self.job.udp.values())))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _filter(receiver: socket.socket, family: socket.AddressFamily) -> None:
    """Let the kernel hand over nothing but our own datagrams: a busy host has many others."""
    load = [(0xB1, 0, 0, 0), (0x40, 0, 0, 8)] if family == socket.AF_INET else [(0x20, 0, 0, 8)]
    steps = [*load, (0x15, 0, 1, struct.unpack("!I", _MAGIC[:4])[0]), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    so_attach_filter, ipv6_checksum = 26, 7
    receiver.setsockopt(socket.SOL_SOCKET, so_attach_filter, struct.pack("HP", len(steps), ctypes.addressof(program)))
    if family == socket.AF_INET6:
        receiver.setsockopt(socket.IPPROTO_IPV6, ipv6_checksum, 6)


class Ports:
    """The two halves of a run, one task after the other: all hosts have begun before the first one collects."""

    def begin(self, job: Job) -> None:
        """Start a process that watches, and return when it listens."""
        start_apart(lambda say: Watch(job).run(lambda: say("")), "watching the ports of this host")

    def collect(self, run: str, host: str) -> dict[str, t.Any]:
        """The report of the process that ``begin`` started, which ends."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(_MOST_SECONDS * 4)
            try:
                control.connect(control_name(run, host))
                with control.makefile("rb") as stream:
                    return dict(json.loads(stream.read()))
            except (OSError, ValueError) as error:
                raise FlotillaError(f"asking what the ports of this host saw: {error}", "Nothing is watching, or no longer.") from None


ports_target = Target({}, lambda _module: Ports())
