# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what is known of those that run is in Redis, and what became of them in PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import redis
from psycopg.types.json import Jsonb

from .settings import setting

TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id text PRIMARY KEY,
    algorithms text[] NOT NULL,
    status text NOT NULL DEFAULT 'IN_PROGRESS',
    document jsonb NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL DEFAULT now()
)
"""
Json = dict[str, Any]


class Jobs:
    def __init__(self) -> None:
        self._running = redis.Redis(host=setting("REDIS_HOST", "redis"), decode_responses=True)
        with self._database() as database:
            database.execute(TABLE)

    def _database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=setting("DATABASE_HOST", "db"),
            dbname=setting("POSTGRES_DB", "mpf"),
            user=setting("POSTGRES_USER", "mpf"),
            password=setting("POSTGRES_PASSWORD"),
            connect_timeout=5,
        )

    def add(self, job: str, algorithms: list[str]) -> None:
        with self._database() as database:
            database.execute("INSERT INTO jobs (id, algorithms) VALUES (%s, %s)", (job, algorithms))

    def found(self, job: str, algorithm: str, result: Json) -> dict[str, Json]:
        """Keep what one algorithm found, and tell what all have found once the last one has."""
        self._running.hset(job, algorithm, json.dumps(result))
        with self._database() as database:
            row = database.execute("SELECT algorithms FROM jobs WHERE id = %s AND status = 'IN_PROGRESS'", (job,)).fetchone()
        results = self._results(job)
        return results if row and results.keys() >= set(row[0]) else {}

    def finish(self, job: str, markup: Json) -> None:
        """Twice is as good as once: a message may come again."""
        results = self._results(job)
        wrong = [each for each in (*results.values(), markup) if "error" in each]
        status = "COMPLETE_WITH_ERRORS" if wrong else "COMPLETE"
        with self._database() as database:
            database.execute(
                "UPDATE jobs SET status = %s, document = %s WHERE id = %s AND status = 'IN_PROGRESS'",
                (status, Jsonb({"results": results, "markup": markup}), job),
            )
        self._running.delete(job)

    def _results(self, job: str) -> dict[str, Json]:
        return {algorithm: json.loads(text) for algorithm, text in self._running.hgetall(job).items()}

    def tell(self, job: str) -> Json | None:
        with self._database() as database:
            row = database.execute("SELECT status, document FROM jobs WHERE id = %s", (job,)).fetchone()
        return {"jobId": job, "status": row[0], **row[1]} if row else None

    def count(self) -> dict[str, int]:
        with self._database() as database:
            return dict(database.execute("SELECT status, count(*) FROM jobs GROUP BY 1 ORDER BY 1").fetchall())
