# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bcrypt
import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.certificates import CA_LIFE, LIFE, RENEW
from ansible_collections.flotilla.swarm.plugins.plugin_utils.registry_credentials import Made, complete, host_of
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLACE = "127.0.0.1:5000"
OWN = ("certificate", "key", "ca")


def made(kept: dict[str, str] | None = None, registry: str = PLACE, names: tuple[str, ...] = (), later: timedelta = timedelta()) -> Made:
    return complete(kept or {}, registry, names, NOW + later, "file.yml")


def paths(result: Made) -> list[str]:
    return [field.path for field in result.fields]


@pytest.fixture(scope="module")
def whole() -> dict[str, str]:
    return made(names=("registry.example.org", "fd00::7")).credentials


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "registry.example.org", "fd00::7"])
def test_a_client_that_trusts_the_authority_takes_the_certificate(whole: dict[str, str], name: str) -> None:
    ca, certificate = (x509.load_pem_x509_certificate(whole[part].encode()) for part in ("ca", "certificate"))
    try:
        subject: x509.IPAddress | x509.DNSName = x509.IPAddress(__import__("ipaddress").ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    chain = PolicyBuilder().store(Store([ca])).time(NOW).build_server_verifier(subject).verify(certificate, [])
    assert chain == [certificate, ca]


def test_the_login_is_one_that_a_registry_takes(whole: dict[str, str]) -> None:
    user, _colon, hashed = whole["htpasswd"].partition(":")
    assert user == whole["username"] and hashed.startswith("$2")
    assert bcrypt.checkpw(whole["password"].encode(), hashed.encode())
    assert len(whole["password"]) >= 40 and made().credentials["password"] != whole["password"]


def test_what_is_whole_stays(whole: dict[str, str]) -> None:
    again = made(whole, later=timedelta(days=300))
    assert again.credentials == whole and again.changes(True) == ()


@pytest.mark.parametrize(
    ("later", "renewed"),
    [
        (LIFE - RENEW - timedelta(days=1), []),
        (LIFE - RENEW + timedelta(days=1), ["certificate"]),
        (LIFE + timedelta(days=1), ["certificate"]),
        (CA_LIFE - RENEW + timedelta(days=1), ["ca", "certificate"]),
    ],
)
def test_it_is_renewed_before_its_end(whole: dict[str, str], later: timedelta, renewed: list[str]) -> None:
    result = made(whole, later=later)
    assert paths(result) == renewed
    assert all(result.credentials[name] == whole[name] for name in ("password", "htpasswd"))
    assert paths(made(result.credentials, later=later)) == []


def test_no_certificate_outlives_its_authority(whole: dict[str, str]) -> None:
    old = made(whole, later=CA_LIFE - timedelta(days=200)).credentials
    ca, certificate = (x509.load_pem_x509_certificate(old[part].encode()) for part in ("ca", "certificate"))
    assert old["ca"] == whole["ca"] and certificate.not_valid_after_utc == ca.not_valid_after_utc


@pytest.mark.parametrize(
    ("change", "remade"),
    [
        ({"registry": "10.0.0.1:5000"}, ["registry"]),
        ({"password": "another"}, ["login"]),
        ({"username": "deploy"}, ["login"]),
        ({"htpasswd": "swarm:no hash"}, ["login"]),
        ({"certificate": "", "key": ""}, ["certificate"]),
        ({"ca": "", "ca_key": "", "certificate": "", "key": ""}, ["ca", "certificate"]),
    ],
)
def test_only_what_no_longer_fits_is_made_anew(whole: dict[str, str], change: dict[str, str], remade: list[str]) -> None:
    result = made({**whole, **change})
    assert paths(result) == remade
    (done,) = result.changes(existed=True)
    assert (done.action, done.cost) == ("update", "restarts tasks")


def test_a_password_that_somebody_chose_is_hashed_with_more_effort(whole: dict[str, str]) -> None:
    assert whole["htpasswd"].split("$")[2] == "05"
    chosen = made({**whole, "password": "correct horse"}).credentials
    assert chosen["htpasswd"].split("$")[2] == "11" and paths(made(chosen)) == []
    cheap = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(5)).decode()
    assert paths(made({**chosen, "htpasswd": f"{chosen['username']}:{cheap}"})) == ["login"]


def test_another_address_gets_a_certificate(whole: dict[str, str]) -> None:
    assert paths(made(whole, "192.0.2.9:5000")) == ["registry", "certificate"]


def test_a_certificate_of_the_users_own_is_kept_to_its_end(whole: dict[str, str]) -> None:
    own = {name: whole[name] for name in OWN}
    result = made(own)
    assert paths(result) == ["registry", "login"]
    assert {name: result.credentials[name] for name in OWN} == own and "ca_key" not in result.credentials
    (warning,) = made(own, later=LIFE - timedelta(days=29)).warnings
    assert "ends on 2029-03-04" in warning


@pytest.mark.parametrize(
    ("change", "registry", "later", "words"),
    [
        ({}, "192.0.2.9:5000", 0, "certificate is for 127.0.0.1, localhost"),
        ({}, PLACE, 900, "certificate expired on 2029-03-04"),
        ({"key": ""}, PLACE, 0, "one of certificate and key"),
        ({"key": "-----BEGIN"}, PLACE, 0, "key is not a private key in PEM"),
        ({"certificate": "x"}, PLACE, 0, "certificate is not a certificate in PEM"),
        ({"pasword": "x"}, PLACE, 0, "has pasword, expected only registry, username, password"),
    ],
)
def test_a_certificate_of_no_use_is_refused(whole: dict[str, str], change: dict[str, str], registry: str, later: int, words: str) -> None:
    own = {name: whole[name] for name in OWN}
    with pytest.raises(PlanError) as error:
        made({**own, **change}, registry, later=timedelta(days=later))
    assert words in str(error.value) and "BEGIN" not in str(error.value)


def test_a_key_of_another_certificate_is_refused(whole: dict[str, str]) -> None:
    other = made().credentials
    for kept in ({**whole, "key": other["key"]}, {**whole, "ca_key": other["ca_key"]}, {**{n: whole[n] for n in OWN}, "key": other["key"]}):
        with pytest.raises(PlanError, match="is not the key of"):
            made(kept)


def test_nothing_secret_is_shown(whole: dict[str, str]) -> None:
    result = made()
    shown = repr(result.changes(existed=False)) + repr(result.fields)
    assert not any(result.credentials[name] in shown for name in ("password", "htpasswd", "key", "ca_key"))


@pytest.mark.parametrize(
    ("registry", "host"),
    [(PLACE, "127.0.0.1"), ("[fd00::1]:5000", "fd00::1"), ("registry.example.org", "registry.example.org")],
)
def test_the_host_of_a_registry(registry: str, host: str) -> None:
    assert host_of(registry) == host


def test_a_certificate_of_an_authority_that_is_gone_is_made_anew_even_on_the_day_of_both(whole: dict[str, str]) -> None:
    kept = {key: value for key, value in whole.items() if key != "ca"}
    again = made(kept, names=("registry.example.org", "fd00::7"))
    assert paths(again) == ["ca", "certificate"]


@pytest.mark.parametrize("name", ["m\u00fcnchen.example", "", "a b", "a/b", "x\n"])
def test_a_name_that_no_certificate_can_have_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match="certificate can't be for"):
        made(names=(name,))


@pytest.mark.parametrize("username", ["a:b", "a\nevil:$2b$05$x", "a\0"])
def test_a_name_of_a_user_that_would_be_more_than_one_login_is_refused(username: str) -> None:
    with pytest.raises(PlanError, match="username contains a colon"):
        made({"username": username})
