# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host puts on the wire for its overlay networks: whether it can be read there, and whether the kernel has keys for it."""

from __future__ import annotations

import ctypes
import os
import socket
import struct

from ...errors import FlotillaError

_EVERY_PROTOCOL = 0x0003
_ATTACH_FILTER = 26
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
# Where the data of a datagram of an overlay network is: behind the outer IP header, UDP, VXLAN, Ethernet, IP and UDP.
_IPV4, _IPV6 = (outer + 8 + 8 + 14 + 20 + 8 for outer in (20, 40))
_XFRM, _COUNT_KEYS, _REQUEST = 6, 0x23, 1


class WireTap:
    """Sees which of the datagrams that begin with ``mark(number)`` leave in clear, in the network namespace in which it was made."""

    def __init__(self) -> None:
        self._marker = os.urandom(8)
        self._clear: set[int] = set()
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL))
            self._socket.setblocking(False)
            self._filter()
        except OSError as error:
            raise FlotillaError(f"watching what leaves this host: {error.strerror}", "Become root (become: true).") from None
        self.clear()  # what came before there was a filter

    def mark(self, number: int) -> bytes:
        return self._marker + struct.pack("!I", number)

    def clear(self) -> set[int]:
        """The numbers that were seen so far."""
        while packet := self._next():
            found = packet.partition(self._marker)[2]
            if len(found) >= 4:
                self._clear.add(struct.unpack_from("!I", found)[0])
        return self._clear

    def _next(self) -> bytes:
        try:
            return self._socket.recv(256)
        except BlockingIOError:
            return b""

    def _filter(self) -> None:
        """The kernel hands over only what has the marker's beginning in its place, however much else leaves this host."""
        begins = int.from_bytes(self._marker[:4], "big")
        steps = (
            (_LOAD, 0, 0, _IPV4),
            (_EQUAL, 2, 0, begins),
            (_LOAD, 0, 0, _IPV6),
            (_EQUAL, 0, 1, begins),
            (_RETURN, 0, 0, 256),
            (_RETURN, 0, 0, 0),
        )
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(steps), ctypes.addressof(program)))


def has_keys() -> bool:
    """Whether the kernel holds keys to encrypt packets with (ESP), in this network namespace. It has none where it can't do that."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _XFRM) as kernel:
            kernel.setblocking(False)
            kernel.send(struct.pack("=IHHIII", 20, _COUNT_KEYS, _REQUEST, 1, 0, 0))
            # The answer has a head of as many bytes, and that of its first attribute.
            return bool(struct.unpack_from("=I", kernel.recv(256), 24)[0])
    except (OSError, struct.error):
        return False
