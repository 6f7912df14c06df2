# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's graders on good, bad and hostile code, and how they ask the engine for a container. Needs neither Django nor Celery."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "autograder" / "app"))

from grader.exercises import EXERCISES, Exercise
from grader.grading import Report
from grader.grading import grade as grade_by
from grader.images import BuildFailed, build
from grader.runners import Limits, RunnerFailed, container, process

QUICK = Limits(wall_seconds=5, cpu_seconds=1)
SOLUTIONS = {
    "add": "def add(a, b): return a + b",
    "is_palindrome": "def is_palindrome(text): return text.lower() == text.lower()[::-1]",
    "primes": "def primes(n): return [i for i in range(2, n) if all(i % j for j in range(2, i))]",
}

DIGEST = "127.0.0.1:5001/courses/intro@sha256:" + "a" * 64
# Stands for the Docker client: it keeps what it was asked, and runs the program of a container.
CLIENT = """#!/bin/sh
echo "$@" | head -1 >>"$0.asked"
case "$1 $2" in
  "image inspect") [ ! -e "$0.lacks" ] || exit 1; echo DIGEST ;;
  "pull --quiet") [ ! -e "$0.refuses" ] || { echo "no such image" >&2; exit 1; } ;;
  "build --quiet") cat >"$0.built"; [ ! -e "$0.refuses" ] || { echo "no space left" >&2; exit 1; } ;;
  run*) [ ! -e "$0.refuses" ] || { echo "docker: no space left" >&2; exit 125; }
    while [ "$1" != python3 ]; do shift; done
    exec "$@" ;;
esac
"""


def grade(code: str, exercise: Exercise, limits: Limits) -> Report:
    return grade_by(code, exercise, process, limits)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "docker"
    file.write_text(CLIENT.replace("DIGEST", DIGEST))
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return file


def asked(client: Path) -> list[str]:
    return Path(f"{client}.asked").read_text().splitlines()


def test_code_runs_in_a_container_that_can_do_nothing_else_and_is_gone_afterwards(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_MEMORY", "300m")
    report = grade_by(SOLUTIONS["add"], EXERCISES["add"], container(DIGEST), QUICK)
    assert report.grade == 100
    inspected, started, removed = asked(client)
    words = started.split()
    assert inspected == f"image inspect {DIGEST}" and DIGEST in words
    assert {"--network=none", "--read-only", "--cap-drop=ALL", "--user=65534:65534", "--pids-limit=64"} <= set(words)
    assert {"--memory=300m", "--memory-swap=300m", "--security-opt=no-new-privileges", "--log-driver=none"} <= set(words)
    assert not [word for word in words if word.startswith(("--volume", "--mount", "--env", "--privileged"))]
    (name,) = [word.removeprefix("--name=") for word in words if word.startswith("--name=")]
    assert removed == f"rm --force {name}"


def test_an_image_that_is_not_there_is_pulled_first(client: Path) -> None:
    Path(f"{client}.lacks").touch()
    assert grade_by(SOLUTIONS["add"], EXERCISES["add"], container(DIGEST), QUICK).grade == 100
    assert [each.split()[0] for each in asked(client)] == ["image", "pull", "run", "rm"]


@pytest.mark.parametrize("lacks", [False, True])
def test_the_engine_s_failure_is_no_grade(client: Path, lacks: bool) -> None:
    Path(f"{client}.refuses").touch()
    if lacks:
        Path(f"{client}.lacks").touch()
    with pytest.raises(RunnerFailed, match="no such image" if lacks else "no space left"):
        grade_by(SOLUTIONS["add"], EXERCISES["add"], container(DIGEST), QUICK)


def test_code_can_not_pass_for_the_engine(client: Path) -> None:
    report = grade_by("import os\nos.write(2, b'docker: no')\nos._exit(125)", EXERCISES["add"], container(DIGEST), QUICK)
    assert (report.grade, report.failures) == (0, ("it ended by itself with exit code 125",))


def test_an_endless_output_ends(client: Path) -> None:
    report = grade_by("import os\nwhile True: os.write(3, b'x' * 65536)", EXERCISES["add"], container(DIGEST), QUICK)
    assert report.grade == 0


def test_the_image_of_a_course_is_built_of_its_dockerfile_alone_within_limits(client: Path) -> None:
    assert build("intro", "FROM python\n") == DIGEST
    built, pushed, _inspected = asked(client)
    assert Path(f"{client}.built").read_text() == "FROM python\n" and built.endswith(" -")
    assert {"--memory=1g", "--ulimit=nproc=1024", "--tag=127.0.0.1:5001/courses/intro:latest"} <= set(built.split())
    assert pushed == "push --quiet 127.0.0.1:5001/courses/intro:latest"


def test_a_build_that_fails_says_why(client: Path) -> None:
    Path(f"{client}.refuses").touch()
    with pytest.raises(BuildFailed, match="docker build: no space left"):
        build("intro", "FROM python\n")


@pytest.mark.parametrize("name", EXERCISES)
def test_right_code_gets_100(name: str) -> None:
    report = grade(SOLUTIONS[name], EXERCISES[name], QUICK)
    assert (report.grade, report.failures) == (100, ())
    assert report.passed == report.total > 2


def test_partly_right_code_gets_a_part_and_is_told_why() -> None:
    report = grade("def is_palindrome(text): return text == text[::-1]", EXERCISES["is_palindrome"], QUICK)
    assert (report.grade, report.passed, report.total) == (75, 3, 4)
    assert report.failures == ("is_palindrome('Level') returned False, not True",)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("def add(a, b: return a", "SyntaxError"),
        ("def plus(a, b): return a + b", "it defines no function add"),
        ("add = 3", "add(1, 2) raised TypeError"),
        ("def add(a, b): raise SystemExit(0)", "add(1, 2) raised SystemExit"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("while True: pass", "processor time or memory"),
        ("def add(a, b): return 'x' * (1 << 30)", "MemoryError"),
        ("print('[1, 2]')\ndef add(a, b): print(a + b)", "add(1, 2) returned None, not 3"),
        ("def add(a, b): return {1, 2}", "TypeError: Object of type set"),
        ("import os\nos.write(3, b'{\"answers\": []}')\nos._exit(0)", "tampered"),
        ("import os\nos.write(3, b'[]')\nos._exit(0)", "tampered"),
        ("open('big', 'wb').write(bytes(2 << 20))", ""),
    ],
)
def test_wrong_or_hostile_code_gets_0_and_a_cause(code: str, failure: str) -> None:
    report = grade(code, EXERCISES["add"], QUICK)
    assert (report.grade, report.passed) == (0, 0)
    assert failure in report.failures[0]


def test_code_that_only_waits_is_ended() -> None:
    report = grade("import time\ntime.sleep(60)", EXERCISES["add"], Limits(wall_seconds=0.5))
    assert report.failures == ("it ran longer than 0.5 s",)


def test_long_words_and_null_characters_are_not_kept() -> None:
    report = grade("def add(a, b): raise ValueError(chr(0) + 'x' * 1000)", EXERCISES["add"], QUICK)
    assert report.failures[0].startswith("add(1, 2) raised ValueError: \\0xxx")
    assert len(report.failures[0]) < 300


def test_truth_is_no_number() -> None:
    assert grade("def is_palindrome(text): return 1", EXERCISES["is_palindrome"], QUICK).grade == 0


def test_code_sees_no_variable_of_the_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD_FILE", "/run/secrets/broker_password")
    report = grade("import os\ndef add(a, b): raise ValueError(sorted(os.environ))", EXERCISES["add"], QUICK)
    assert "BROKER" not in report.failures[0]
