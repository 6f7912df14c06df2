# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines of several versions tell, as far as it says how containers get GPUs."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.gpus import is_fresh, read_route

DRIVER = "570.133.20"
DIRS = ["/etc/cdi", "/var/run/cdi"]
RUNC = {"io.containerd.runc.v2": {"path": "runc"}, "runc": {"path": "runc"}}
BOTH = {**RUNC, "nvidia": {"path": "/usr/bin/nvidia-container-runtime"}}
# as nvidia-ctk cdi generate writes them
YAML = f"""---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  mounts:
  - containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.{DRIVER}
"""
JSON = json.dumps(
    {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "containerEdits": {"mounts": [{"hostPath": f"/usr/lib64/libcuda.so.{DRIVER}"}]}}
)
OTHERS = "cdiVersion: 0.6.0\nkind: amd.com/gpu\ncontainerEdits: {env: [KIND=nvidia.com/gpu]}\n"


def info(version: str, runtimes: dict[str, t.Any], default: str, **more: t.Any) -> dict[str, t.Any]:
    return {"ServerVersion": version, "Runtimes": runtimes, "DefaultRuntime": default, **more}


@pytest.mark.parametrize(
    ("told", "specs", "route", "dirs", "found"),
    [
        (info("24.0.7", RUNC, "runc"), {}, "none", [], []),
        (info("24.0.7", BOTH, "runc"), {}, "runtime", [], []),
        (info("24.0.7", BOTH, "nvidia"), {}, "default runtime", [], []),
        # CDI has to be turned on in 25 to 28.1
        (info("27.5.1", RUNC, "runc", CDISpecDirs=[]), {}, "none", [], []),
        (info("27.5.1", RUNC, "runc", CDISpecDirs=None), {}, "none", [], []),
        (info("27.5.1", RUNC, "runc", CDISpecDirs=DIRS), {"/etc/cdi/nvidia.yaml": YAML}, "cdi", DIRS, [("/etc/cdi/nvidia.yaml", True)]),
        (info("27.5.1", BOTH, "nvidia", CDISpecDirs=[]), {}, "default runtime", [], []),
        # and is on from 28.2
        (info("29.1.3", RUNC, "runc", CDISpecDirs=DIRS, DiscoveredDevices=None), {}, "none", DIRS, []),
        (info("29.1.3", RUNC, "runc", CDISpecDirs=DIRS), {"/etc/cdi/amd.yaml": OTHERS}, "none", DIRS, []),
        (info("29.1.3", RUNC, "runc", CDISpecDirs=DIRS), {"/var/run/cdi/n.json": JSON}, "cdi", DIRS, [("/var/run/cdi/n.json", True)]),
        (info("29.1.3", BOTH, "runc", CDISpecDirs=DIRS), {"/etc/cdi/n.yaml": YAML}, "runtime", DIRS, [("/etc/cdi/n.yaml", True)]),
        (info("29.1.3", BOTH, "nvidia", CDISpecDirs=DIRS), {"/etc/cdi/n.yaml": YAML}, "default runtime", DIRS, [("/etc/cdi/n.yaml", True)]),
        ({}, {}, "unknown", [], []),
    ],
)
def test_the_way_of_an_engine(told: dict[str, t.Any], specs: dict[str, str], route: str, dirs: list[str], found: list[t.Any]) -> None:
    result = read_route(told, specs, DRIVER)
    assert (result["route"], result["cdi_spec_dirs"]) == (route, dirs)
    assert [(spec["path"], spec["fresh"]) for spec in result["cdi_specs"]] == found
    assert (result["version"], result["runtimes"]) == (told.get("ServerVersion", ""), sorted(told.get("Runtimes", {})))
    assert result["default_runtime"] == told.get("DefaultRuntime", "")


@pytest.mark.parametrize(
    ("driver", "fresh"),
    [(DRIVER, True), ("570.133", False), ("570.133.2", False), ("575.57.08", False), ("570.133.201", False), ("", None)],
)
def test_a_spec_is_of_one_driver(driver: str, fresh: bool | None) -> None:
    assert is_fresh(YAML, driver) is fresh
