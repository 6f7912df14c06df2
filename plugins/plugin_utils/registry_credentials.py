# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate and the login of a registry: what of them is still good, and what is made anew. Time is passed in."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..module_utils.errors import PlanError
from ..module_utils.plan import Change, Field
from .certificates import Pair, check_own, renew_authority, renew_certificate, require_cryptography, require_names
from .logins import USER, hash_login, is_login, make_password, require_bcrypt

KEYS = ("registry", "username", "password", "htpasswd", "ca", "ca_key", "certificate", "key")
ALWAYS = ("127.0.0.1", "localhost")
USERNAME = "swarm"

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
    require_cryptography()
    require_bcrypt()
    unknown = sorted(set(kept) - set(KEYS))
    if unknown:
        raise PlanError(f"{path} has {', '.join(unknown)}, expected only {', '.join(KEYS)}.")
    wanted = list(dict.fromkeys([host_of(registry), *ALWAYS, *names]))
    require_names(wanted)
    if not USER.fullmatch(kept.get("username") or USERNAME):
        raise PlanError(f"{path}: username contains a colon or a line break, which a list of logins can't hold.")
    now = now.replace(microsecond=0)
    new = {name: kept[name] for name in KEYS if kept.get(name)} | {"registry": registry}
    fields = [] if kept.get("registry") == registry else [Field("registry", kept.get("registry"), registry)]
    fields += _login(new)
    warnings: list[str] = []
    if bool(new.get("certificate")) != bool(new.get("key")):
        raise PlanError(f"{path} has one of certificate and key", "Give both, or neither to have them made.")
    own = _pair(new, "certificate", "key", path)
    if own.certificate and not new.get("ca_key"):
        warnings += check_own(own, host_of(registry), now, path, "the registry")
    else:
        ca, ca_made = renew_authority(_pair(new, "ca", "ca_key", path), "flotilla.swarm registry", now)
        own, own_made = renew_certificate(own, ca, wanted, now)
        new |= {"ca": ca.certificate, "ca_key": ca.key, "certificate": own.certificate, "key": own.key}
        fields += [made for made in (ca_made, own_made) if made]
    return Made(new, tuple(fields), tuple(warnings))


def host_of(registry: str) -> str:
    """Without the port: ``127.0.0.1`` of ``127.0.0.1:5000``, ``fd00::1`` of ``[fd00::1]:5000``."""
    host, colon, port = registry.rpartition(":")
    return (host if colon and port.isdigit() else registry).strip("[]")


def _pair(kept: Credentials, certificate: str, key: str, path: str) -> Pair:
    return Pair(kept.get(certificate, ""), kept.get(key, ""), f"{path}: {certificate}", f"{path}: {key}")


def _login(new: Credentials) -> list[Field]:
    fields = []
    if not new.get("username"):
        new["username"] = USERNAME
    if not new.get("password"):
        new["password"] = make_password()
        fields.append(Field("login", None, new["username"]))
    kept = new.get("htpasswd", "")
    if not is_login(kept, new["username"], new["password"]):
        new["htpasswd"] = hash_login(new["username"], new["password"])
        if not fields:
            fields.append(Field("login", kept.partition(":")[0] or None, f"{new['username']}, with its password"))
    return fields
