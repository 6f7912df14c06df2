# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root file system as an archive that `docker image load` reads; no engine and no registry needed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path


def image_config(architecture: str, layer_digest: str) -> bytes:
    """The image's configuration; *architecture* as Go and Debian call it (amd64, arm64), *layer_digest* in hex."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": [f"PATH={path}"], "Cmd": ["bash"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "flotilla lab"}],
    }
    return json.dumps(config, sort_keys=True).encode()


def write_archive(layer: Path, reference: str, architecture: str, target: Path) -> None:
    """Write *target*, a one-layer image named *reference* ("debian:trixie"), from the tar file *layer*."""
    with layer.open("rb") as stream:
        config = image_config(architecture, hashlib.file_digest(stream, "sha256").hexdigest())
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": ["layer.tar"]}]
    unfinished = target.with_suffix(".tmp")
    with tarfile.open(unfinished, "w") as archive:
        for name, content in ((config_name, config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.add(layer, "layer.tar")
    unfinished.rename(target)
