# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a build context, and when its hash changes."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.build_context import (
    BuildContext,
    ContextError,
    Ignore,
    Recipe,
)

PLAIN = Recipe("Dockerfile", {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM debian:trixie\n")
    (folder / "src" / "main.py").write_text("print('hello')\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("src/main.py")
    return folder


def names(context: BuildContext, path: Path) -> list[str]:
    context.pack(path)
    with tarfile.open(path) as archive:
        return archive.getnames()


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "src/a.pyc", False),
        ("**/*.pyc", "src/deep/a.pyc", True),
        ("**/*.pyc", "a.pyc", True),
        ("src", "src/main.py", True),
        ("src/", "src/main.py", True),
        ("/src", "src", True),
        ("./src", "src/x", True),
        ("src", "srcs", False),
        ("src/*", "src/main.py", True),
        ("*\n!README.md", "README.md", False),
        ("*\n!README.md", "other.md", True),
        ("!README.md\n*", "README.md", True),
        ("# src", "src", False),
        ("\n  \n", "src", False),
        ("te?t", "test", True),
        ("te?t", "te/t", False),
        ("file[0-9]", "file7", True),
        ("a.b", "axb", False),
        ("docs/**", "docs/a/b", True),
        (".", "src", False),
    ],
)
def test_ignore_rules(rules: str, path: str, ignored: bool) -> None:
    assert Ignore(rules)(path) is ignored


def test_what_is_packed(root: Path, tmp_path: Path) -> None:
    (root / ".dockerignore").write_text("**/*.pyc\nnode_modules\n")
    (root / "src" / "main.pyc").write_text("x")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "index.js").write_text("x")
    assert names(BuildContext(root, PLAIN), tmp_path / "x.tgz") == [
        ".dockerignore",
        "Dockerfile",
        "link",
        "run",
        "src",
        "src/main.py",
    ]
    with tarfile.open(tmp_path / "x.tgz") as archive:
        run, link = archive.getmember("run"), archive.getmember("link")
        assert (run.mode, run.uid, run.mtime, link.linkname) == (0o755, 0, 0, "src/main.py")


def test_the_dockerfile_is_sent_even_if_ignored(root: Path, tmp_path: Path) -> None:
    (root / ".dockerignore").write_text("*\n!src\n")
    assert names(BuildContext(root, PLAIN), tmp_path / "x.tgz") == ["Dockerfile", "src", "src/main.py"]


def write(path: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / path).write_text(text)


def relink(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("run")


@pytest.mark.parametrize(
    "change",
    [
        write("src/main.py", "print('bye')\n"),
        write("src/new.py", ""),
        write("Dockerfile", "FROM debian:bookworm\n"),
        lambda root: (root / "run").chmod(0o644),
        lambda root: (root / "src/main.py").rename(root / "src/other.py"),
        relink,
    ],
    ids=["content", "new file", "Dockerfile", "mode", "name", "link"],
)
def test_the_hash_changes_with(change: Callable[[Path], object], root: Path) -> None:
    before = BuildContext(root, PLAIN).hash()
    change(root)
    assert BuildContext(root, PLAIN).hash() != before


@pytest.mark.parametrize("recipe", [Recipe("run", {}), Recipe("Dockerfile", {"A": "1"}), Recipe("Dockerfile", {}, "test")])
def test_the_hash_changes_with_the_recipe(recipe: Recipe, root: Path) -> None:
    assert BuildContext(root, recipe).hash() != BuildContext(root, PLAIN).hash()


def test_the_hash_does_not_change_with_times_umask_order_or_ignored_files(root: Path) -> None:
    (root / ".dockerignore").write_text("*.log\n")
    first = BuildContext(root, Recipe("Dockerfile", {"A": "1", "B": "2"})).hash()
    os.utime(root / "src/main.py", (1, 1))
    (root / "src/main.py").chmod(0o664)
    (root / "src").chmod(0o700)
    (root / "build.log").write_text("noise")
    assert BuildContext(root, Recipe("Dockerfile", {"B": "2", "A": "1"})).hash() == first


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="no such directory on the controller"):
        BuildContext(tmp_path / "none", PLAIN)


def test_a_missing_dockerfile_is_named(root: Path) -> None:
    with pytest.raises(ContextError, match=r"has no file Containerfile\. Name the right one"):
        BuildContext(root, Recipe("Containerfile", {}))


def test_a_socket_is_refused_by_its_name(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(ContextError, match=r"pipe: it is neither a file.*\.dockerignore"):
        BuildContext(root, PLAIN).hash()


def test_a_dockerfile_elsewhere_is_refused(root: Path) -> None:
    (root.parent / "Dockerfile").write_text("FROM x\n")
    for name in ("../Dockerfile", str(root.parent / "Dockerfile")):
        with pytest.raises(ContextError, match="expected a relative path inside it. Move the file there, or name a directory"):
            BuildContext(root, Recipe(name, {}))


def test_labels_and_platforms_count_and_none_of_them_changes_nothing(root: Path) -> None:
    hashes = [
        BuildContext(root, recipe).hash()
        for recipe in (
            PLAIN,
            Recipe("Dockerfile", {}, labels={"a": "1"}),
            Recipe("Dockerfile", {}, labels={"a": "2"}),
            Recipe("Dockerfile", {}, platforms=["linux/arm64"]),
        )
    ]
    assert len(set(hashes)) == 4
    assert BuildContext(root, Recipe("Dockerfile", {}, labels={}, platforms=[], buildkit=True)).hash() == hashes[0]


def test_buildkit_reads_the_ignore_file_of_the_dockerfile(root: Path, tmp_path: Path) -> None:
    (root / "Dockerfile.dockerignore").write_text("src\n")
    assert "src/main.py" in names(BuildContext(root, PLAIN), tmp_path / "classic.tgz")
    assert "src/main.py" not in names(BuildContext(root, Recipe("Dockerfile", {}, buildkit=True)), tmp_path / "kit.tgz")
