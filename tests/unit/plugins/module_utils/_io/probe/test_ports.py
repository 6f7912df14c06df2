# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts on one machine: loopback addresses, and ports that nothing else has."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import port_probe as port_job
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.port_probe import Job
from ansible_collections.flotilla.swarm.plugins.module_utils._io.probe import ports
from ansible_collections.flotilla.swarm.plugins.module_utils._io.probe.ports import Ports, Watch
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.modules import port_probe
from module_runner import run_module_main

# Of other processes, too, that run these tests at the same time.
RUNS = (f"run-{os.getpid()}-{number}" for number in itertools.count())
ADDRESSES = {"a": "127.0.0.1", "b": "127.0.0.2", "c": "127.0.0.3"}


def may_see_udp() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError:
        return False
    return True


needs_raw = pytest.mark.skipif(not may_see_udp(), reason="UDP is seen through raw sockets, which need root")


def free_port() -> int:
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


def jobs(port: int, udp: t.Sequence[int], listen: t.Sequence[int] = ()) -> list[Job]:
    run = next(RUNS)
    return [
        Job(
            run,
            name,
            {peer: [(address, port)] for peer, address in ADDRESSES.items() if peer != name},
            {peer: [(address, number) for number in udp] for peer, address in ADDRESSES.items() if peer != name},
            listen,
            lifetime=20,
        )
        for name in ADDRESSES
    ]


async def watch(given: list[Job]) -> list[dict[str, t.Any]]:
    events = [(job, asyncio.Event()) for job in given]
    running = [asyncio.ensure_future(Watch(job).run(event.set)) for job, event in events]
    await asyncio.gather(*(event.wait() for _job, event in events))
    reports = await asyncio.gather(*(asyncio.to_thread(Ports().collect, job.run, job.host) for job in given))
    await asyncio.gather(*running)
    return list(reports)


@needs_raw
def test_every_pair_in_both_directions() -> None:
    port = free_port()
    a, b, c = asyncio.run(watch(jobs(port, [port, port + 1], listen=[port])))
    heard = {str(port): True, str(port + 1): True}
    answers = {str(port): "open"}
    assert a == {"tcp": {"b": answers, "c": answers}, "udp": {"b": heard, "c": heard}}
    assert (list(b["udp"]), list(c["udp"])) == (["a", "c"], ["a", "b"])


@needs_raw
def test_ports_that_are_taken_are_seen_too() -> None:
    """As by an engine: its UDP socket gets the datagrams as well, and its TCP socket answers."""
    with socket.create_server(("", 0)) as engine, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gossip:
        port = engine.getsockname()[1]
        gossip.bind(("", 0))
        udp = gossip.getsockname()[1]
        for report in asyncio.run(watch(jobs(port, [udp], listen=[port]))):
            assert {answer for seen in report["tcp"].values() for answer in seen.values()} == {"open"}
            assert {arrived for seen in report["udp"].values() for arrived in seen.values()} == {True}


@needs_raw
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_ipv6() -> None:
    port, run = free_port(), next(RUNS)
    given = [
        Job(run, name, {peer: [("::1", port)]}, {peer: [("::1", port)]}, [port], lifetime=20) for name, peer in (("a", "b"), ("b", "a"))
    ]
    a, b = asyncio.run(watch(given))
    assert a == {"tcp": {"b": {str(port): "open"}}, "udp": {"b": {str(port): True}}}
    assert b["udp"] == {"a": {str(port): True}}


@needs_raw
def test_datagrams_stop_when_they_have_arrived() -> None:
    """An engine's log has a line for each of them."""
    a, b, _c = jobs(free_port(), [free_port()])
    sender = Watch(Job(a.run, "a", {}, {"b": a.udp["b"]}, [], 3))
    sent: list[bytes] = []
    original = sender._datagram
    sender._datagram = lambda *what: sent.append(original(*what)) or sent[-1]  # type: ignore[method-assign, func-returns-value]

    async def go() -> None:
        ready = asyncio.Event()
        receiver = asyncio.ensure_future(Watch(Job(b.run, "b", {}, {"a": b.udp["a"]}, [], 3)).run(ready.set))
        await ready.wait()
        await asyncio.gather(sender.run(lambda: None), receiver)

    asyncio.run(go())
    assert [json.loads(each[8:])[0] for each in sent].count("probe") == 1
    assert sender.acknowledged == {("b", a.udp["b"][0][1])}


@needs_raw
def test_what_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """c has other ports in mind, and another run is none of ours."""
    monkeypatch.setattr(ports, "_MOST_SECONDS", 2.0)
    port = free_port()
    a, b, _c = jobs(port, [port], listen=[port])
    strange = jobs(free_port(), [port])[2]
    reports = asyncio.run(watch([a, b, strange]))
    assert reports[0]["udp"] == {"b": {str(port): True}, "c": {str(port): False}}
    assert reports[1]["udp"]["c"] == {str(port): False}


def test_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_MOST_SECONDS", 2.0)
    monkeypatch.setattr(ports, "_CONNECT_SECONDS", 0.2)
    port = free_port()
    silent = Job(next(RUNS), "a", {"b": [("127.0.0.2", port)], "c": [("192.0.2.1", port)]}, {}, [], lifetime=20)
    (report,) = asyncio.run(watch([silent]))
    assert report["tcp"]["b"] == {str(port): "refused"}
    assert report["tcp"]["c"][str(port)] != "open"


def test_datagrams_of_others_are_nothing() -> None:
    first, second = jobs(1, [1])[:2]
    sender, receiver = Watch(first), Watch(second)
    datagram = sender._datagram("probe", "b", 1)
    assert receiver._read(datagram, "probe") == ("a", 1)
    for wrong in (datagram[:-1], b"", sender._datagram("probe", "c", 1), sender._datagram("seen", "b", 1), b"\0FLT\0\0\0\0\xff"):
        assert receiver._read(wrong, "probe") is None
    assert datagram[0] & 0x08 == 0, "VXLAN takes no datagram without this bit"


def test_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(port_job, "GOSSIP_PORT", port)
    run = next(RUNS)
    given: dict[str, t.Any] = {"run": run, "peers": ADDRESSES, "managers": ["b"], "manager_port": free_port(), "data_path_port": port + 1}
    for name in ADDRESSES:
        assert run_module_main(port_probe.main, {**given, "host": name})["changed"]
    with ThreadPoolExecutor() as pool:
        a, b = pool.map(lambda name: Ports().collect(run, name), "ab")
    assert a["tcp"] == {"b": {str(port): "open", str(given["manager_port"]): "open"}, "c": {str(port): "open"}}
    assert (list(b["tcp"]), b["tcp"]["a"]) == (["a", "c"], {str(port): "open"})
    collected = run_module_main(port_probe.main, {"run": run, "host": "c", "collect": True})
    assert collected["tcp"]["a"] == {str(port): "open"}
    again = run_module_main(port_probe.main, {"run": run, "host": "c", "collect": True})
    assert (again["exit_code"], "Nothing is watching, or no longer" in again["msg"]) == (1, True)


def test_check_mode_neither_begins_nor_collects() -> None:
    given = {"run": next(RUNS), "host": "a"}
    planned = run_module_main(port_probe.main, given, check=True)
    assert [(change["action"], change["name"]) for change in planned["plan"]] == [("create", "ports of a")]
    planned = run_module_main(port_probe.main, {**given, "collect": True}, check=True)
    assert [(change["action"], change["name"]) for change in planned["plan"]] == [("remove", "ports of a")] and "tcp" not in planned
    refused = run_module_main(port_probe.main, {**given, "collect": True})
    assert "Nothing is watching" in refused["msg"] and refused["msg"].endswith("Nothing was changed.") and not refused["changed"]


def test_a_process_that_can_not_begin_says_why() -> None:
    job = Job(next(RUNS), "a", {}, {}, [], lifetime=5)
    Ports().begin(job)
    with pytest.raises(FlotillaError, match="watching the ports of this host: OSError: .*already in use"):
        Ports().begin(job)
    assert Ports().collect(job.run, job.host) == {"tcp": {}, "udp": {}}
