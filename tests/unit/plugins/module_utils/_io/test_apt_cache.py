# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the real library about a system that is a directory: a repository of empty packages, and the state of dpkg."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[5]
PYTHON = "/usr/bin/python3"  # that of the distribution: the library belongs to it
ASK = """
import json, sys
from ansible_collections.flotilla.swarm.plugins.module_utils._io.apt_cache import AptCache, Unavailable
wanted, newest = json.loads(sys.argv[1])
try:
    found = AptCache().upgrade() if wanted is None else AptCache().install(wanted, newest)
    print(json.dumps({each["name"]: [each["action"], each["before"], each["after"]] for each in found}))
except Unavailable as error:
    print(json.dumps(str(error)))
"""


def has_library() -> bool:
    return Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", "import apt_pkg"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_library(), reason="the library of apt is not there")


def stanza(name: str, version: str, **more: str) -> str:
    fields = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "a <a@b>", "Description": "x", **more}
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"


def offered(name: str, version: str, **more: str) -> str:
    return stanza(name, version, Filename=f"./{name}_{version}.deb", Size="1", SHA256="0" * 64, **more)


def installed(name: str, version: str, status: str = "install ok installed", **more: str) -> str:
    return stanza(name, version, Status=status, **more)


OFFERED = (
    "".join(offered("engine", version, Depends="runtime (>= 2)") for version in ("1.0", "2.0", "2.1"))
    + offered("engine", "3.0", Depends="nothing")
    + offered("runtime", "2")
    + offered("runtime", "3")
    + offered("tool", "5")
    + offered("kept", "5")
)
PRIORITY = "Package: engine\nPin: version 2.1\nPin-Priority: 900\n"


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    for folder in ("etc/preferences.d", "etc/apt.conf.d", "lib/lists/partial", "cache/archives/partial", "dpkg/info", "repository"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "repository/Packages").write_text(OFFERED)
    (tmp_path / "etc/sources.list").write_text(f"deb [trusted=yes] file:{tmp_path}/repository ./\n")
    (tmp_path / "etc/preferences").write_text(PRIORITY)
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc "{tmp_path}/etc";\nDir::State "{tmp_path}/lib";\nDir::State::status "{tmp_path}/dpkg/status";\n'
        f'Dir::Cache "{tmp_path}/cache";\nDir::Log "{tmp_path}";\nAPT::Sandbox::User "";\n#clear APT::Update::Post-Invoke-Success;\n'
        "#clear APT::Update::Post-Invoke;\n"
    )
    environment = {"APT_CONFIG": str(tmp_path / "apt.conf"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "collections")}
    (tmp_path / "dpkg/status").write_text("")
    subprocess.run(["apt-get", "update"], env=environment, check=True, capture_output=True)

    def answer(status: str, wanted: list[str] | None = None, newest: bool = False) -> Any:
        (tmp_path / "dpkg/status").write_text(status)
        command = [PYTHON, "-c", ASK, json.dumps([wanted, newest])]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return answer


BARE = ""
BEHIND = installed("engine", "1.0", Depends="runtime (>= 2)") + installed("runtime", "2") + installed("tool", "4")
NEW = {"engine": ["install", "", "2.1"], "runtime": ["install", "", "3"]}
HELD = installed("kept", "4", status="hold ok installed")
BROKEN_OFF = installed("engine", "2.1", status="install ok half-configured") + installed("runtime", "3")


@pytest.mark.parametrize(
    ("status", "wanted", "newest", "expected"),
    [
        (BARE, ["engine"], False, NEW),
        (BEHIND, ["engine", "runtime"], False, {}),
        (BEHIND, ["engine", "runtime"], True, {"engine": ["upgrade", "1.0", "2.1"], "runtime": ["upgrade", "2", "3"]}),
        (BEHIND, ["engine=2.0", "runtime"], False, {"engine": ["upgrade", "1.0", "2.0"]}),
        (BEHIND, ["engine=2.*"], False, {"engine": ["upgrade", "1.0", "2.1"]}),
        (BEHIND, ["engine=1.0"], False, {}),
        (BEHIND.replace("1.0", "2.1"), ["engine=2.0"], False, {"engine": ["downgrade", "2.1", "2.0"]}),
        (HELD, ["kept"], True, {"kept": ["upgrade", "4", "5"]}),
        (BROKEN_OFF, ["engine"], True, {"engine": ["configure", "2.1", "2.1"]}),
        (BROKEN_OFF, ["runtime"], True, {"engine": ["configure", "2.1", "2.1"]}),
        (BEHIND, ["engine=9.9"], False, "apt has no version 9.9 of the package engine"),
        (BEHIND, ["nix"], True, "apt has no package nix"),
        (BEHIND, ["engine=3.0"], False, "apt finds no packages that engine would need"),
        # The whole system.
        (BEHIND, None, False, {"engine": ["upgrade", "1.0", "2.1"], "runtime": ["upgrade", "2", "3"], "tool": ["upgrade", "4", "5"]}),
        (HELD, None, False, {}),
    ],
)
def test_what_apt_would_do(ask: Any, status: str, wanted: list[str] | None, newest: bool, expected: Any) -> None:
    found = ask(status, wanted, newest)
    if isinstance(expected, str):
        assert expected in found
    else:
        assert found == expected
