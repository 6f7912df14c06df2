# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read, as documents in PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

TABLE = """
CREATE TABLE IF NOT EXISTS pages (
    id text PRIMARY KEY,
    document jsonb NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now()
)
"""


async def connect() -> psycopg.AsyncConnection[Any]:
    password = Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip()
    host = os.environ.get("DATABASE_HOST", "database")
    return await psycopg.AsyncConnection.connect(host=host, dbname="ocr", user="ocr", password=password, connect_timeout=5, autocommit=True)


async def store(connection: psycopg.AsyncConnection[Any], page: str, document: dict[str, Any]) -> None:
    """A page that is read twice, because its worker was thought to be gone, is stored once."""
    await connection.execute("INSERT INTO pages (id, document) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (page, Jsonb(document)))


async def find(connection: psycopg.AsyncConnection[Any], page: str) -> dict[str, Any] | None:
    row = await (await connection.execute("SELECT document FROM pages WHERE id = %s", (page,))).fetchone()
    return dict(row[0]) if row else None


async def count(connection: psycopg.AsyncConnection[Any]) -> dict[str, int]:
    """Pages by the node that has read them."""
    rows = await connection.execute("SELECT document->>'node', count(*) FROM pages GROUP BY 1 ORDER BY 1")
    return {node: number async for node, number in rows}
