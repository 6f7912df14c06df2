# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real nvidia-smi and nvidia-ctk are not there; scripts print what they print."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import gpu_info
from fake_engine import FakeEngine
from module_runner import run_module_main

A = "GPU-aaaaaaaa-d72c-4106-c12f-20bd9faed9f6"
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)
NOTHING = {"gpus": [], "resources": [], "other_resources": [], "swarm_resource": "DOCKER_RESOURCE_GPU", "labels": {}}
SCRIPT = """#!/bin/sh
case "$1" in
-L) cat "$0.list";;
--query-gpu=index,uuid,name,memory.total,mig.mode.current) cat "$0.query"; exit {code};;
*) echo "unexpected $*"; exit 2;;
esac
"""


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def have(path: Path, query: str, listing: str = "", code: int = 0) -> None:
    path.write_text(SCRIPT.format(code=code))
    path.chmod(0o755)
    (path.parent / "nvidia-smi.query").write_text(query)
    (path.parent / "nvidia-smi.list").write_text(listing)


def run(**args: t.Any) -> dict[str, t.Any]:
    result = run_module_main(gpu_info.main, {"docker_host": "unix:///nowhere", **args})
    assert result["changed"] is False
    return result


def test_one_gpu(bin_dir: Path) -> None:
    have(bin_dir / "nvidia-smi", f"0, {A}, Tesla T4, 15360, [N/A]\n", f"GPU 0: Tesla T4 (UUID: {A})\n")
    (bin_dir / "nvidia-ctk").write_text("#!/bin/sh\necho 'NVIDIA Container Toolkit CLI version 1.19.0'\n")
    (bin_dir / "nvidia-ctk").chmod(0o755)
    result = run(kinds={"tesla*": "small"})
    gpu = {"index": 0, "uuid": A, "model": "Tesla T4", "memory_mb": 15360, "mig": False, "devices": []}
    assert (result["state"], result["gpus"], result["toolkit"]) == ("ready", [gpu], "1.19.0")
    assert (result["resources"], result["swarm_resource"]) == ([f"small={A}"], "DOCKER_RESOURCE_SMALL")
    assert result["labels"] == {"gpu": "true", "gpu.tesla-t4": "true"}


def test_mig_devices_stand_for_their_gpu(bin_dir: Path) -> None:
    listing = f"GPU 0: NVIDIA A30 (UUID: {A})\n  MIG 1g.6gb      Device  0: (UUID: MIG-c7384736-a75d-5afc-978f-d2f1294409fd)\n"
    have(bin_dir / "nvidia-smi", f"0, {A}, NVIDIA A30, 24576, Enabled\n", listing)
    result = run()
    assert result["resources"] == ["gpu=MIG-c7384736-a75d-5afc-978f-d2f1294409fd"]
    assert result["gpus"][0]["devices"] == [{"uuid": "MIG-c7384736-a75d-5afc-978f-d2f1294409fd", "profile": "1g.6gb"}]


def test_no_driver_is_a_state(bin_dir: Path) -> None:
    result = run()
    assert (result["state"], result["toolkit"], {name: result[name] for name in NOTHING}) == ("absent", "", NOTHING)


@pytest.mark.parametrize(
    ("query", "code", "state", "message"),
    [
        (f"{NO_DRIVER}\n", 9, "failed", NO_DRIVER),
        ("Failed to initialize NVML: Driver/library version mismatch\n", 18, "failed", "version mismatch"),
        ("Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.\n", 15, "failed", "GPU is lost"),
        (f"0, {A}, Tesla T4, 15360, [N/A]\n1, [GPU is lost], [GPU is lost], [GPU is lost], [N/A]\n", 0, "failed", "GPU is lost"),
        ("No devices were found\n", 0, "ready", ""),
        ("No devices were found\n", 6, "ready", ""),
    ],
)
def test_a_driver_without_gpus_or_in_trouble(bin_dir: Path, query: str, code: int, state: str, message: str) -> None:
    have(bin_dir / "nvidia-smi", query, query, code)
    result = run()
    assert (result["state"], {name: result[name] for name in NOTHING}) == (state, NOTHING)
    assert message in result["message"]


def test_wrong_kinds_are_told(bin_dir: Path) -> None:
    result = run_module_main(gpu_info.main, {"kinds": {"*": "two words"}})
    assert result["exit_code"] == 1 and "'two words'" in result["msg"]


def test_the_way_of_the_engine(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_engine: t.Callable[..., FakeEngine]
) -> None:
    cdi = tmp_path / "cdi"
    (cdi / "folder.yaml").mkdir(parents=True)
    (cdi / "nvidia.yaml").write_text("kind: nvidia.com/gpu\nhostPath: /usr/lib/libcuda.so.570.86.15\n")
    (tmp_path / "version").write_text("575.57.08\n")
    monkeypatch.setattr(gpu_info, "DRIVER", str(tmp_path / "version"))
    engine = fake_engine(info={"ServerVersion": "29.1.3", "CDISpecDirs": [str(cdi), str(tmp_path / "none")]})
    assert run(docker_host=engine.docker_host)["engine"] == {
        "version": "29.1.3",
        "route": "cdi",
        "runtimes": ["runc"],
        "default_runtime": "runc",
        "cdi_spec_dirs": [str(cdi), str(tmp_path / "none")],
        "cdi_specs": [{"path": str(cdi / "nvidia.yaml"), "fresh": False}],
    }
    assert run()["engine"]["route"] == "unknown"
