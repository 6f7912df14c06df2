# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a connection, and an SDK that does not work."""

from __future__ import annotations

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.connection import Tls, explain_import, is_misfit, read_tls, warn_of_plain

PLAIN = Tls(False, False)


@pytest.mark.parametrize(
    ("tls", "validate_certs", "expected"),
    [
        (False, None, PLAIN),
        (False, False, PLAIN),
        (True, None, Tls(True, True)),
        (True, True, Tls(True, True)),
        (False, True, Tls(True, True)),
        (True, False, Tls(True, False)),
    ],
)
def test_tls_verifies_unless_told_not_to(tls: bool, validate_certs: bool | None, expected: Tls) -> None:
    assert read_tls(tls, validate_certs) == expected


@pytest.mark.parametrize(
    ("address", "tls", "warned"),
    [
        ("tcp://10.0.0.5:2375", PLAIN, True),
        ("tcp://m1:2375", PLAIN, True),
        ("http://m1:2375", PLAIN, True),
        ("10.0.0.5:2375", PLAIN, True),
        ("tcp://[fd00::5]:2375", PLAIN, True),
        ("tcp://localhost.example.org:2375", PLAIN, True),
        ("tcp://10.0.0.5:2376", Tls(True, True), False),
        ("tcp://10.0.0.5:2376", Tls(True, False), False),
        ("https://m1:2376", PLAIN, False),
        ("tcp://127.0.0.1:2375", PLAIN, False),
        ("tcp://127.8.0.1:2375", PLAIN, False),
        ("tcp://[::1]:2375", PLAIN, False),
        ("tcp://localhost:2375", PLAIN, False),
        ("tcp://:2375", PLAIN, False),
        ("unix:///var/run/docker.sock", PLAIN, False),
        ("ssh://root@m1", PLAIN, False),
    ],
)
def test_plain_tcp_to_another_host_is_warned_of(address: str, tls: Tls, warned: bool) -> None:
    warning = warn_of_plain(address, tls)
    assert bool(warning) == warned
    assert not warned or (address in warning and "plain TCP" in warning)


@pytest.mark.parametrize(
    ("problem", "version", "words"),
    [
        ("No module named 'docker'", "", ["can't be imported", "Install python3-docker"]),
        ("No module named 'docker'", "7.1.0", ["Install python3-docker"]),
        ("No module named 'distutils'", "5.0.3", ["docker 5.0.3 is installed", "Python 3.13.1", "Upgrade docker to 7.1.0 or newer"]),
        ("No module named 'imp'", "4.1.0", ["Upgrade docker"]),
        ("cannot import name 'match_hostname' from 'ssl' (/usr/lib/python3.13/ssl.py)", "4.4.4", ["Upgrade docker"]),
        ("it has no APIClient", "1.10.6", ["docker 1.10.6 is installed", "Upgrade docker"]),
        ("module 'lib' has no attribute 'X509_V_FLAG_NOTIFY_POLICY'", "7.1.0", ["with its dependencies"]),
        ("No module named 'requests'", "7.1.0", ["docker 7.1.0 is installed", "Install requests"]),
        ("No module named 'urllib3.util'", "7.1.0", ["Install urllib3"]),
        ("No module named 'docker.auth'; 'docker' is not a package", "", ["Install python3-docker"]),
    ],
)
def test_an_sdk_that_is_there_is_not_to_be_installed(problem: str, version: str, words: list[str]) -> None:
    told = " ".join(explain_import(problem, version, "3.13.1"))
    assert all(each in told for each in (problem, *words))
    assert ("Install python3-docker" in told) == (words[-1] == "Install python3-docker")


def test_an_sdk_older_than_what_it_depends_on() -> None:
    assert is_misfit("Error while fetching server API version: Not supported URL scheme http+docker")
    assert is_misfit("Error while fetching server API version: request() got an unexpected keyword argument 'chunked'")
    assert not is_misfit("Permission denied")
