# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of private authorities: what of them is still good, and what is made anew. Time is passed in."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..module_utils.errors import FlotillaError, PlanError
from ..module_utils.plan import Field

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

CA_LIFE, LIFE = timedelta(days=3650), timedelta(days=825)
# A certificate is renewed by any run within this time before its end, and of one that the user gave it is warned as long before.
RENEW, WARN = timedelta(days=90), timedelta(days=30)
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key in PEM, each empty where it is not made yet. ``where`` and ``key_where`` name them in errors."""

    certificate: str
    key: str = field(repr=False)
    where: str
    key_where: str


def require_cryptography() -> None:
    """Raise FlotillaError where the controller can't make certificates."""
    if MISSING:
        raise FlotillaError(f"certificates are made by cryptography on the controller: {MISSING}", "Install it there.")


def require_names(names: t.Iterable[str]) -> None:
    """Raise PlanError for what a certificate can't be for."""
    odd = [name for name in names if not _NAME.fullmatch(name)]
    if odd:
        raise PlanError(f"a certificate can't be for {', '.join(map(repr, odd))}, expected host names in ASCII, or addresses.")


def check_own(pair: Pair, host: str, now: datetime, path: str, user: str) -> list[str]:
    """Warnings about a certificate of the file at ``path`` that ``user`` at ``host`` was given. Raises PlanError where it is of no use."""
    certificate, key = _read_certificate(pair.certificate, pair.where), _read_key(pair.key, pair.key_where)
    cure = f"Give another one in {path}."
    if public_of(certificate) != public_of(key):
        raise PlanError(f"{pair.key_where} is not the key of certificate", cure)
    if not {host, f"*.{host.partition('.')[2]}"} & set(_names_of(certificate)):
        known = ", ".join(_names_of(certificate)) or "no host"
        raise PlanError(f"{pair.where} is for {known}, and {user} is at {host}", cure)
    left = _ends(certificate) - now
    if left <= timedelta(0):
        raise PlanError(f"{pair.where} expired on {_ends(certificate):%Y-%m-%d}", cure)
    return [f"{path}: {user}'s certificate ends on {_ends(certificate):%Y-%m-%d}; renew it"] if left < WARN else []


def renew_authority(kept: Pair, subject: str, now: datetime) -> tuple[Pair, Field | None]:
    """The authority, made anew where there is none or it ends before a new certificate would, and what was done."""
    ca = _read_certificate(kept.certificate, kept.where) if kept.certificate and kept.key else None
    if ca is not None and _ends(ca) - now >= RENEW:
        if public_of(ca) != public_of(_read_key(kept.key, kept.key_where)):
            raise PlanError(f"{kept.key_where} is not the key of {_last(kept.where)}", "Remove both to have new ones.")
        return kept, None
    key = ec.generate_private_key(ec.SECP256R1())
    new = _sign(f"{subject} {now:%Y-%m-%d}", key.public_key(), None, key, (), now, now + CA_LIFE)
    told = Field(_last(kept.where), _until(ca), f"until {now + CA_LIFE:%Y-%m-%d}")
    return Pair(_pem(new), _pem_key(key), kept.where, kept.key_where), told


def renew_certificate(kept: Pair, authority: Pair, names: t.Sequence[str], now: datetime) -> tuple[Pair, Field | None]:
    """The certificate for ``names``, made anew where there is none, where another authority issued it, where it lacks a name or ends."""
    ca, signer = _read_certificate(authority.certificate, authority.where), _read_key(authority.key, authority.key_where)
    own = _read_certificate(kept.certificate, kept.where) if kept.certificate else None
    if own is not None and _is_of(own, ca) and set(names) <= set(_names_of(own)) and _ends(own) - now >= RENEW:
        if public_of(own) != public_of(_read_key(kept.key, kept.key_where)):
            raise PlanError(f"{kept.key_where} is not the key of {_last(kept.where)}", "Remove both to have new ones.")
        return kept, None
    end = min(now + LIFE, _ends(ca))
    before = own and f"{_until(own)} for {', '.join(_names_of(own))}"
    key = ec.generate_private_key(ec.SECP256R1())
    new = _sign(names[0], key.public_key(), ca, signer, names, now, end)
    told = Field(_last(kept.where), before, f"until {end:%Y-%m-%d} for {', '.join(names)}")
    return Pair(_pem(new), _pem_key(key), kept.where, kept.key_where), told


def _last(where: str) -> str:
    """The name alone, of ``file.yml: name``."""
    return where.rpartition(": ")[2]


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


def _read_certificate(pem: str, where: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise PlanError(f"{where} is not a certificate in PEM.") from None


def _read_key(pem: str, where: str) -> t.Any:
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise PlanError(f"{where} is not a private key in PEM without a password.") from None


def public_of(item: t.Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(item.public_key().public_bytes(serialization.Encoding.DER, form))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _pem_key(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
