# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.deploy_gate import (
    Checkout,
    judge_checkout,
    judge_variables,
    read_checkout,
    run_command,
)

COMMIT = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("found", "branches", "clean", "refusals"),
    [
        (Checkout("main", COMMIT), ["main"], True, []),
        (Checkout("release/2", COMMIT), ["main", "release/*"], False, []),
        (Checkout("topic", COMMIT, ("a",)), [], False, []),
        (Checkout("topic", COMMIT), ["main", "release/*"], False, ["/d is on branch topic, expected main or release/*"]),
        (Checkout("", COMMIT), ["*"], False, ["/d is at 0123456789ab, on no branch, expected *"]),
        (Checkout("main", COMMIT, ("a", "b")), ["main"], True, ["/d has changes that are not committed: a, b"]),
        (
            Checkout("main", COMMIT, tuple("abcdefg")),
            [],
            True,
            ["/d has changes that are not committed: a, b, c, d, e and 2 more"],
        ),
        (Checkout(problem="not a git repository"), [], True, ["/d has no readable branch: not a git repository"]),
    ],
)
def test_checkout(found: Checkout, branches: list[str], clean: bool, refusals: list[str]) -> None:
    assert judge_checkout(found, "/d", branches, clean) == refusals


@pytest.mark.parametrize(
    ("given", "refusals"),
    [
        ({"a": "x", "b": 0}, []),
        ({"a": "x", "b": False}, []),
        ({"a": "", "b": "y"}, ["not set: a"]),
        ({"b": []}, ["not set: a, b"]),
    ],
)
def test_variables(given: dict[str, t.Any], refusals: list[str]) -> None:
    assert judge_variables(["a", "b"], given) == refusals


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_real_checkout(tmp_path: Path) -> None:
    assert "not a git repository" in read_checkout(str(tmp_path)).problem
    git(tmp_path, "init", "--initial-branch", "main")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--message", "a")
    assert (read_checkout(str(tmp_path)).branch, read_checkout(str(tmp_path)).changed) == ("main", ())
    (tmp_path / "a").write_text("b")
    (tmp_path / "new file").touch()
    assert read_checkout(str(tmp_path)).changed == ("a", "new file")
    git(tmp_path, "checkout", "--detach")
    assert read_checkout(str(tmp_path)).branch == ""


def test_commands(tmp_path: Path) -> None:
    assert run_command(["true"], str(tmp_path)) == []
    assert run_command(["no-such-command"], str(tmp_path)) == ["no-such-command can't be run: No such file or directory"]
    script = "echo one; echo https://me:hunter2@h/ >&2; exit 3"
    (refusal,) = run_command(["sh", "-c", script], str(tmp_path))
    assert refusal.startswith("sh ended with 3\n    one\n    https://")
    assert "hunter2" not in refusal
