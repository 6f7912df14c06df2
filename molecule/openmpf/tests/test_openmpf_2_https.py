# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay https.yml: the workflow manager answers with its certificate, and without the overlay as before."""

from __future__ import annotations

import ssl
import urllib.error
from pathlib import Path

import pytest

from tests.scenario import until
from tests.scenario.certificates import sign
from tests.scenario.openmpf import SCENARIO, complete, declared, done, jobs, keystore, look

PASSWORD = "a-keystore-password"


def test_https_answers_with_its_certificate_to_those_who_log_in(tmp_path: Path) -> None:
    signed = sign("m1", ["m1"])
    (tmp_path / "keystore.p12").write_bytes(keystore(signed, PASSWORD))
    before, complete_before = look(), complete()
    stack = declared()
    stack["files"].insert(1, "examples/openmpf/https.yml")
    stack["env"] |= {"KEYSTORE_PATH": str(tmp_path / "keystore.p12"), "KEYSTORE_PASSWORD": PASSWORD}
    run = done("deploy", stacks_present=[stack])
    context = ssl.create_default_context(cadata=signed.certificate)
    context.check_hostname = False  # the nodes are asked by their addresses
    told = until(lambda: jobs(8443, "https", context), "HTTPS")
    assert told["jobs"]["COMPLETE"] == complete_before and PASSWORD not in run.out
    with pytest.raises(urllib.error.HTTPError, match="401"):
        jobs(8443, "https", context, who=("operator", "not the password"))
    with pytest.raises(urllib.error.URLError, match="refused"):
        jobs()
    changed = {name for name, service in look()["services"].items() if service["spec"] != before["services"][name]["spec"]}
    assert changed == {"openmpf_workflow-manager"}
    assert not any(done("deploy", stacks_present=[stack]).changed.values())


def test_without_the_overlay_it_answers_as_before() -> None:
    SCENARIO.converge("site.yml")
    assert until(complete, "HTTP") > 0
    assert not any(SCENARIO.converge("site.yml").changed.values())


def test_who_does_not_log_in_is_told_nothing() -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        jobs(who=("operator", "not the password"))
