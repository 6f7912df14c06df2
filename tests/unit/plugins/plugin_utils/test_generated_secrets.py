# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import subprocess
import typing as t
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError, PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.certificates import LIFE, RENEW
from ansible_collections.flotilla.swarm.plugins.plugin_utils.generated_secrets import (
    PARTS,
    STAND_IN,
    Made,
    complete,
    find_text,
    holds_stand_in,
)
from ansible_collections.flotilla.swarm.plugins.plugin_utils.gpg import make_key
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
Spec = dict[str, t.Any]


def spec(name: str, kind: str = "password", **more: t.Any) -> Spec:
    return {"name": name, "kind": kind, "length": 32, "username": "", "identity": "", "authority": "", "names": [], **more}


ALL = [
    spec("site", "certificate", authority="internal", names=["grader.example.org", "10.0.0.5"]),
    spec("internal", "authority"),
    spec("database"),
    spec("django", length=64),
    spec("cookie", "hex", length=40),
    spec("operators", "login", username="ops"),
    spec("checkout", "ssh_key", identity="checkout@grader"),
    spec("signing", "gpg_key", identity="Grader <grader@example.org>"),
]


def fake_gpg(identity: str) -> tuple[str, str, str]:
    return f"private of {identity}", f"public of {identity}", "ABCDEF"


def made(
    kept: t.Mapping[str, str] | None = None, specs: t.Sequence[Spec] = ALL, rotate: t.Collection[str] = (), later: timedelta = timedelta()
) -> Made:
    return complete(kept or {}, specs, rotate, NOW + later, "file.yml", fake_gpg)


@pytest.fixture(scope="module")
def whole() -> dict[str, str]:
    return made().texts


def changed(result: Made) -> dict[str, str]:
    return {change.name: change.action for change in result.changes}


def test_every_part_of_every_kind_is_made(whole: dict[str, str]) -> None:
    expected = {f"{each['name']}.{part}" if part else each["name"] for each in ALL for part in PARTS[each["kind"]] or [""]}
    assert set(whole) == expected and all(whole.values())
    assert {each["kind"] for each in ALL} == set(PARTS)
    assert changed(made()) == {each["name"]: "create" for each in ALL}


def test_what_is_whole_stays(whole: dict[str, str]) -> None:
    again = made(whole, later=timedelta(days=300))
    assert again.texts == whole and again.changes == ()


def test_texts_have_the_length_and_the_letters_that_were_asked_for(whole: dict[str, str]) -> None:
    assert len(whole["database"]) == 32 and len(whole["django"]) == 64 and whole["django"].isalnum()
    assert len(whole["cookie"]) == 40 and int(whole["cookie"], 16)
    assert made().texts["database"] != whole["database"]


def test_another_length_later_does_not_change_a_password(whole: dict[str, str]) -> None:
    assert made(whole, [spec("database", length=64)]).texts["database"] == whole["database"]


def test_the_login_is_one_that_a_web_server_takes(whole: dict[str, str]) -> None:
    user, _colon, hashed = whole["operators.htpasswd"].partition(":")
    assert user == whole["operators.username"] == "ops"
    assert bcrypt.checkpw(whole["operators.password"].encode(), hashed.encode())


def test_another_user_keeps_the_password(whole: dict[str, str]) -> None:
    again = made(whole, [spec("operators", "login", username="other")])
    assert again.texts["operators.password"] == whole["operators.password"]
    assert again.texts["operators.htpasswd"].startswith("other:") and changed(again) == {"operators": "update"}


@pytest.mark.parametrize("name", ["grader.example.org", "10.0.0.5"])
def test_who_trusts_the_authority_takes_the_certificate(whole: dict[str, str], name: str) -> None:
    ca, certificate = (x509.load_pem_x509_certificate(whole[f"site.{part}"].encode()) for part in ("ca", "certificate"))
    assert whole["site.ca"] == whole["internal.certificate"]
    try:
        subject: x509.IPAddress | x509.DNSName = x509.IPAddress(__import__("ipaddress").ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    assert PolicyBuilder().store(Store([ca])).time(NOW).build_server_verifier(subject).verify(certificate, []) == [certificate, ca]


@pytest.mark.parametrize(
    ("specs", "later", "expected"),
    [
        (ALL, LIFE - RENEW - timedelta(days=1), {}),
        (ALL, LIFE - RENEW + timedelta(days=1), {"site": "update"}),
        ([{**ALL[0], "names": ["other.example.org"]}, *ALL[1:]], timedelta(), {"site": "update"}),
        (ALL, timedelta(days=3650 - 30), {"internal": "update", "site": "update"}),
    ],
)
def test_certificates_are_renewed_in_time(whole: dict[str, str], specs: list[Spec], later: timedelta, expected: dict[str, str]) -> None:
    assert changed(made(whole, specs, later=later)) == expected


def test_what_is_rotated_is_new_and_nothing_else_is(whole: dict[str, str]) -> None:
    again = made(whole, rotate=["database", "checkout"])
    assert {name for name in whole if again.texts[name] != whole[name]} == {"database", "checkout.private", "checkout.public"}
    assert changed(again) == {"database": "update", "checkout": "update"}


def test_a_new_authority_brings_new_certificates(whole: dict[str, str]) -> None:
    assert changed(made(whole, rotate=["internal"])) == {"internal": "update", "site": "update"}


def test_what_is_not_declared_any_more_stays_in_the_file(whole: dict[str, str]) -> None:
    assert made(whole, ALL[:2]).texts == whole


def test_changes_show_no_secret(whole: dict[str, str]) -> None:
    result = made()
    public = (".username", ".public", ".fingerprint", ".certificate", ".ca")
    secret = {text for name, text in result.texts.items() if not name.endswith(public)}
    shown = "".join(str(change.as_result()) for change in result.changes)
    assert not [text for text in secret if text in shown]


@pytest.mark.parametrize(
    ("specs", "rotate", "message"),
    [
        ([spec("Database")], (), "secrets_generated[0].name is 'Database', expected lower-case letters, digits and"),
        ([spec("a"), spec("a")], (), "secrets_generated[1].name is a, as that of another one"),
        ([spec("a", length=8)], (), "secrets_generated[0].length is 8, expected at least 16 characters."),
        ([spec("a", "login", username="x:y")], (), "secrets_generated[0].username contains a colon"),
        ([spec("a", "ssh_key", identity="x\ny")], (), "secrets_generated[0].identity contains a line break"),
        ([spec("a", "certificate", names=["x"])], (), "secrets_generated[0].authority is '', expected the name of a secret of kind"),
        ([spec("ca", "authority"), spec("a", "certificate", authority="ca")], (), "secrets_generated[1].names is empty"),
        ([spec("ca", "authority"), spec("a", "certificate", authority="ca", names=["x y"])], (), "a certificate can't be for 'x y'"),
        ([spec("database")], ["databas"], "secrets_rotate has databas, which secrets_generated does not declare. Did you mean database?"),
    ],
)
def test_what_can_not_be_made_is_refused_before_anything_is(specs: list[Spec], rotate: list[str], message: str) -> None:
    def gpg(_identity: str) -> tuple[str, str, str]:
        raise AssertionError("made something")

    with pytest.raises(PlanError) as caught:
        complete({}, [*specs, spec("key", "gpg_key")], rotate, NOW, "file.yml", gpg)
    assert message in str(caught.value)


def test_a_broken_file_is_named_with_the_part(whole: dict[str, str]) -> None:
    with pytest.raises(PlanError, match=r"file\.yml: site\.certificate is not a certificate in PEM"):
        made({**whole, "site.certificate": "x"})
    with pytest.raises(PlanError, match=r"file\.yml: internal\.key is not the key of internal\.certificate"):
        made({**whole, "internal.key": whole["site.key"]})


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("databas", "secrets_generated does not declare databas. Did you mean database?"),
        ("site", "generated secret site (certificate) has several parts. Ask for site.certificate, site.key, site.ca."),
        ("site.cert", "generated secret site (certificate) has no part 'cert'. Ask for site.certificate, site.key, site.ca."),
        ("database.value", "generated secret database (password) has no parts. Ask for database alone."),
    ],
)
def test_a_name_that_nothing_provides_is_refused(whole: dict[str, str], term: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        find_text(whole, ALL, term)
    assert str(caught.value) == message


def test_what_is_not_made_yet_has_a_stand_in(whole: dict[str, str]) -> None:
    assert find_text(None, ALL, "database") == find_text({}, ALL, "site.key") == STAND_IN
    assert find_text(whole, ALL, "site.key") == whole["site.key"]


@given(st.text(), st.text())
def test_a_stand_in_is_found_wherever_it_is(before: str, after: str) -> None:
    text = before + STAND_IN + after
    assert holds_stand_in(text) and holds_stand_in(base64.b64encode(text.encode()).decode())
    if STAND_IN not in before + after:
        assert not holds_stand_in(base64.b64encode((before + after).encode()).decode())


@given(
    st.lists(st.sampled_from(ALL[2:7]), unique_by=lambda each: t.cast(str, each["name"])),
    st.lists(st.sampled_from(ALL[2:7]), unique_by=lambda each: t.cast(str, each["name"])),
)
def test_what_one_run_made_no_later_run_changes(first: list[Spec], second: list[Spec]) -> None:
    one = made({}, first).texts
    two = made(one, second).texts
    assert {name: two[name] for name in one} == one
    assert not made(two, [*first, *(each for each in second if each not in first)]).changes


def test_gpg_makes_a_key_that_gpg_takes(tmp_path: Path) -> None:
    try:
        private, public, fingerprint = make_key("Grader <grader@example.org>")
    except FlotillaError as error:
        pytest.skip(str(error))
    assert "PRIVATE KEY" in private and "PUBLIC KEY" in public
    command = ["gpg", "--homedir", str(tmp_path), "--batch", "--with-colons", "--import-options", "show-only", "--import"]
    shown = subprocess.run(command, input=private, capture_output=True, text=True, check=True).stdout
    assert f":{fingerprint}:" in shown and "Grader <grader@example.org>" in shown


def test_an_ssh_key_is_one_that_ssh_takes(tmp_path: Path, whole: dict[str, str]) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text(whole["checkout.private"])
    derived = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    assert derived.split()[:2] == whole["checkout.public"].split()[:2] and whole["checkout.public"].endswith(" checkout@grader")
