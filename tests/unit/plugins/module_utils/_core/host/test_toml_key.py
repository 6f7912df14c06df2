# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard library's TOML reader says what a file means, before and after."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import toml_key
from hypothesis import given
from hypothesis import strategies as st

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 brings tomllib")

# The shape of the file that the toolkit's package installs.
SHIPPED = """\
#accept-nvidia-visible-devices-as-volume-mounts = false
disable-require = false
supported-driver-capabilities = "compat32,compute,display,graphics,ngx,utility,video"
#swarm-resource = "DOCKER_RESOURCE_GPU"

[nvidia-container-cli]
#debug = "/var/log/nvidia-container-toolkit.log"
environment = []
ldconfig = "@/sbin/ldconfig"
#swarm-resource = "not here"

[nvidia-container-runtime]
#debug = "/var/log/nvidia-container-runtime.log"
log-level = "info"
mode = "auto"
runtimes = ["runc", "crun"]

[nvidia-container-runtime.modes.csv]
mount-spec-path = "/etc/nvidia-container-runtime/host-files-for-container.d"
"""
WANTED = 'swarm-resource = "DOCKER_RESOURCE_GPU"\n'

LINES = st.sampled_from(
    [
        "",
        "# a comment",
        '#swarm-resource = "DOCKER_RESOURCE_GPU"',
        "flag = true",
        'name = "a [b] # c" # [d]',
        "words = [ # [x]",
        "text = '''",
        'long = """',
        "point = {x = 1, y = ['[']}",
        "path = 'C:\\'",
        'quoted = "\\"["',
    ]
)
ENDS = {
    "words = [ # [x]": ['  "a", # ]', '  "[t]",', "]"],
    "text = '''": ["[t]", "#swarm-resource = 1'''"],
    'long = """': ['\\"""[t]', '"""'],
}
TABLES = ("", "a", "a.b", "nvidia-container-runtime", "nvidia-container-runtime.modes.csv")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Valid TOML: under each header some statements, no key of a table twice."""
    lines: list[str] = []
    for table in TABLES:
        if table and not draw(st.booleans()):
            continue
        lines += [f"[{table}]"] if table else []
        seen: set[str] = set()
        for line in draw(st.lists(LINES, max_size=5)):
            if line.split("=")[0] in seen and line and not line.startswith("#"):
                continue
            seen.add(line.split("=")[0])
            lines += [line, *ENDS.get(line, [])]
        if draw(st.booleans()):
            lines.append(
                draw(st.sampled_from(["swarm-resource = 'x' # why", 'swarm-resource="a\\"b"', "swarm-resource = [\n1]", "mode = 'cdi'"]))
            )
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def meaning(text: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", tomllib.loads(text))


def test_the_commented_default_becomes_the_key() -> None:
    after = toml_key.put(SHIPPED, "", "swarm-resource", "DOCKER_RESOURCE_GPU")
    assert after == SHIPPED.replace(f"#{WANTED}", WANTED)


def test_the_mode_of_the_right_table_changes() -> None:
    assert toml_key.put(SHIPPED, "nvidia-container-runtime", "mode", "legacy") == SHIPPED.replace('"auto"', '"legacy"')
    without = SHIPPED.replace('mode = "auto"\n', "")
    after = toml_key.put(without, "nvidia-container-runtime", "mode", "legacy")
    assert meaning(after)["nvidia-container-runtime"]["mode"] == "legacy"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", WANTED),
        ("a = 1", f"a = 1\n{WANTED}"),
        ("[t]\na = 1\n", f"{WANTED}[t]\na = 1\n"),
        ("a = 1\n\n# about t\n[t]\n", f"a = 1\n{WANTED}\n# about t\n[t]\n"),
        ("  swarm-resource='x'   # mine\n", '  swarm-resource="DOCKER_RESOURCE_GPU"   # mine\n'),
        ('"swarm-resource" = "x"\n', '"swarm-resource" = "DOCKER_RESOURCE_GPU"\n'),
        ("swarm-resource = [\n  1,\n]\nb = 2\n", f"{WANTED}b = 2\n"),
        (f"[t]\n{WANTED}", f"{WANTED}[t]\n{WANTED}"),
        ("a = [\n[1],\n]\n[[t]]\n", f"a = [\n[1],\n]\n{WANTED}[[t]]\n"),
        ("swarm-resource-b = 1\n", f"swarm-resource-b = 1\n{WANTED}"),
    ],
)
def test_a_top_level_key(before: str, after: str) -> None:
    assert toml_key.put(before, "", "swarm-resource", "DOCKER_RESOURCE_GPU") == after
    assert toml_key.get(after, "", "swarm-resource") == "DOCKER_RESOURCE_GPU"


@given(documents(), st.sampled_from([("", "swarm-resource"), ("nvidia-container-runtime", "mode")]))
def test_everything_else_survives_and_a_second_time_changes_nothing(text: str, place: tuple[str, str]) -> None:
    table, key = place
    after = toml_key.put(text, table, key, "WANTED")
    assert toml_key.put(after, table, key, "WANTED") == after
    expected = meaning(text)
    (expected.setdefault(table, {}) if table else expected)[key] = "WANTED"
    assert meaning(after) == expected
    lost = [line for line in text.split("\n") if line not in after.split("\n")]
    assert all(key in line or line == "1]" for line in lost)
