# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands in over HTTPS, waits for the grades, and says where they were given. Standard input has the authority and the password of staff."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from typing import Any

SECONDS = 150
# Exercise, code, and the grade that it deserves.
HAND_INS = (
    ("add", "def add(a, b): return a + b", 100),
    ("is_palindrome", "def is_palindrome(text): return text.lower() == text.lower()[::-1]", 100),
    ("primes", "def primes(n): return [i for i in range(2, n) if all(i % j for j in range(2, i))]", 100),
    ("is_palindrome", "def is_palindrome(text): return text == text[::-1]", 75),
    ("add", "while True: pass", 0),
    ("add", "import socket\nsocket.create_connection(('rabbitmq', 5672), 2)\ndef add(a, b): return a + b", 0),
)


class Site:
    def __init__(self, url: str, authority: str) -> None:
        self.url, self.context = url, ssl.create_default_context(cadata=authority)

    def ask(self, path: str, body: dict[str, str] | None = None, **headers: str) -> dict[str, Any]:
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=30, context=self.context) as answer:
            return dict(json.load(answer))

    def graded(self, path: str, deadline: float) -> dict[str, Any]:
        while time.monotonic() < deadline:
            found = self.ask(path)
            if found["status"] == "graded":
                return found
            time.sleep(0.5)
        sys.exit(f"{self.url}{path} had no grade within {SECONDS} s")


def refused(site: Site, path: str, **headers: str) -> bool:
    try:
        site.ask(path, **headers)
    except urllib.error.HTTPError as error:
        return error.code == 401
    return False


def main() -> None:
    given = json.load(sys.stdin)
    site, begin = Site(sys.argv[1], given["authority"]), time.monotonic()
    paths = [site.ask("/submissions/", {"exercise": exercise, "code": code})["url"] for exercise, code, _grade in HAND_INS]
    found = [site.graded(path, begin + SECONDS) for path in paths]
    seconds = time.monotonic() - begin
    for (exercise, code, grade), report in zip(HAND_INS, found, strict=True):
        if report["grade"] != grade:
            sys.exit(f"{exercise} was graded {report['grade']}, not {grade}: {report['failures']} for {code!r}")
    login = "Basic " + base64.b64encode(f"chief:{given['password']}".encode()).decode()
    if not refused(site, "/grades/") or not refused(site, "/grades/", Authorization=login + "x"):
        sys.exit("the list of grades is open to everyone")
    if not {report["id"] for report in found} <= {each["id"] for each in site.ask("/grades/", Authorization=login)["grades"]}:
        sys.exit("the list of grades lacks some")
    places = sorted({f"{report['grader']} on {report['worker']}" for report in found})
    print(f"{len(found)} hand-ins graded as they deserve over HTTPS in {seconds:.0f} s, by {', '.join(places)}.")


if __name__ == "__main__":
    main()
