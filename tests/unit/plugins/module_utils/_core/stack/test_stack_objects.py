# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.streams import split_log
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.objects import diff_data, diff_network
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.order import COMPLETED, HEALTHY, STARTED, order_services
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

Json = dict[str, t.Any]


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"a": {"c": STARTED}}, ["b", "c", "a"]),
        ({"a": {"b": STARTED}, "b": {"c": STARTED}}, ["c", "b", "a"]),
        ({"b": {"gone": COMPLETED}}, ["a", "b", "c"]),
    ],
)
def test_services_come_after_what_they_depend_on(depends_on: dict[str, dict[str, str]], expected: list[str]) -> None:
    assert [step.name for step in order_services({"c", "a", "b"}, depends_on)] == expected


def test_only_health_and_completion_are_waited_for() -> None:
    steps = order_services("abcd", {"d": {"a": STARTED, "b": HEALTHY, "c": COMPLETED}})
    assert steps[-1].name == "d" and steps[-1].waits_for == ("b", "c")


def test_a_circle_is_shown() -> None:
    circle = {"a": {"b": STARTED}, "b": {"c": STARTED}, "c": {"b": STARTED}}
    with pytest.raises(PlanError, match="b -> c -> b"):
        order_services("abc", circle)


def frame(text: str, kind: int = 1) -> bytes:
    return struct.pack(">BxxxL", kind, len(text.encode())) + text.encode()


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (b"", []),
        (frame("one\n") + frame("two\n", 2), ["one", "two"]),
        (frame("no ") + frame("break\n\n"), ["no break"]),
        (b"plain text of a terminal\r\nmore\r\n", ["plain text of a terminal", "more"]),
        (frame("café\n"), ["café"]),
        (frame("cut off")[:-4], ["cut"]),
    ],
)
def test_lines_out_of_a_log(raw: bytes, lines: list[str]) -> None:
    assert split_log(raw) == lines


NETWORK: Json = {
    "Name": "n",
    "Driver": "overlay",
    "Internal": False,
    "Attachable": False,
    "Options": {"com.docker.network.driver.overlay.vxlanid_list": "4097"},
    "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1"}]},
}


@pytest.mark.parametrize(
    ("wanted", "paths"),
    [
        ({"Driver": "overlay", "IPAM": None, "Options": None}, []),
        ({"Driver": "overlay", "Labels": {"other": "label"}}, []),
        ({"IPAM": {"Config": [{"Subnet": "10.0.1.0/24"}]}}, []),
        ({"IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}, ["subnets"]),
        ({"Options": {"encrypted": ""}}, ["driver_opts.encrypted"]),
        ({"Attachable": True, "Internal": True}, ["attachable", "internal"]),
        ({"Driver": "macvlan"}, ["driver"]),
    ],
)
def test_what_differs_of_a_network(wanted: Json, paths: list[str]) -> None:
    assert [field.path for field in diff_network(NETWORK, {"Name": "n", **wanted})] == paths


def test_the_content_of_a_config_cannot_change() -> None:
    observed = {"ID": "x", "Spec": {"Name": "c", "Labels": {"a": "1"}, "Data": "eA=="}}
    assert diff_data("config", observed, {"Name": "c", "Labels": {"a": "1"}, "Data": "eA=="}) == ()
    (label,) = diff_data("config", observed, {"Name": "c", "Labels": {"a": "2"}, "Data": "eA=="})
    assert label.path == "labels.a"
    with pytest.raises(PlanError, match="config c exists with other content"):
        diff_data("config", observed, {"Name": "c", "Labels": {"a": "1"}, "Data": "eQ=="})
    (label,) = diff_data("config", observed, {"Name": "c", "Labels": {"a": "1", "flag": ""}, "Data": "eA=="})
    assert (label.path, label.before, label.after) == ("labels.flag", None, "")
