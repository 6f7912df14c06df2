# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this host can look names up, by a question that every name server answers."""

from __future__ import annotations

import secrets
import socket

_SECONDS = 2.0
_ATTEMPTS = 2
_SERVER_FAILURE = 2


def find_names_problem(resolv_conf: str) -> str:
    """Why no name server of resolv.conf helps; empty where one does."""
    lines = [line.split() for line in resolv_conf.splitlines()]
    servers = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    if not servers:
        return "/etc/resolv.conf has no name server"
    problems = [f"{server} {problem}" for server, problem in ((each, _ask(each)) for each in servers[:3]) if problem]
    return f"no name server helps: {', '.join(problems)}" if len(problems) == len(servers[:3]) else ""


def _ask(server: str) -> str:
    """What is wrong with its answer to a question for the address of the root."""
    number = secrets.token_bytes(2)
    question = number + bytes.fromhex("010000010000000000000000010001")
    problem = f"does not answer within {_SECONDS * _ATTEMPTS:g} s"
    for _attempt in range(_ATTEMPTS):
        try:
            family, kind, protocol, _name, place = socket.getaddrinfo(server, 53, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
            with socket.socket(family, kind, protocol) as asking:
                asking.settimeout(_SECONDS)
                asking.connect(place)
                asking.send(question)
                answer = asking.recv(4096)
        except socket.timeout:  # no TimeoutError before Python 3.10
            continue
        except OSError as error:
            return str(error.strerror or error)
        if answer[:2] == number:
            return "can't look names up" if len(answer) > 3 and answer[3] & 15 == _SERVER_FAILURE else ""
    return problem
