# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run remembers from call to call. Pure, and free of secrets: it travels through results."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field

from ...errors import FlotillaError
from ..schedule.verdict import Memory
from ..service.spec import Json

CREATED, UPDATED, REPLACED, REMOVED = "create", "update", "replace", "remove"


@dataclass
class Touched:
    """A service that this run created, updated, replaced, or removed for another one.

    ``was`` is the fingerprint of the spec before, empty if there was none.
    """

    id: str
    act: str
    since: int = 0
    was: str = ""


@dataclass
class Session:
    """``began`` is in seconds by the clock of the target; ``locks`` has the ID of the config that locks a stack, by its name."""

    began: float = 0.0
    holder: str = ""
    run: str = ""
    """What tells this run from others of the same holder."""
    rival: str = ""
    """The run of the same holder whose lock is waited for."""
    dead: list[str] = field(default_factory=list)
    """Runs of the same holder that the controller found dead; their locks count no more."""
    stop: str = ""
    """What interrupted the run: it ends where it stands."""
    unheard: bool = False
    """Whether a call was cut off by that, so that nobody knows how far it came."""
    locks: dict[str, str] = field(default_factory=dict)
    locked: float = 0.0
    """When the locks were taken or last renewed, by the clock of the target."""
    planned: list[str] = field(default_factory=list)
    """The services that the first call planned to change: later ones change no others."""
    touched: dict[str, Touched] = field(default_factory=dict)
    made: list[list[str]] = field(default_factory=list)
    """Networks, secrets and configs that this run created: kind, name, ID."""
    removed: list[list[str]] = field(default_factory=list)
    """Kind and name of what this run removed."""
    images: dict[str, t.Any] = field(default_factory=dict)
    """What registries said at the beginning, so that a run deploys one version and asks once."""
    memory: dict[str, Memory] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """What was last told of each service."""

    @classmethod
    def from_result(cls, raw: t.Mapping[str, t.Any]) -> Session:
        values = dict(raw)
        values["touched"] = {name: Touched(**item) for name, item in (raw.get("touched") or {}).items()}
        return cls(**values)

    def there(self) -> list[str]:
        """The services that this run touched and that have to run in the end."""
        return [name for name, item in self.touched.items() if item.act != REMOVED]

    def changes(self, undone: bool = False) -> list[str]:
        """What the run has changed so far, such as ``service web``, or what of it stays when the run is undone."""
        there = [] if undone else [*self.made, *(["service", name] for name in self.touched)]
        return list(dict.fromkeys(f"{kind} {name}" for kind, name, *_id in (*self.removed, *there)))

    def as_result(self) -> dict[str, t.Any]:
        return asdict(self)

    def as_pending(self) -> dict[str, t.Any]:
        """What a call returns that ends before the run does."""
        return {"pending": True, "session": self.as_result(), "progress": dict(self.seen)}

    def summary(self, stack: str, wanted: int, now: float) -> str:
        """Such as ``grading: 1 service updated, 1 created, 12 untouched, in 48 s``; ``wanted`` is the number of its services."""
        acts = [item.act for item in self.touched.values() if item.act != REMOVED]
        removed = sum(kind == "service" for kind, _name in self.removed)
        counts = (
            (acts.count(UPDATED), "updated"),
            (acts.count(CREATED), "created"),
            (acts.count(REPLACED), "replaced"),
            (removed, "removed"),
            (wanted - len(acts), "untouched"),
        )
        told = [(count, word) for count, word in counts if count > 0]
        words = [f"{count} {word}" for count, word in told]
        if told:
            words[0] = f"{told[0][0]} service{'' if told[0][0] == 1 else 's'} {told[0][1]}"
        return f"{stack}: {', '.join(words) or 'nothing to do'}, in {now - self.began:.0f} s"

    def interruption(self) -> str:
        """What is half done, and the two ways from there: ``interrupted by SIGINT, and gave its lock back. Begun: ...``"""
        text = f"interrupted by {self.stop}, and gave its lock back"
        half = [f"{name} ({self.seen[name]})" if self.seen.get(name) else name for name in self.touched]
        rest = [name for name in self.planned if name not in self.touched]
        if half:
            text += f". Begun: {', '.join(half)}"
        if half and rest:
            text += f". Not begun: {', '.join(rest)}"
        if self.unheard:
            text += ". What it did in the call in which it was cut off is not known"
        return f"{text}. The same command finishes it{f'; {self._way_back()}' if self.changes() else ''}."

    def _way_back(self) -> str:
        updated = [name for name, item in self.touched.items() if item.act == UPDATED]
        others = [name for name, item in self.touched.items() if item.act not in (UPDATED, REMOVED)]
        if updated and not others and not self.made and not self.removed:
            return f"ansible-playbook playbooks/rollback.yml -e '{json.dumps({'services_names': updated})}' undoes it"
        return "ansible-playbook playbooks/deploy.yml with the files and variables of before undoes it"


class DeployError(FlotillaError):
    """A deploy that failed. ``result`` is added to what the module returns.

    ``changed`` is what stays changed of the whole run; without it the message says what was undone and what was not.
    """

    def __init__(self, message: str, result: Json, changed: t.Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.result, self.changed, self.tells_changes = result, changed, changed is None
