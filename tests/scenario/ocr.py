# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with the OCR service on it: its playbooks, its pages, and its queue."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import Any

from . import until
from .system import System, result_of

SCENARIO = System(inventory="inventories/ocr-lab")
done, lab, look, nodes_of = SCENARIO.done, SCENARIO.lab, SCENARIO.look, SCENARIO.nodes_of
on, play, sdk = SCENARIO.on, SCENARIO.play, SCENARIO.sdk
Json = dict[str, Any]


def summary() -> Json:
    """What the API tells of all pages, on whichever node it is."""
    (node,) = nodes_of("ocr_api")
    with urllib.request.urlopen(f"http://{SCENARIO.address(node)}:8000/pages", timeout=20) as answer:
        return dict(json.load(answer))


def depth() -> int:
    """Pages that wait or are being read, as the queue itself tells."""
    with urllib.request.urlopen(f"http://{SCENARIO.address('m1')}:8222/jsz?streams=true", timeout=10) as answer:
        (account,) = json.load(answer)["account_details"]
    (stream,) = [each for each in account["stream_detail"] if each["name"] == "pages"]
    return int(stream["state"]["messages"])


QUERY = """
(container,) = [each["Id"] for each in api.containers(filters={{"label": "com.docker.swarm.service.name=ocr_database"}})]
made = api.exec_create(container, ["psql", "-qtA", "-U", "ocr", "-d", "ocr", "-c", {query!r}])
print(api.exec_start(made["Id"]).decode())
"""


def ask(query: str) -> list[str]:
    """The lines that the database answers."""
    return sdk("m1", QUERY.format(query=query)).split("\n")[:-2]


def rows() -> tuple[int, int]:
    """Documents in the database, and how many pages they are of."""
    (line,) = ask("SELECT count(*), count(DISTINCT id) FROM pages")
    all_of, different = line.split("|")
    return int(all_of), int(different)


def start_pages(pages: int) -> subprocess.Popen[str]:
    """Begin to hand pages in, and to wait for them, as a job in the shape of the client."""
    return SCENARIO.start_job("ocr_client", "python", "-m", "ocr.pages", f"--pages={pages}", "--wait=500")


def proof(job: subprocess.Popen[str]) -> Json:
    """What became of them, at the end of the job."""
    return result_of(job, "right")


def empty_queue() -> None:
    until(lambda: depth() == 0, "the end of the queue", 300)
