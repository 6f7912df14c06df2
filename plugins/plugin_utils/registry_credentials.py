# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate and the login of a registry: what of them is still good, and what is made anew. Time is passed in."""

from __future__ import annotations

import ipaddress
import re
import secrets
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Change, Field

try:
    import bcrypt
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

KEYS = ("registry", "username", "password", "htpasswd", "ca", "ca_key", "certificate", "key")
ALWAYS = ("127.0.0.1", "localhost")
CA_LIFE, LIFE = timedelta(days=3650), timedelta(days=825)
# A certificate is renewed by any run within this time before its end, and of one that the user gave it is warned as long before.
RENEW, WARN = timedelta(days=90), timedelta(days=30)
USERNAME = "swarm"
_USER = re.compile(r"[^:\x00-\x1f\x7f]+")
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_.:-]+")
# What `htpasswd -B` takes. The registry computes it for each request, and a generated password can't be guessed anyhow.
_ROUNDS = 5

Credentials = dict[str, str]
Kept = t.Mapping[str, str]


@dataclass(frozen=True)
class Made:
    """Credentials that are whole, with what had to be made: each field with the reason."""

    credentials: Credentials
    fields: tuple[Field, ...] = ()
    warnings: tuple[str, ...] = ()

    def changes(self, existed: bool) -> tuple[Change, ...]:
        if not self.fields:
            return ()
        action, cost = ("update", "restarts tasks") if existed else ("create", "nothing")
        return (Change("registry", self.credentials["registry"], action, self.fields, cost, "certificate and login"),)


def complete(kept: Kept, registry: str, names: t.Sequence[str], now: datetime, path: str) -> Made:
    """The credentials of ``path`` with what they lack, or what has ended, made anew.

    A certificate without ``ca_key`` is the user's own, and never replaced. Raises PlanError where it is of no use.
    """
    if MISSING:
        problem = f"certificates and logins are made by cryptography and bcrypt on the controller: {MISSING}"
        raise FlotillaError(problem, "Install them there.")
    unknown = sorted(set(kept) - set(KEYS))
    if unknown:
        raise PlanError(f"{path} has {', '.join(unknown)}, expected only {', '.join(KEYS)}.")
    wanted = list(dict.fromkeys([host_of(registry), *ALWAYS, *names]))
    odd = [name for name in wanted if not _NAME.fullmatch(name)]
    if odd:
        raise PlanError(f"a certificate can't be for {', '.join(map(repr, odd))}, expected host names in ASCII, or addresses.")
    if not _USER.fullmatch(kept.get("username") or USERNAME):
        raise PlanError(f"{path}: username contains a colon or a line break, which a list of logins can't hold.")
    now = now.replace(microsecond=0)
    new = {name: kept[name] for name in KEYS if kept.get(name)} | {"registry": registry}
    fields = [] if kept.get("registry") == registry else [Field("registry", kept.get("registry"), registry)]
    fields += _login(new)
    warnings: list[str] = []
    if bool(new.get("certificate")) != bool(new.get("key")):
        raise PlanError(f"{path} has one of certificate and key", "Give both, or neither to have them made.")
    if new.get("certificate") and not new.get("ca_key"):
        warnings += _check_own(new, host_of(registry), now, path)
    else:
        fields += _certify(new, wanted, now, path)
    return Made(new, tuple(fields), tuple(warnings))


def host_of(registry: str) -> str:
    """Without the port: ``127.0.0.1`` of ``127.0.0.1:5000``, ``fd00::1`` of ``[fd00::1]:5000``."""
    host, colon, port = registry.rpartition(":")
    return (host if colon and port.isdigit() else registry).strip("[]")


def _login(new: Credentials) -> list[Field]:
    fields = []
    if not new.get("username"):
        new["username"] = USERNAME
    if not new.get("password"):
        new["password"] = secrets.token_urlsafe(32)
        fields.append(Field("login", None, new["username"]))
    user, _colon, kept = new.get("htpasswd", "").partition(":")
    if user != new["username"] or not _fits(new["password"], kept):
        kept = bcrypt.hashpw(new["password"].encode()[:72], bcrypt.gensalt(_ROUNDS)).decode()
        if not fields:
            fields.append(Field("login", user or None, f"{new['username']}, with its password"))
        new["htpasswd"] = f"{new['username']}:{kept}"
    return fields


def _fits(password: str, kept: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:72], kept.encode())
    except ValueError:  # no hash of bcrypt
        return False


def _check_own(new: Credentials, host: str, now: datetime, path: str) -> list[str]:
    """Of a certificate that the user gave."""
    certificate, key = _read_certificate(new["certificate"], "certificate", path), _read_key(new["key"], "key", path)
    cure = f"Give another one in {path}."
    if _public(certificate) != _public(key):
        raise PlanError(f"{path}: key is not the key of certificate", cure)
    if not {host, f"*.{host.partition('.')[2]}"} & set(_names_of(certificate)):
        known = ", ".join(_names_of(certificate)) or "no host"
        raise PlanError(f"{path}: certificate is for {known}, and the registry is at {host}", cure)
    left = _ends(certificate) - now
    if left <= timedelta(0):
        raise PlanError(f"{path}: certificate expired on {_ends(certificate):%Y-%m-%d}", cure)
    return [f"{path}: the registry's certificate ends on {_ends(certificate):%Y-%m-%d}; renew it"] if left < WARN else []


def _certify(new: Credentials, names: t.Sequence[str], now: datetime, path: str) -> list[Field]:
    """A certificate of an authority of our own. An authority that ends before a new certificate would is made anew, too."""
    fields = []
    ca = _read_certificate(new["ca"], "ca", path) if new.get("ca") and new.get("ca_key") else None
    if ca is None or _ends(ca) - now < RENEW:
        fields.append(Field("ca", _until(ca), f"until {now + CA_LIFE:%Y-%m-%d}"))
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _sign(f"flotilla.swarm registry {now:%Y-%m-%d}", ca_key.public_key(), None, ca_key, (), now, now + CA_LIFE)
        new["ca"], new["ca_key"] = _pem(ca), _pem_key(ca_key)
    authority = t.cast(ec.EllipticCurvePrivateKey, _read_key(new["ca_key"], "ca_key", path))
    if _public(ca) != _public(authority):
        raise PlanError(f"{path}: ca_key is not the key of ca", "Remove both to have new ones.")
    own = _read_certificate(new["certificate"], "certificate", path) if new.get("certificate") else None
    if own is None or not _is_of(own, ca) or not set(names) <= set(_names_of(own)) or _ends(own) - now < RENEW:
        end = min(now + LIFE, _ends(ca))
        before = own and f"{_until(own)} for {', '.join(_names_of(own))}"
        fields.append(Field("certificate", before, f"until {end:%Y-%m-%d} for {', '.join(names)}"))
        key = ec.generate_private_key(ec.SECP256R1())
        own = _sign(names[0], key.public_key(), ca, authority, names, now, end)
        new["certificate"], new["key"] = _pem(own), _pem_key(key)
    elif _public(own) != _public(_read_key(new["key"], "key", path)):
        raise PlanError(f"{path}: key is not the key of certificate", "Remove both to have new ones.")
    return fields


def _sign(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate | None,
    authority: ec.EllipticCurvePrivateKey,
    names: t.Sequence[str],
    now: datetime,
    end: datetime,
) -> x509.Certificate:
    """A certificate for a server, or without ``issuer`` for an authority. It begins an hour ago, for clocks that are behind."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:64])])
    is_ca = issuer is None
    usage = dict.fromkeys("content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only".split(), False)
    builder = (
        x509.CertificateBuilder(name if issuer is None else issuer.subject, name, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(is_ca, 0 if is_ca else None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(text) for text in names]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def _is_of(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    """Whether an authority issued a certificate. Its name says too little: authorities of one day share it."""
    try:
        key = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        key = None
    expected = x509.AuthorityKeyIdentifier.from_issuer_public_key(t.cast(ec.EllipticCurvePublicKey, ca.public_key()))
    return certificate.issuer == ca.subject and (key is None or key.key_identifier == expected.key_identifier)


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _ends(certificate: x509.Certificate) -> datetime:
    """Versions of the library before 42 know the time without its zone alone."""
    end: datetime | None = getattr(certificate, "not_valid_after_utc", None)
    return end or certificate.not_valid_after.replace(tzinfo=UTC)


def _until(certificate: x509.Certificate | None) -> str | None:
    return f"until {_ends(certificate):%Y-%m-%d}" if certificate else None


def _read_certificate(pem: str, name: str, path: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise PlanError(f"{path}: {name} is not a certificate in PEM.") from None


def _read_key(pem: str, name: str, path: str) -> t.Any:
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise PlanError(f"{path}: {name} is not a private key in PEM without a password.") from None


def _public(item: t.Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(item.public_key().public_bytes(serialization.Encoding.DER, form))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_key(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
