# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nvidia-smi prints, in the formats that its manual and the MIG guide show."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import gpus
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError

A, B, C = (f"GPU-{digit * 8}-d72c-4106-c12f-20bd9faed9f6" for digit in "abc")
MIG1, MIG2 = "MIG-c7384736-a75d-5afc-978f-d2f1294409fd", "MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d"
OLD_MIG = f"MIG-{B}/7/0"
MIXED = f"""\
0, {A}, NVIDIA A100-SXM4-40GB, 40960, Disabled
1, {B}, NVIDIA A100-SXM4-40GB, 40960, Enabled
2, {C}, Tesla T4, 15360, [N/A]
"""
MIXED_LIST = f"""\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: {A})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {B})
  MIG 3g.20gb     Device  0: (UUID: {MIG1})
  MIG 1c.3g.20gb  Device  1: (UUID: {OLD_MIG})
GPU 2: Tesla T4 (UUID: {C})
"""


def test_a_machine_of_several_models() -> None:
    a100, split, t4 = gpus.parse_query(MIXED, MIXED_LIST)
    assert a100 == gpus.Gpu(0, A, "NVIDIA A100-SXM4-40GB", 40960, False)
    assert split.mig and split.devices == (gpus.Device(MIG1, "3g.20gb"), gpus.Device(OLD_MIG, "1c.3g.20gb"))
    assert (t4.model, t4.memory_mb, t4.mig) == ("Tesla T4", 15360, False)


def test_resources_of_other_kinds_are_known_from_gpus() -> None:
    offered: list[dict[str, dict[str, object]]] = [
        {"NamedResourceSpec": {"Kind": "gpu_large", "Value": A}},
        {"NamedResourceSpec": {"Kind": "old", "Value": "GPU-8932f937"}},
        {"DiscreteResourceSpec": {"Kind": "NVIDIA-GPU", "Value": 2}},
        {"DiscreteResourceSpec": {"Kind": "GPU_large", "Value": 2}},
        {"DiscreteResourceSpec": {"Kind": "fpga", "Value": 2}},
        {"NamedResourceSpec": {"Kind": "AMD_GPU", "Value": "0x1f"}},
    ]
    assert gpus.other_resources(offered, [f"gpu_large={A}"]) == ["fpga=2", "AMD_GPU=0x1f"]
    assert gpus.other_resources([], []) == []


def test_resources_are_whole_uuids_and_each_only_once() -> None:
    found = gpus.resources(gpus.parse_query(MIXED, MIXED_LIST), {"*a100*": "gpu_large", "NVIDIA *": "never"})
    assert found == [f"gpu_large={A}", f"gpu_large={MIG1}", f"gpu_large={OLD_MIG}", f"gpu={C}"]


def test_a_split_gpu_without_devices_offers_nothing() -> None:
    assert gpus.resources(gpus.parse_query(f"0, {A}, NVIDIA H100, 81559, Enabled", f"GPU 0: NVIDIA H100 (UUID: {A})"), {}) == []


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({}, "DOCKER_RESOURCE_GPU"),
        ({"*A100*": "gpu_large"}, "DOCKER_RESOURCE_GPU_LARGE,DOCKER_RESOURCE_GPU"),
        ({"*": "NVIDIA-GPU"}, "DOCKER_RESOURCE_NVIDIA-GPU"),
    ],
)
def test_the_toolkit_is_told_every_kind_of_the_host(kinds: dict[str, str], expected: str) -> None:
    assert gpus.swarm_resource(gpus.parse_query(MIXED, MIXED_LIST), kinds) == expected


def test_eight_gpus_and_none() -> None:
    uuids = [f"GPU-{number:08x}-0000-4000-8000-000000000000" for number in range(8)]
    found = gpus.parse_query("".join(f"{n}, {uuid}, NVIDIA H100 80GB HBM3, 81559, Disabled\n" for n, uuid in enumerate(uuids)), "")
    assert gpus.resources(found, {}) == [f"gpu={uuid}" for uuid in uuids]
    assert gpus.labels(found) == {"gpu": "true", "gpu.nvidia-h100-80gb-hbm3": "true"}
    for nothing in ("", "No devices were found\n"):
        assert gpus.parse_query(nothing, nothing) == []
    assert (gpus.labels([]), gpus.resources([], {}), gpus.swarm_resource([], {})) == ({}, [], "DOCKER_RESOURCE_GPU")


def test_memory_that_the_driver_can_not_tell() -> None:
    (gpu,) = gpus.parse_query(f"0, {A}, NVIDIA GB10, [N/A], [N/A]", "")
    assert gpu.memory_mb == 0


@pytest.mark.parametrize("line", ["1, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]", "0, GPU-1", "Unable to determine"])
def test_a_line_that_is_no_gpu_is_not_passed_over(line: str) -> None:
    with pytest.raises(PlanError, match="is not a line with index,uuid"):
        gpus.parse_query(f"{MIXED}{line}\n", MIXED_LIST)


@pytest.mark.parametrize("kinds", [{"*": ""}, {"*": "a b"}, {"*": "a,b"}, {"*": "a=b"}, {"*": "GPU"}, {"A": "big", "B": "BIG"}])
def test_kinds_that_the_engine_or_the_toolkit_would_mistake(kinds: dict[str, str]) -> None:
    with pytest.raises(PlanError, match="kinds: "):
        gpus.refuse_wrong_kinds(kinds)


@pytest.mark.parametrize(
    ("text", "version", "ignores"),
    [
        ("NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80a9b9d0db00d9b1d73c0128c8962c55f4d\n", "1.17.8", False),
        ("NVIDIA Container Toolkit CLI version 1.18.0\ncommit: f8daa5e26de9fd7eb79259040b6dd5a52060048c\n", "1.18.0", True),
        ("NVIDIA Container Toolkit CLI version 1.18.2\n", "1.18.2", True),
        ("NVIDIA Container Toolkit CLI version 1.19.0-rc.1\n", "1.19.0-rc.1", True),
        ("NVIDIA Container Toolkit CLI version 1.19.0-rc.2\n", "1.19.0-rc.2", False),
        ("NVIDIA Container Toolkit CLI version 1.19.0\n", "1.19.0", False),
        ("NVIDIA Container Toolkit CLI version 1.180.0\n", "1.180.0", False),
        ("", "", False),
    ],
)
def test_the_toolkits_that_ignore_swarm(text: str, version: str, ignores: bool) -> None:
    assert gpus.parse_version(text) == version
    assert gpus.ignores_swarm(version) is ignores


@pytest.mark.parametrize(
    ("version", "mode", "legacy"),
    [
        ("1.17.8", None, True),
        ("1.17.8", "auto", True),
        ("1.9.0", "auto", True),
        ("1.17.8", "cdi", False),
        ("1.18.1", "legacy", True),
        ("1.19.0", "auto", False),
        ("1.20.0-rc.1", None, False),
        ("1.20.0", "legacy", True),
    ],
)
def test_the_toolkits_that_a_reload_of_systemd_robs(version: str, mode: str | None, legacy: bool) -> None:
    assert gpus.is_legacy(version, mode) is legacy
