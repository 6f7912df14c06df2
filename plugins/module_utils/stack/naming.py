# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects of a stack are called and labelled. Pure."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from .canonical import Json

NAMESPACE_LABEL = "com.docker.stack.namespace"
IMAGE_LABEL = "com.docker.stack.image"
KEY_LABEL = "io.flotilla.swarm.key"
_LONGEST = 64
_HASH = 12


def filled(**fields: t.Any) -> Json:
    """The fields that hold something: as the Engine API, empty and zero mean not given."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {})}


@dataclass(frozen=True)
class Names:
    """Names within one stack. With ``content_names`` those of secrets and configs end in a hash of what they hold."""

    stack: str
    content_names: bool = False

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
        digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:_HASH]
        return f"{self.scoped(key)[: _LONGEST - _HASH - 1]}_{digest}"

    def hashes(self, item: t.Mapping[str, t.Any]) -> bool:
        return self.content_names and not item.get("name") and "content" in item

    def labels(self, item: t.Mapping[str, t.Any]) -> dict[str, str]:
        return {**item.get("labels", {}), NAMESPACE_LABEL: self.stack}
