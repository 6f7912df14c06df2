# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the table, and ends."""

from __future__ import annotations

import asyncio

from . import documents


async def main() -> None:
    async with await documents.connect() as connection:
        await connection.execute(documents.TABLE)


if __name__ == "__main__":
    asyncio.run(main())
