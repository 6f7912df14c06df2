# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shows of itself: a line for each step, and hosts only where something changed or failed. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from .answers import printable
from .host_names import count_hosts, name_hosts

NAME_WIDTH = 64
HIDDEN = "The task has no_log, so its message is hidden."
MORE = "-v shows what it wrote."
NO_CONNECTION = "no connection"
CONNECTION_CURE = "Start it, or check how Ansible connects."
_OUTPUTS = ("cmd", "module_stdout", "module_stderr")
"""With any of these a message is about a program, which may have said more."""

_FAILED = ("failed", "unreachable", "exception")
"""Since ansible-core 2.21 items that failed have only the last one."""

_PREFIXES = re.compile(r"(Task failed: )?(The (test|filter|lookup) plugin 'flotilla\.swarm\.\w+' failed: )?")
"""What Ansible puts before a message, which says nothing of its cause."""

Json = t.Mapping[str, t.Any]
State = t.Literal["", "changed", "would change", "failed", "unreachable"]


class Line(t.NamedTuple):
    text: str
    state: State = ""


@dataclass(frozen=True)
class Cause:
    """Why a host is lost. ``rescued`` is what it looked like at that moment: a rescue section takes the failure.

    With ``of_all`` the host only stands for the others.
    """

    host: str
    title: str
    text: str
    rescued: bool = False
    of_all: bool = False


@dataclass
class Glance:
    """Takes the events of a run, and answers each with the lines to show for it.

    What several hosts have in common is held back until the task is over. With strategy ``free`` that is the end of the step,
    because its hosts don't wait for each other.
    """

    step: str = ""
    hosts: t.Sequence[str] = ()
    lost: set[str] = field(default_factory=set)
    causes: list[Cause] = field(default_factory=list)
    _shown_steps: set[str] = field(default_factory=set)
    _is_shown: bool = False
    _is_free: bool = False
    _events: dict[tuple[State, str], list[str]] = field(default_factory=dict)
    _of_all: set[tuple[State, str]] = field(default_factory=set)

    def begin_step(self, name: str, hosts: t.Sequence[str], free: bool = False) -> list[Line]:
        """A play begins, or the next batch of its hosts."""
        lines = self.flush()
        self._is_shown = self._is_shown and name == self.step
        self.step, self.hosts, self._is_free = name, hosts, free
        return lines

    def begin_task(self) -> list[Line]:
        return [] if self._is_free else self.flush()

    def begin_host(self) -> list[Line]:
        """A host begins a task. A step that was there before is shown again only where it changes, says or loses something."""
        return [] if self.step in self._shown_steps else self._head()

    def pass_task(
        self, host: str, task: str, result: Json, checking: bool = False, is_message: bool = False, of_all: bool = False
    ) -> list[Line]:
        """A task went well; ``is_message`` says that its message is for the reader, ``of_all`` that it is not about this host alone."""
        for text in messages(result) if is_message else ():
            self._note("", text, host, of_all)
        if result.get("changed"):
            self._note("would change" if checking else "changed", task, host, of_all)
        return self._head() if self._events else []

    def fail_task(self, host: str, task: str, result: Json, rescued: bool = False, of_all: bool = False) -> list[Line]:
        self.causes.append(Cause(host, task, cause_of(result), rescued, of_all))
        if not rescued:
            self.lost.add(host)
            self._note("failed", task, host, of_all)
        return self._head()

    def lose_host(self, host: str, task: str, result: Json) -> list[Line]:
        self.causes.append(Cause(host, NO_CONNECTION, f"{_sentence(cause_of(result))}\n{CONNECTION_CURE}"))
        self.lost.add(host)
        self._note("unreachable", task, host)
        return self._head()

    def flush(self) -> list[Line]:
        """What was held back."""
        lines = [line for (state, text), hosts in self._events.items() for line in self._tell(state, text, hosts)]
        self._events.clear()
        self._of_all.clear()
        return lines

    def _head(self) -> list[Line]:
        if self._is_shown:
            return []
        self._is_shown = True
        self._shown_steps.add(self.step)
        present = [host for host in self.hosts if host not in self.lost]
        return [Line(f"{self.step:<{NAME_WIDTH}}{count_hosts(present):>12}")]

    def _note(self, state: State, text: str, host: str, of_all: bool = False) -> None:
        hosts = self._events.setdefault((state, text), [])
        if host not in hosts:
            hosts.append(host)
        if of_all:
            self._of_all.add((state, text))

    def _tell(self, state: State, text: str, hosts: list[str]) -> list[Line]:
        of_all = (state, text) in self._of_all
        if state:
            return [Line(f"  {state}  {_titled(text, [] if of_all else hosts)}", state)]
        if of_all or set(hosts) >= set(self.hosts):
            return [Line(line) for line in text.splitlines()]
        first, *more = text.splitlines() or [""]
        return [Line(f"{name_hosts(hosts)}: {first}"), *(Line(f"  {line}") for line in more)]


def end_run(
    hosts: t.Collection[str],
    failed: t.Collection[str],
    unreachable: t.Collection[str],
    causes: t.Iterable[Cause],
    changed: int | None,
    took: str,
) -> list[Line]:
    """The verdict, and below it each cause, that of several hosts once. Of all that failed, ``causes`` of others were mended by the run.

    ``changed`` is on how many hosts something did, None where that was shown.
    """
    lost = {*failed, *unreachable}
    final = _final_causes(causes, lost)
    if not lost:
        what = "" if changed is None else f", {changed or 'nothing'} changed"
        return [Line(f"{count_hosts(hosts)} ok{what}, in {took}.")]
    of_own = lost - ({cause.host for cause in final if cause.of_all} - {cause.host for cause in final if not cause.of_all})
    parts = [(set(failed) & of_own, "failed"), (set(unreachable), "can't be reached")]
    who = "; ".join(f"{name_hosts(some)} {verb}" for some, verb in parts if some)
    lines = [Line(f"{who}: {len(of_own)} of {count_hosts(hosts)}, in {took}." if who else f"The run failed, in {took}.", "failed")]
    named: dict[tuple[str, str], list[str]] = {}
    for cause in final:
        named.setdefault((cause.title, cause.text), []).extend([] if cause.of_all else [cause.host])
    for (title, text), some in named.items():
        lines += [Line(""), Line(_titled(title, some), "failed"), *(Line(f"  {line}") for line in text.splitlines())]
    return lines


def _final_causes(causes: t.Iterable[Cause], lost: set[str]) -> list[Cause]:
    """Those of each lost host that nothing mended. Where all seemed to be mended, the last one was not."""
    ours = [cause for cause in causes if cause.host in lost]
    last = {cause.host: cause for cause in ours}
    unmended = {cause.host for cause in ours if not cause.rescued}
    return [cause for cause in ours if not cause.rescued or (cause.host not in unmended and cause is last[cause.host])]


def _titled(title: str, hosts: t.Collection[str]) -> str:
    return f"{title}: {name_hosts(hosts)}" if hosts else title


def messages(result: Json) -> list[str]:
    """What module ``debug`` has for the reader, of each item of a loop."""
    if _is_hidden(result):
        return [HIDDEN]
    items = _items(result)
    if items:
        return [text for item in items if not item.get("skipped") for text in messages(item)]
    if "msg" in result:
        return [_as_text(result["msg"])]
    # What `var` shows is under its own name.
    ours = ("changed", "failed", "item", "warnings", "deprecations", "exception", "invocation")
    shown = {name: value for name, value in result.items() if not name.startswith(("_", "ansible_loop")) and name not in ours}
    return [f"{name}: {_as_text(value)}" for name, value in shown.items()]


def cause_of(result: Json) -> str:
    """The message of a failure, or those of the items that failed, each once."""
    if _is_hidden(result):
        return HIDDEN
    failed = [item for item in _items(result) if any(item.get(sign) for sign in _FAILED)]
    if failed:
        return "\n".join(dict.fromkeys(cause_of(item) for item in failed))
    text = _PREFIXES.sub("", _as_text(result.get("msg") or result.get("reason") or "It failed without a message.").strip(), count=1)
    return f"{_sentence(text)} {MORE}" if any(result.get(name) for name in _OUTPUTS) else text


def _items(result: Json) -> list[Json]:
    listed = result.get("results")
    return [item for item in listed if isinstance(item, t.Mapping)] if isinstance(listed, list) else []


def _is_hidden(result: Json) -> bool:
    return bool(result.get("_ansible_no_log")) or "censored" in result


def _as_text(value: t.Any) -> str:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return printable("\n".join(value))
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
