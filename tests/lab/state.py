# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of labs: where they are, how they are written, one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import inventory
from .machine import remove_tree, run
from .model import Lab, LabError, Node


@dataclass(frozen=True)
class Paths:
    """Where things are kept: *cache* outlives labs, *state* holds one directory for each lab."""

    cache: Path
    state: Path

    @classmethod
    def from_environment(cls) -> Paths:
        home, env = Path.home(), os.environ
        cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "flotilla-lab"
        state = Path(env.get("XDG_STATE_HOME") or home / ".local/state") / "flotilla-lab"
        return cls(
            cache=Path(env.get("FLOTILLA_LAB_CACHE") or cache).absolute(),
            state=Path(env.get("FLOTILLA_LAB_STATE") or state).absolute(),
        )

    def directory(self, name: str) -> Path:
        return self.state / name

    def key(self, name: str) -> Path:
        return self.directory(name) / "id_ed25519"

    def host_key(self, name: str, node: Node) -> Path:
        return self.directory(name) / f"host_keys/{node.name}"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One up or down at a time; the kernel lets go of it when the holder dies."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with (self.cache / "lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def labs(self) -> list[Lab]:
        found = (self.load(path.parent.name) for path in sorted(self.state.glob("*/lab.json")))
        return [lab for lab in found if lab]

    def load(self, name: str) -> Lab | None:
        """The lab of that name, None when there is none."""
        path = self.directory(name) / "lab.json"
        try:
            return Lab.from_data(json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(f"cannot read lab {name!r} from {path}: {error}; remove the file, then run down") from error

    def save(self, lab: Lab) -> None:
        """Everything others read: the lab as data, inventories, keys, ssh files. lab.json comes last."""
        directory = self.directory(lab.name)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        _make_key(self.key(lab.name), f"lab-{lab.name}")
        for node in lab.nodes:
            _make_key(self.host_key(lab.name, node), node.name)
        public_keys = {n.name: self.host_key(lab.name, n).with_suffix(".pub").read_text() for n in lab.nodes}
        _write(directory / "known_hosts", inventory.known_hosts(lab, public_keys))
        _write(directory / "ssh_config", inventory.ssh_config(lab, directory))
        _write(directory / "hosts.yml", inventory.as_yaml_inventory(lab, directory))
        _write(directory / "group_vars/all/lab.yml", inventory.to_yaml(inventory.group_vars(lab)))
        _write(directory / "lab.json", json.dumps(lab.as_data(), indent=2) + "\n")

    def forget(self, name: str) -> None:
        remove_tree(self.directory(name))
        with contextlib.suppress(OSError):
            self.state.rmdir()


def _make_key(path: Path, comment: str) -> None:
    public = path.with_suffix(".pub")
    if path.exists() and public.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    run("make an SSH key", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(text)
    unfinished.rename(path)
