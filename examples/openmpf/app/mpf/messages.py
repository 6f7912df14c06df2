# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the parts, as JSON in queues of ActiveMQ. A message leaves its queue when it was handled, and comes to another taker if
this one is gone."""

from __future__ import annotations

import json
import os
import queue
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stomp
import stomp.utils

from .settings import setting

DETECTIONS, MARKUP, MARKED = "MPF.COMPLETED_DETECTIONS", "MPF.MARKUP_REQUEST", "MPF.COMPLETED_MARKUP"
# How often each side says that it is there, in milliseconds. The broker waits for three of them.
HEARTBEAT = 5000
Message = dict[str, Any]


def requests_for(algorithm: str) -> str:
    return f"MPF.DETECTION_{algorithm}_REQUEST"


class Broker(stomp.ConnectionListener):
    def __init__(self) -> None:
        self._frames: queue.SimpleQueue[stomp.utils.Frame | None] = queue.SimpleQueue()
        address = urlsplit(setting("ACTIVE_MQ_BROKER_URI", "stomp://activemq:61613"))
        self._connection = stomp.Connection12([(address.hostname, address.port)], heartbeats=(HEARTBEAT, HEARTBEAT))
        self._connection.set_listener("", self)
        self._connection.connect(wait=True)

    def on_message(self, frame: stomp.utils.Frame) -> None:
        self._frames.put(frame)

    def on_error(self, frame: stomp.utils.Frame) -> None:
        print(f"the broker says: {frame.headers.get('message')}", flush=True)
        self._frames.put(None)

    def on_disconnected(self) -> None:
        self._frames.put(None)

    def send(self, to: str, message: Message) -> None:
        self._connection.send(f"/queue/{to}", json.dumps(message), content_type="application/json", headers={"persistent": "true"})

    def serve(self, handlers: Mapping[str, Callable[[Message], None]]) -> None:
        """Handle one message after the other, until the broker is lost: then the process ends, and the swarm starts another."""
        for name in handlers:
            self._connection.subscribe(f"/queue/{name}", id=name, ack="client-individual", headers={"activemq.prefetchSize": "1"})
        while frame := self._frames.get():
            handlers[frame.headers["subscription"]](json.loads(frame.body))
            self._connection.ack(frame.headers["ack"])
        print("the broker is lost", flush=True)
        os._exit(1)
