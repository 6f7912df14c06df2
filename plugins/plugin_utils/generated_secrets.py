# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are made once and kept in a file: what of them is there, and what is made. Time and GnuPG are passed in.

The file holds a text for each part: ``name`` for a password, ``name.part`` for what has several parts.
"""

from __future__ import annotations

import base64
import difflib
import re
import secrets
import string
import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Field
from .certificates import Pair, renew_authority, renew_certificate, require_cryptography, require_names
from .logins import USER, hash_login, is_login, make_password, require_bcrypt

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError:  # said by require_cryptography
    pass

PARTS = {
    "password": (),
    "hex": (),
    "login": ("username", "password", "htpasswd"),
    "ssh_key": ("private", "public"),
    "gpg_key": ("private", "public", "fingerprint"),
    "authority": ("certificate", "key"),
    "certificate": ("certificate", "key", "ca"),
}
"""Kind -> names of its parts; a kind without parts is one text."""
STAND_IN = "(made by the run that needs it)"
"""What a plan has for a secret that is not made yet."""
SHORTEST = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CHARACTERS = string.ascii_letters + string.digits

Spec = t.Mapping[str, t.Any]
Texts = dict[str, str]
MakeGpgKey = t.Callable[[str], tuple[str, str, str]]
"""From an identity to the private key, the public key (both armoured) and the fingerprint."""


@dataclass(frozen=True)
class Made:
    """The texts of the file, whole, and what had to be made of them."""

    texts: Texts = field(repr=False)
    changes: tuple[Change, ...] = ()


def complete(
    kept: t.Mapping[str, str], specs: t.Sequence[Spec], rotate: t.Collection[str], now: datetime, path: str, gpg: MakeGpgKey
) -> Made:
    """The texts of ``path`` with what they lack, or what has ended, made anew; those of ``rotate`` are made anew in any case.

    What the file has besides stays. Raises PlanError for specs that can't be made, and for a file that nobody can use.
    """
    check(specs, rotate)
    texts, changes = dict(kept), []
    # An authority comes before its certificates, wherever it stands.
    for spec in sorted(specs, key=lambda spec: spec["kind"] == "certificate"):
        name = spec["name"]
        before = {key: text for key, text in texts.items() if key.partition(".")[0] == name}
        mine = _Entry(spec, {} if name in rotate else before, texts, now, path, gpg)
        after, fields = mine.made()
        if after == before:
            continue
        for key in before:
            del texts[key]
        texts |= after
        action, cost = ("update", "restarts tasks") if before else ("create", "nothing")
        changes.append(Change("generated", name, action, tuple(fields), cost, spec["kind"].replace("_", " ")))
    return Made(texts, tuple(changes))


def check(specs: t.Sequence[Spec], rotate: t.Collection[str] = ()) -> None:
    """Raise PlanError for names and kinds that do not go together."""
    kinds: dict[str, str] = {}
    for index, spec in enumerate(specs):
        where, name = f"secrets_generated[{index}]", spec["name"]
        if not _NAME.fullmatch(name):
            raise PlanError(f"{where}.name is {name!r}, expected lower-case letters, digits and underscores, a letter first.")
        if name in kinds:
            raise PlanError(f"{where}.name is {name}, as that of another one", "Give each its own name.")
        kinds[name] = spec["kind"]
        if spec["kind"] in ("password", "hex") and spec["length"] < SHORTEST:
            raise PlanError(f"{where}.length is {spec['length']}, expected at least {SHORTEST} characters.")
        if spec["kind"] == "login" and not USER.fullmatch(spec["username"] or name):
            raise PlanError(f"{where}.username contains a colon or a line break, which a list of logins can't hold.")
        if spec["kind"] in ("ssh_key", "gpg_key") and re.search(r"[\x00-\x1f\x7f]", spec["identity"]):
            raise PlanError(f"{where}.identity contains a line break, expected one line.")
    for index, spec in enumerate(specs):
        if spec["kind"] == "certificate":
            _check_certificate(f"secrets_generated[{index}]", spec, kinds)
    unknown = sorted(set(rotate) - set(kinds))
    if unknown:
        raise PlanError(f"secrets_rotate has {', '.join(unknown)}, which secrets_generated does not declare{_nearest(unknown[0], kinds)}")


def find_text(texts: t.Mapping[str, str] | None, specs: t.Sequence[Spec], term: str) -> str:
    """The text that ``name`` or ``name.part`` means; ``STAND_IN`` where it is not made yet.

    ``texts`` is None where there is no file. Raises PlanError for a name that nobody declares, and for a part that it does not have.
    """
    name, dot, part = term.partition(".")
    kinds = {spec["name"]: spec["kind"] for spec in specs}
    if name not in kinds:
        raise PlanError(f"secrets_generated does not declare {name}{_nearest(name, kinds)}")
    parts = PARTS[kinds[name]]
    if (part not in parts) if parts else bool(dot):
        kind = kinds[name].replace("_", " ")
        asked = f"has no part {part!r}" if part else "has several parts"
        cure = f"Ask for {', '.join(f'{name}.{each}' for each in parts)}." if parts else f"Ask for {name} alone."
        raise PlanError(f"generated secret {name} ({kind}) {asked if parts else 'has no parts'}", cure)
    return (texts or {}).get(term) or STAND_IN


def holds_stand_in(text: str) -> bool:
    """Whether a stand-in is in it, also as a part of something in base64, as the contents of secrets and configs are sent."""
    return STAND_IN in text or any(each in text for each in _in_base64(STAND_IN))


def _in_base64(text: str) -> t.Iterator[str]:
    """What is the same in the base64 of everything that contains the text, for each of the three ways in which it can begin there."""
    for before in range(3):
        data = b"." * before + text.encode()
        whole = len(data) // 3 * 3
        yield base64.b64encode(data[:whole]).decode()[4 * bool(before) :]


def _nearest(name: str, kinds: t.Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, kinds, 1, 0.6)
    return f". Did you mean {near[0]}?" if near else "."


def _check_certificate(where: str, spec: Spec, kinds: t.Mapping[str, str]) -> None:
    if not spec["names"]:
        raise PlanError(f"{where}.names is empty, expected the host names and addresses that the certificate is for.")
    require_names(spec["names"])
    if kinds.get(spec["authority"]) != "authority":
        known = ", ".join(name for name, kind in kinds.items() if kind == "authority") or "none is declared"
        raise PlanError(f"{where}.authority is {spec['authority']!r}, expected the name of a secret of kind authority ({known}).")


@dataclass(frozen=True)
class _Entry:
    """One secret: ``kept`` are its texts that stay, ``others`` those of all."""

    spec: Spec
    kept: t.Mapping[str, str]
    others: t.Mapping[str, str]
    now: datetime
    path: str
    gpg: MakeGpgKey

    def made(self) -> tuple[Texts, list[Field]]:
        """Its texts by their full names, and what was made of them."""
        make: t.Callable[[], tuple[Texts, list[Field]]] = getattr(self, f"_{self.spec['kind']}")
        texts, fields = make()
        name = self.spec["name"]
        return {f"{name}.{part}" if part else name: text for part, text in texts.items()}, fields

    def _part(self, part: str) -> str:
        return self.kept.get(f"{self.spec['name']}.{part}", "")

    def _password(self) -> tuple[Texts, list[Field]]:
        new = "".join(map(secrets.choice, [_CHARACTERS] * self.spec["length"]))
        return self._text(new, f"{self.spec['length']} characters")

    def _hex(self) -> tuple[Texts, list[Field]]:
        return self._text(secrets.token_hex(self.spec["length"])[: self.spec["length"]], f"{self.spec['length']} hexadecimal digits")

    def _text(self, new: str, told: str) -> tuple[Texts, list[Field]]:
        kept = self.kept.get(self.spec["name"])
        return ({"": kept}, []) if kept else ({"": new}, [Field("value", None, told)])

    def _login(self) -> tuple[Texts, list[Field]]:
        require_bcrypt()
        username = self.spec["username"] or self.spec["name"]
        password, htpasswd = self._part("password"), self._part("htpasswd")
        if password and is_login(htpasswd, username, password):
            return {"username": username, "password": password, "htpasswd": htpasswd}, []
        new = password or make_password()
        told = Field("username", self._part("username") or None, username if not password else f"{username}, with its password")
        return {"username": username, "password": new, "htpasswd": hash_login(username, new)}, [told]

    def _ssh_key(self) -> tuple[Texts, list[Field]]:
        if self._part("private") and self._part("public"):
            return {"private": self._part("private"), "public": self._part("public")}, []
        require_cryptography()
        key = ed25519.Ed25519PrivateKey.generate()
        form, nothing = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, form, nothing).decode()
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
        public = f"{public} {self.spec['identity'] or self.spec['name']}"
        return {"private": private, "public": public}, [Field("public", None, public)]

    def _gpg_key(self) -> tuple[Texts, list[Field]]:
        parts = PARTS["gpg_key"]
        if all(self._part(part) for part in parts):
            return {part: self._part(part) for part in parts}, []
        made = dict(zip(parts, self.gpg(self.spec["identity"] or self.spec["name"]), strict=True))
        return made, [Field("fingerprint", None, made["fingerprint"])]

    def _authority(self) -> tuple[Texts, list[Field]]:
        require_cryptography()
        pair, made = renew_authority(self._pair(), self.spec["identity"] or self.spec["name"], self.now)
        return {"certificate": pair.certificate, "key": pair.key}, [made] if made else []

    def _certificate(self) -> tuple[Texts, list[Field]]:
        require_cryptography()
        ca = self.spec["authority"]
        texts = {part: self.others[f"{ca}.{part}"] for part in PARTS["authority"]}
        authority = Pair(texts["certificate"], texts["key"], f"{self.path}: {ca}.certificate", f"{self.path}: {ca}.key")
        pair, made = renew_certificate(self._pair(), authority, self.spec["names"], self.now)
        return {"certificate": pair.certificate, "key": pair.key, "ca": authority.certificate}, [made] if made else []

    def _pair(self) -> Pair:
        where = f"{self.path}: {self.spec['name']}"
        return Pair(self._part("certificate"), self._part("key"), f"{where}.certificate", f"{where}.key")
