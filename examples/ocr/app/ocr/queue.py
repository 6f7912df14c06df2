# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of pages: a work queue of NATS JetStream. A page leaves it when it was read, and comes again if its worker is gone."""

from __future__ import annotations

import os

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

STREAM, SUBJECT, WORKERS = "pages", "pages.new", "workers"
# A worker tells that it still reads well before this; a page of a worker that is gone comes to another one after it.
TAKEN_FOR = 30.0


async def connect(name: str) -> tuple[Client, JetStreamContext]:
    """A connection that comes back for as long as it takes, and the stream and its consumer, which are made where they are not."""
    client = await nats.connect(os.environ.get("QUEUE_URL", "nats://queue:4222"), name=name, max_reconnect_attempts=-1)
    queue = client.jetstream()
    await queue.add_stream(
        StreamConfig(name=STREAM, subjects=[SUBJECT], retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE, duplicate_window=3600)
    )
    await queue.add_consumer(STREAM, ConsumerConfig(durable_name=WORKERS, ack_wait=TAKEN_FOR, max_ack_pending=10_000))
    return client, queue


async def depth(queue: JetStreamContext) -> int:
    """Pages that wait or are being read."""
    return int((await queue.stream_info(STREAM)).state.messages)
