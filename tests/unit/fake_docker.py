# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command ``docker`` whose buildx bake keeps what it was told, in the place of one that builds."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

SCRIPT = r"""#!{python}
import json, os, pathlib, re, sys

place = pathlib.Path({place!r})
if sys.argv[1:] == ["buildx", "version"]:
    sys.exit(not (place / "buildx").exists())
told = json.loads(pathlib.Path(sys.argv[-1]).read_text())
variables = {{name: entry["default"] for name, entry in told["variable"].items()}}
filled = re.sub(r"\$\{{(\w+)\}}", lambda match: variables[match[1]], json.dumps(told["target"]["default"]))
target = json.loads(filled)
files = [*(entry.split("src=")[1] for entry in target["secret"]), *(entry.split("=", 1)[1] for entry in target["ssh"])]
files = [pathlib.Path(path) for path in files if pathlib.Path(path).is_file()]
config = pathlib.Path(os.environ.get("DOCKER_CONFIG", "/nowhere"), "config.json")
build = {{
    "argv": sys.argv[1:],
    "environment": {{name: value for name, value in os.environ.items() if name.startswith(("DOCKER_", "BUILDX_", "SSH_"))}},
    "target": target,
    "context": sorted(str(path.relative_to("context")) for path in pathlib.Path("context").rglob("*")),
    "files": {{path.name: [path.read_text(), oct(path.stat().st_mode & 0o777)] for path in files}},
    "folder": [os.getcwd(), oct(os.stat(".").st_mode & 0o777)],
    "config": json.loads(config.read_text()) if config.exists() else None,
    "certificates": sorted(os.listdir(os.environ["DOCKER_CERT_PATH"])) if os.environ.get("DOCKER_CERT_PATH") else [],
}}
with (place / "builds").open("a") as stream:
    stream.write(json.dumps(build) + "\n")
fails = place / "fails"
if fails.exists():
    print(fails.read_text())
    sys.exit(1)
"""


class FakeDocker:
    """``folder`` has the command, and is for PATH. Nothing is built: that an engine then has the image is for the test to say."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder = place, place / "docker-bin"
        self.folder.mkdir()
        (self.folder / "docker").write_text(SCRIPT.format(python=sys.executable, place=str(place)))
        (self.folder / "docker").chmod(0o755)
        (place / "buildx").touch()

    def fail(self, said: str) -> None:
        (self.place / "fails").write_text(said)

    def lose_buildx(self) -> None:
        (self.place / "buildx").unlink()

    @property
    def builds(self) -> list[dict[str, t.Any]]:
        path = self.place / "builds"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
