# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services, networks, secrets and configs are called and labelled, and to which stack they belong. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ...errors import PlanError
from ...plan import keyed_hash

Item = t.Mapping[str, t.Any]

NAMESPACE_LABEL = "com.docker.stack.namespace"
IMAGE_LABEL = "com.docker.stack.image"
KEY_LABEL = "io.flotilla.swarm.key"
LOCK_LABEL = "io.flotilla.swarm.lock"
SALT_LABEL = "io.flotilla.swarm.salt"
"""What the hash in the name of a secret or config is keyed with: who sees the name can't guess the content."""
_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")
_DATA_NAME = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])?")
_LONGEST, _LONGEST_DATA = 63, 64
_HASH = 12


def is_name(name: str) -> bool:
    """Whether a service or network can be called so."""
    return len(name) <= _LONGEST and bool(_NAME.fullmatch(name))


def is_data_name(name: str) -> bool:
    """Whether a secret or config can be called so."""
    return len(name) <= _LONGEST_DATA and bool(_DATA_NAME.fullmatch(name))


def require_name(kind: str, key: str, name: str) -> None:
    """Raise PlanError for a name that the engine would refuse."""
    is_data = kind in ("secret", "config")
    if not (is_data_name if is_data else is_name)(name):
        signs, longest = ("'-', '_' and '.'", _LONGEST_DATA) if is_data else ("'-' and '_'", _LONGEST)
        raise PlanError(
            f"{kind} {key}: {name!r} is not a valid name for a {kind}",
            f"Expected letters, digits, {signs}, beginning and ending with a letter or digit, at most {longest} in all. "
            f"Rename the {kind} or the stack.",
        )


def labelled(stack: str, labels: t.Mapping[str, t.Any] | None = None) -> dict[str, list[str]]:
    """The filter of the API for what belongs to a stack, if one is named, and has all of these labels."""
    wanted = {**({NAMESPACE_LABEL: stack} if stack else {}), **(labels or {})}
    return {"label": [f"{name}={as_text(value)}" for name, value in wanted.items()]} if wanted else {}


@dataclass(frozen=True)
class Names:
    """Names within one stack. With ``content_names`` those of secrets and configs end in a hash of what they hold, keyed with ``salt``."""

    stack: str
    content_names: bool = False
    salt: str = field(default="", repr=False)

    def scoped(self, key: str) -> str:
        return f"{self.stack}_{key}"

    def of(self, key: str, item: t.Mapping[str, t.Any]) -> str:
        """The name in the swarm of a network or volume."""
        return str(item.get("name") or self.scoped(key))

    def of_data(self, key: str, item: t.Mapping[str, t.Any]) -> str:
        """The name in the swarm of a secret or config. One with a name of its own keeps it."""
        if not self.hashes(item):
            return self.of(key, item)
        facts = (self.stack, key, item.get("content", ""), item.get("template_driver", ""))
        digest = keyed_hash(self.salt, "\0".join(facts))[:_HASH]
        return f"{self.scoped(key)[: _LONGEST_DATA - _HASH - 1]}_{digest}"

    def hashes(self, item: t.Mapping[str, t.Any]) -> bool:
        return self.content_names and not item.get("name") and "content" in item

    def data_labels(self, key: str, item: t.Mapping[str, t.Any]) -> dict[str, str]:
        """Of a secret or config."""
        named = {KEY_LABEL: key, SALT_LABEL: self.salt} if self.hashes(item) else {}
        return {**self.labels(item), **named}

    def labels(self, item: t.Mapping[str, t.Any]) -> dict[str, str]:
        return {**item.get("labels", {}), NAMESPACE_LABEL: self.stack}


def salt_of(items: t.Iterable[t.Mapping[str, t.Any]], token: t.Callable[[], str]) -> str:
    """What hashes of one stack are keyed with: what its secrets and configs have, or at first what only managers can derive.

    It stays when the token is rotated, so that no name changes.
    """
    salts = {(item["Spec"].get("Labels") or {}).get(SALT_LABEL, "") for item in items} - {""}
    return min(salts) if salts else keyed_hash(token(), "flotilla.swarm")


def stack_of(item: Item) -> str:
    """The stack that a service, network, secret or config belongs to, empty for none."""
    labels = item.get("Spec", item).get("Labels") or {}
    return str(labels.get(NAMESPACE_LABEL, ""))


def item_name(item: Item) -> str:
    return str(item.get("Spec", item)["Name"])


def by_name(items: t.Iterable[Item]) -> dict[str, Item]:
    return {item_name(item): item for item in items}


def own(stack: str, items: t.Iterable[Item]) -> list[Item]:
    """Those of the stack, by name."""
    return sorted((item for item in items if stack_of(item) == stack), key=item_name)


def as_text(value: t.Any) -> str | None:
    """A value of a variable or label as a person writes it: true rather than Python's True."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
