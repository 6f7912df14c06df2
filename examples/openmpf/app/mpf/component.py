# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds one kind of thing in the pictures that the workflow manager asks it about."""

from __future__ import annotations

import argparse
import importlib

from .media import Unreadable, place
from .messages import DETECTIONS, Broker, Message, requests_for
from .settings import NODE

# Algorithm -> the module that finds, so that each component loads its own library alone.
FINDERS = {"FACECV": "mpf.faces", "TESSERACTOCR": "mpf.text"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("algorithm", choices=FINDERS)
    algorithm = parser.parse_args().algorithm
    find = importlib.import_module(FINDERS[algorithm]).find
    broker = Broker()

    def detect(request: Message) -> None:
        result: Message = {"job": request["job"], "algorithm": algorithm, "node": NODE}
        try:
            result["tracks"] = find(place("remote-media", request["job"]))
        except Unreadable as error:
            result["error"] = str(error)
        broker.send(DETECTIONS, result)

    broker.serve({requests_for(algorithm): detect})


if __name__ == "__main__":
    main()
