# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tests.lab.apt import AptSetup, find_mirrors, transport_options

DEB822 = """\
Types: deb
# http://old.example/debian
URIs: https://mirror.example/pub/debian/
Suites: bookworm bookworm-updates
"""
ONE_LINE = """\
deb [signed-by=/k.gpg] http://ftp.example/debian bookworm main
deb http://other.example/debian bookworm main
deb http://ftp.example/debian-security bookworm-security main
"""


@pytest.mark.parametrize(
    ("text", "debian", "security"),
    [
        ("", "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"),
        (DEB822, "https://mirror.example/pub/debian", "http://deb.debian.org/debian-security"),
        (ONE_LINE, "http://ftp.example/debian", "http://ftp.example/debian-security"),
        (
            "URIs: http://archive.ubuntu.example/ubuntu",
            "http://deb.debian.org/debian",
            "http://deb.debian.org/debian-security",
        ),
    ],
)
def test_find_mirrors(text: str, debian: str, security: str) -> None:
    assert find_mirrors(text) == {"debian": debian, "security": security}


def test_only_transport_and_trust_options_are_taken() -> None:
    dump = """\
APT::Install-Recommends "0";
Acquire::Languages "none";
Acquire::http "";
Acquire::http::Proxy "http://p.example:3128";
Acquire::Check-Valid-Until "false";
Acquire::GzipIndexes "true";
DPkg::Post-Invoke:: "rm -rf /";
"""
    assert transport_options(dump, {}) == (
        'Acquire::http::Proxy "http://p.example:3128";',
        'Acquire::Check-Valid-Until "false";',
    )


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY"])
def test_a_proxy_of_the_environment_is_taken(variable: str) -> None:
    assert transport_options("", {variable: "http://p:1"}) == ('Acquire::https::Proxy "http://p:1";',)


def test_apts_own_proxy_wins_over_the_environment() -> None:
    own = 'Acquire::http::Proxy "http://own:1";'
    assert transport_options(own, {"http_proxy": "http://env:2"}) == (own,)


def test_sources_name_the_release_with_updates_and_security() -> None:
    setup = AptSetup({"debian": "http://d/debian", "security": "http://s/debian-security"}, (), ())
    assert setup.sources("trixie") == [
        "deb http://d/debian trixie main",
        "deb http://d/debian trixie-updates main",
        "deb http://s/debian-security trixie-security main",
    ]
