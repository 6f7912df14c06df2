# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a value may be shown: one policy for all that plans, diffs and messages say. Pure.

A value is judged by its path, which has the names of the keys that lead to it, with dots between them: ``environment.DB_PW``.
"""

from __future__ import annotations

import re
import typing as t
from fnmatch import fnmatchcase

HIDDEN = "(hidden)"
CHANGED = "(hidden, changed)"
UNSET = "(unset)"

SHOWN_VARIABLES = ("TZ", "LANG", "LC_*", "PATH")
"""Variables whose values hold no credential, whoever sets them."""

_SHOWN_OPTIONS = (
    *("type", "device", "encrypted", "com.docker.network.*", "*.com.docker.network.*"),  # of volumes and networks
    *("max-size", "max-file", "max-buffer-size", "mode", "compress", "labels", "tag", "native.cgroupdriver"),  # of log drivers, the engine
)
_SHOWN_MOUNT_OPTIONS = frozenset(
    "addr mountaddr nfsvers vers minorversion proto mountproto port mountport timeo retrans retry rsize wsize bsize namlen "
    "acregmin acregmax acdirmin acdirmax actimeo lookupcache local_lock nconnect max_connect clientaddr sec cache size nr_inodes "
    "mode uid gid file_mode dir_mode iocharset propagation context x-systemd.automount x-systemd.idle-timeout x-systemd.mount-timeout "
    "rw ro hard soft softerr softreval intr nointr atime noatime diratime nodiratime relatime norelatime strictatime lazytime nolazytime "
    "exec noexec suid nosuid dev nodev sync async dirsync auto noauto user nouser users defaults remount bind rbind shared rshared slave "
    "rslave private rprivate fg bg tcp udp tcp6 udp6 rdma ac noac cto nocto lock nolock acl noacl sharecache nosharecache resvport "
    "noresvport rdirplus nordirplus fsc nofsc migration nomigration posix noposix _netdev nofail reconnect allow_other allow_root "
    "default_permissions serverino noserverino mfsymlinks nobrl noperm z Z".split()
)

_SECRET_NAME = re.compile(
    r"pass(words?|wd|phrase|key|code)?\d*(_|$)|_pwd$|cookie|secret|token|private|credential|mnemonic"
    r"|(api|access|encryption|signing|ssh|gpg|pgp|aes|rsa|tls|ssl|wireguard|master|root|host|deploy|licen[cs]e|account|shared|storage)_?keys?"
    r"|auth(_|$)|authorization|dsn|jwt|bearer|hmac|webhook|connection_?string|recovery_?(codes?|words?)|(^|_)(key|pin|pw|salt)\d*$"
    r"|(^|_)(pw|pin|creds?|conn|conn_?str|salt|pepper|sas|pem|t?otp|session|seed(_?phrase)?|psk|keystore|kubeconfig|pkcs12|pfx)\d*(_|$)"
    r"|_ur[il]$",
    re.IGNORECASE,
)
_PROXY = re.compile(r"^(https?|ftp|all)[-_]proxy$", re.IGNORECASE)
_WORD_BOUNDARY = re.compile(r"[-.]|(?<=[a-z0-9])(?=[A-Z])")

# Below these keys stand names that users and drivers choose, each with a value of any kind.
_VARIABLE = re.compile(r"(?:^|\.)environment(?:\.(.+))?$", re.DOTALL)
_LABEL = re.compile(r"(?:^|\.)(?:(?:container_|engine_|node_)?labels)\.(.+)$", re.DOTALL | re.IGNORECASE)
_OPTION = re.compile(
    r"(?:^|.*(?<!dns)\.)(?:(?:driver|log|exec|storage|default-network)[-_])?(?:options|opts)(?:\.(.+))?$", re.DOTALL | re.IGNORECASE
)

_ARGUMENT = re.compile(r"^--?[\w.-]+=", re.ASCII)
_ARGUMENT_NAME = re.compile(r"^--?[\w.-]+$", re.ASCII)
_VALUE = r"""("[^"]*"|'[^']*'|[^\s,;&"']+)"""
_NAMED_VALUES = (
    re.compile(rf"(?<![\w.-])([\w.-]+)(=){_VALUE}", re.ASCII),
    re.compile(rf"(?<!\S)(--?[\w.-]+)(\s+)(?!-){_VALUE}", re.ASCII),  # among the words of a shell
    re.compile(r"""(["'][\w.-]+["'])(\s*:\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}\]"']+)""", re.ASCII),  # a member of JSON
    re.compile(r"""(?<![\w.-])([A-Za-z][\w-]*)(:\s+)((?:Basic|Bearer|Token)\s+[^\s"']+|[^\s"']+)""", re.ASCII),  # a header
)
_LOGIN_OPTION = re.compile(r"(?<!\S)(-u|--user|--proxy-user)(\s+|=)([^\s:]+:\S+)")
_SCHEME = re.compile(r"\b(Basic|Bearer)\s+([\w.~+/=-]{6,})", re.IGNORECASE)
# One name alone may be a token, but for SSH.
_LOGIN_OF_URL = re.compile(r"""(?<=://)[^/\s:"']*:[^/\s"']+(?=@)|(?<!ssh://)(?<=://)[^/\s"']+(?=@)|(?<=://)[^/\s:"']*:[^\s"']+(?=@)""")
_QUERY_OF_URL = re.compile(r"""(://[^\s?"'#]*\?)([^\s"'#]+)""")
# How the engine tells that a volume can't be mounted: with all options of it.
_MOUNT_DATA = re.compile(r"(, data: )([^\n]+?)(?=: |\n|$)")
_PASSWORD_HASH = re.compile(r"\$(apr1|2[aby]|5|6|y)\$")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")

_Hide = t.Callable[[str], str]


def looks_secret(name: str) -> bool:
    """Whether what bears this name is likely to be a secret."""
    return bool(_SECRET_NAME.search(_WORD_BOUNDARY.sub("_", name)))


def redact(path: str, value: t.Any, shown: t.Collection[str] = (), secret: bool = False) -> t.Any:
    """The value with ``(hidden)`` in the place of all that may be a credential.

    ``shown`` are patterns of variables of the environment that may be shown; a name that looks secret may not. ``secret`` says that it is
    one whatever its path.
    """
    return _Redaction(shown, lambda _text: HIDDEN).value(path, value, secret)


def redact_pair(path: str, before: t.Any, after: t.Any, shown: t.Collection[str] = (), secret: bool = False) -> tuple[t.Any, t.Any]:
    """Both sides of a difference. What is hidden after and was not there before, reads ``(hidden, changed)``."""
    former: set[str] = set()

    def remember(text: str) -> str:
        former.add(text)
        return HIDDEN

    old = _Redaction(shown, remember).value(path, before, secret)
    new = _Redaction(shown, lambda text: HIDDEN if text in former or not former else CHANGED).value(path, after, secret)
    return old, new


def redact_text(text: str) -> str:
    """A text that says anything, without the credentials of URLs, their queries, and the options with which a mount failed."""
    text = _redact_urls(text, lambda _text: HIDDEN)
    return _MOUNT_DATA.sub(lambda found: f"{found.group(1)}{redact('options.o', found.group(2))}", text)


class _Redaction:
    def __init__(self, shown: t.Collection[str], hide: _Hide) -> None:
        self._shown, self._hide = (*SHOWN_VARIABLES, *shown), hide

    def value(self, path: str, value: t.Any, secret: bool = False) -> t.Any:
        if isinstance(value, t.Mapping):
            return {key: self.value(f"{path}.{key}" if path else str(key), item, secret) for key, item in value.items()}
        if value is None or isinstance(value, bool) or value in ("", UNSET):
            return value
        if secret:
            return self._hide(str(value))
        variable = _VARIABLE.search(path)
        if variable:
            return self._variable(variable.group(1), value)
        label, option = _LABEL.search(path), _OPTION.match(path)
        if option and not path.startswith(("labels.", "container_labels.")):
            return self._option(option.group(1) or "", value)
        if isinstance(value, (list, tuple)):
            return self._hide(str(value)) if label and looks_secret(label.group(1)) else self._words(path, value)
        if not isinstance(value, str):
            return value
        name = label.group(1) if label else path.rpartition(".")[2]
        # The path of a file is no name.
        hidden = _PROXY.match(name) or (looks_secret(name) and (label or "/" not in name))
        return self._hide(value) if hidden else self._text(value)

    def _variable(self, name: str | None, value: t.Any) -> t.Any:
        if isinstance(value, (list, tuple)):
            return [self._assignment(item) for item in value]
        may_be_shown = name and not looks_secret(name) and any(fnmatchcase(name, pattern) for pattern in self._shown)
        return self._text(str(value)) if may_be_shown else self._hide(str(value))

    def _assignment(self, item: t.Any) -> t.Any:
        name, equals, value = str(item).partition("=")
        return f"{name}={self._variable(name, value)}" if equals and value else item

    def _option(self, name: str, value: t.Any) -> t.Any:
        if isinstance(value, (list, tuple)):
            return [self._option_word(str(item)) for item in value]
        if name in ("", "o", "mountopts"):
            return self._mount_options(str(value))
        if not looks_secret(name) and any(fnmatchcase(name, pattern) for pattern in _SHOWN_OPTIONS):
            return self._text(value) if isinstance(value, str) else value
        return self._hide(str(value))

    def _option_word(self, item: str) -> str:
        name, equals, value = item.partition("=")
        return f"{name}={self._option(name, value)}" if equals and value else self._mount_options(item)

    def _mount_options(self, text: str) -> str:
        """A value with a comma in it goes on in a word that is no option, which is hidden as well."""
        words = []
        for word in text.split(","):
            name, equals, value = word.partition("=")
            if name in _SHOWN_MOUNT_OPTIONS or not word:
                words.append(word)
            else:
                words.append(f"{name}={self._hide(value)}" if equals and name.isidentifier() else self._hide(word))
        return ",".join(words)

    def _words(self, path: str, items: t.Sequence[t.Any]) -> list[t.Any]:
        """Words of a command among them: ``--password=x`` as well as ``--password x``."""
        words: list[t.Any] = []
        before = ""
        for item in items:
            if not isinstance(item, str):
                words.append(self.value(path, item))
            elif _ARGUMENT_NAME.match(before) and item and not item.startswith("-") and _is_secret_argument(before, item):
                words.append(self._hide(item))
            else:
                words.append(self._argument(item))
            before = item if isinstance(item, str) else ""
        return words

    def _argument(self, item: str) -> str:
        option = _ARGUMENT.match(item)
        if option and item[option.end() :] and looks_secret(option.group().strip("-=")):
            return f"{option.group()}{self._hide(item[option.end() :])}"
        return self._text(item)

    def _text(self, text: str) -> str:
        if _PASSWORD_HASH.search(text) or _PRIVATE_KEY.search(text):
            return self._hide(text)
        text = _redact_urls(text, self._hide)
        text = _LOGIN_OPTION.sub(lambda found: f"{found.group(1)}{found.group(2)}{self._hide(found.group(3))}", text)
        for pattern in _NAMED_VALUES:
            text = pattern.sub(self._named, text)
        return _SCHEME.sub(lambda found: f"{found.group(1)} {self._hide(found.group(2))}", text)

    def _named(self, found: re.Match[str]) -> str:
        name, between, value = found.groups()
        hidden = looks_secret(name.strip("-\"'")) and not value.startswith("(hidden")
        return f"{name}{between}{self._hide(value)}" if hidden else found.group()


def _redact_urls(text: str, hide: _Hide) -> str:
    text = _LOGIN_OF_URL.sub(lambda found: hide(found.group()), text)
    return _QUERY_OF_URL.sub(lambda found: f"{found.group(1)}{hide(found.group(2))}", text)


def _is_secret_argument(name: str, value: str) -> bool:
    return looks_secret(name.strip("-")) or (name in ("-u", "--user", "--proxy-user") and ":" in value)
