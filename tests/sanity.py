# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection, installs the artefact in an empty tree and runs ``ansible-test sanity`` there.

It never runs in the checkout: ansible-test wants a path that ends in ansible_collections/flotilla/swarm, and no links in it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# In the place of get-pip, which ansible-test downloads from a host that isn't reachable everywhere. It is called with
# get-pip's arguments and the wanted packages.
GET_PIP = """\
import subprocess, sys
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", *packages])
"""


@contextlib.contextmanager
def pip_bootstrap() -> Iterator[None]:
    """Lays GET_PIP where ansible-test caches its download, unless one lies there, and takes it away again."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"].replace(".", "_")
    cached = Path.home() / f".ansible/test/cache/get_pip_{version}.py"
    if cached.exists():
        yield
        return
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(GET_PIP)
    try:
        yield
    finally:
        cached.unlink()


def build_and_install(into: Path) -> Path:
    """Returns the installed collection."""
    galaxy = [str(TOOLS / "ansible-galaxy"), "collection"]
    subprocess.run([*galaxy, "build", "--output-path", into], cwd=ROOT, check=True)
    (artefact,) = into.glob("flotilla-swarm-*.tar.gz")
    subprocess.run([*galaxy, "install", "--offline", "--collections-path", into, artefact], cwd=into, check=True)
    return into / "ansible_collections/flotilla/swarm"


def run_quietly(command: list[str], directory: Path) -> int:
    """Prints which tests run and what they found, and leaves out what pip says in between."""
    telling = ("Running sanity", "ERROR:", "FATAL: The", "See documentation")
    said: list[str] = []
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            said.append(line)
            if line.startswith(telling):
                print(line, end="", flush=True)
    if process.returncode and not any(line.startswith("FATAL: The") for line in said):
        print("".join(said[-50:]))
    return process.returncode


def main(arguments: list[str]) -> int:
    """Further arguments go to ``ansible-test sanity``, such as ``--test validate-modules``."""
    work = Path(tempfile.mkdtemp(prefix="flotilla-sanity-"))
    try:
        collection = build_and_install(work)
        command = [str(TOOLS / "ansible-test"), "sanity", "--venv", "--python", PYTHON, "--color", "no", *arguments]
        with pip_bootstrap():
            return run_quietly(command, collection)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
