# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files; nvidia-ctk is a script that tells its version."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.modules import nvidia_runtime
from module_runner import run_module_main

BEFORE = 'a = 1\n#swarm-resource = "DOCKER_RESOURCE_GPU"\n\n[nvidia-container-runtime]\nmode = "auto"\n'
AFTER = BEFORE.replace("#swarm", "swarm")
CTK = """#!/bin/sh
case "$1" in
--version) echo 'NVIDIA Container Toolkit CLI version {version}';;
*) test -e {directory}/broken && echo 'no such device' >&2 && exit 1; echo "$*" >> {directory}/calls;;
esac
"""


class Machine:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "etc" / "config.toml"
        self.rule = directory / "udev" / "links.rules"
        self.have(BEFORE)
        self.install("1.19.0")

    def have(self, text: str) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text)

    def install(self, version: str) -> None:
        ctk = self.directory / "nvidia-ctk"
        ctk.write_text(CTK.format(version=version, directory=self.directory))
        ctk.chmod(0o755)

    def called(self) -> list[str]:
        calls = self.directory / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def run(self, check: bool = False, **args: t.Any) -> dict[str, t.Any]:
        return run_module_main(nvidia_runtime.main, {"path": str(self.file), **args}, check=check, diff=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    machine = Machine(tmp_path)
    monkeypatch.setattr(nvidia_runtime, "RULE", str(machine.rule))
    return machine


def test_the_key_is_set_once(machine: Machine) -> None:
    first = machine.run()
    assert first["changed"] and machine.file.read_text() == AFTER
    assert Path(first["backup"]).read_text() == BEFORE
    assert "swarm-resource" in first["diff"]["prepared"]
    second = machine.run()
    assert not second["changed"] and second["plan"] == [] and "backup" not in second


def test_check_mode_predicts_and_writes_nothing(machine: Machine) -> None:
    predicted = machine.run(check=True)
    assert machine.file.read_text() == BEFORE and os.listdir(machine.file.parent) == ["config.toml"]
    assert predicted["plan"] == machine.run()["plan"]


def test_a_missing_file_is_made(machine: Machine) -> None:
    machine.file.unlink()
    result = machine.run(swarm_resource="DOCKER_RESOURCE_GPU,DOCKER_RESOURCE_NVIDIA-GPU")
    assert machine.file.read_text() == 'swarm-resource = "DOCKER_RESOURCE_GPU,DOCKER_RESOURCE_NVIDIA-GPU"\n'
    assert result["plan"][0]["action"] == "create" and "backup" not in result


@pytest.mark.parametrize("version", ["1.18.0", "1.18.2", "1.19.0-rc.1"])
def test_a_toolkit_that_ignores_swarm_needs_the_legacy_mode(machine: Machine, version: str) -> None:
    machine.install(version)
    refused = machine.run()
    assert refused["exit_code"] == 1 and version in refused["msg"] and "legacy" in refused["msg"]
    assert machine.file.read_text() == BEFORE
    assert machine.run(mode="legacy")["changed"]
    assert machine.file.read_text() == AFTER.replace('"auto"', '"legacy"')
    assert not machine.run()["changed"]


def test_the_legacy_mode_has_links_to_the_devices(machine: Machine) -> None:
    predicted = machine.run(check=True, mode="legacy")
    assert not machine.rule.exists() and machine.called() == []
    assert machine.run(mode="legacy")["plan"] == predicted["plan"]
    assert [change["name"] for change in predicted["plan"]] == [str(machine.file), str(machine.rule)]
    assert machine.rule.read_text().endswith('RUN+="/usr/bin/nvidia-ctk system create-dev-char-symlinks --create-all"\n')
    assert machine.called() == ["system create-dev-char-symlinks --create-all"]
    assert not machine.run(mode="legacy")["changed"]
    assert not machine.run()["changed"], "the mode stands in the file"


def test_links_that_can_not_be_made_are_told_and_tried_again(machine: Machine) -> None:
    machine.install("1.17.8")
    (machine.directory / "broken").touch()
    failed = machine.run()
    assert failed["exit_code"] == 1 and "no such device" in failed["msg"]
    assert failed["msg"].endswith(f" Before that, these were changed: file {machine.file}."), failed["msg"]
    assert not machine.rule.exists()
    (machine.directory / "broken").unlink()
    assert machine.run()["changed"] and machine.rule.exists()


def test_other_modes_need_no_links(machine: Machine) -> None:
    assert machine.run()["changed"]
    assert not machine.rule.exists() and machine.called() == []


def test_no_toolkit_is_told(machine: Machine) -> None:
    (machine.directory / "nvidia-ctk").unlink()
    assert "Install the NVIDIA container toolkit" in machine.run()["msg"]


@pytest.mark.parametrize("value", ["", "GPU", "DOCKER_RESOURCE_gpu", "DOCKER_RESOURCE_GPU, DOCKER_RESOURCE_B", 'DOCKER_RESOURCE_G"'])
def test_a_variable_that_no_task_has_is_refused(machine: Machine, value: str) -> None:
    assert "swarm_resource" in machine.run(swarm_resource=value)["msg"]
    assert machine.file.read_text() == BEFORE
