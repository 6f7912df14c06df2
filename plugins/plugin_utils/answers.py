# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers, read as what a stranger says: of the form that the module's documentation promises, and fit to be printed. Pure.

The Python of a host, or what stands between, may answer anything. What is wrong about one host must not end the run of all others with a
message about a filter, reach the terminal as an order to it, or become a fact.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..module_utils.errors import FlotillaError
from ..module_utils.plan import SIGNS

Documented = t.Mapping[str, t.Mapping[str, t.Any]]

LONGEST = 2**23
"""Characters of one text. What containers and commands wrote is kept below that."""
SHOWN = 60

_ALWAYS = ("success", "always")
# How the documentation says that a value may not be there.
_NULL, _EMPTY = "V(null)", "Empty "
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
}
_NAMES = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list", "dict": "a mapping"}
# What Ansible and our runner add to what a module returns.
_COMMON: Documented = {
    "changed": {"type": "bool"},
    "plan": {
        "type": "list",
        "elements": "dict",
        "contains": {
            **{name: {"type": "str"} for name in ("kind", "name", "reason", "cost")},
            "action": {"type": "str", "choices": list(SIGNS)},
            "fields": {"type": "list", "elements": "dict", "contains": {"path": {"type": "str"}, "before": {}, "after": {}}},
        },
    },
    "session": {"type": "dict"},
    "progress": {"type": "dict"},
    "pending": {"type": "bool"},
    **{
        name: {}
        for name in (
            *("failed", "msg", "diff", "warnings", "deprecations", "invocation", "applied", "undone", "rival", "locked_key", "rc"),
            *("stranded", "unpulled"),
            *("skipped", "skip_reason", "exception", "unreachable", "module_stdout", "module_stderr"),
            *("ansible_job_id", "started", "finished", "results_file"),
        )
    },
}
_MADE_HERE = ("summary",)
"""What the action adds, where the module does not."""
_VERBATIM = ("stdout", "stderr", "logs", "session")
"""What containers wrote is for files and programs too, and a session is for the next call; who shows them makes them printable."""
# Characters that order a terminal about, or let a line read as another one, and halves of characters, which can't be written at all.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class AnswerError(FlotillaError):
    """A host answers otherwise than the module does that was sent to it."""


def printable(text: str) -> str:
    """The text without colours, and with what a terminal would obey written as Python writes it; lines and tabs stay."""
    if not _UNPRINTABLE.search(text):
        return text
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), _COLOUR.sub("", text))


def read_answer(module: str, documented: Documented, answer: t.Any, host: str) -> dict[str, t.Any]:
    """The answer of a module, of its documented form and printable. Raises AnswerError, which names the host.

    ``documented`` are its return values. What is in none of them is dropped, facts above all. A failure has no form, and neither has the
    answer of a task that goes on in the background.
    """
    doing = f"reading what {host} answers to {module}"
    cure = f"Look at the Python of {host}, and at what else runs there: the module does not answer so"
    if not isinstance(answer, dict):
        raise AnswerError(f"it is {_show(answer)}, expected a mapping", cure, doing)
    known = {name: value for name, value in answer.items() if _is_known(name, documented)}
    if "ansible_facts" in answer:
        known["ansible_facts"] = _read_facts(answer["ansible_facts"], documented.get("ansible_facts", {}).get("contains", {}))
    failed = known.get("failed") or known.get("unreachable") or known.get("skipped")
    # What a module documents itself under a name of all is its own: what is pending of daemon.json is a text.
    forms = {**documented, **_COMMON, "pending": documented.get("pending", _COMMON["pending"])}
    misfits = [] if failed or "ansible_job_id" in known else list(_misfits("", forms, known))
    if misfits:
        more = f", and {len(misfits) - 1} more such things" if len(misfits) > 1 else ""
        raise AnswerError(f"{misfits[0]}{more}", cure, doing)
    if failed and not isinstance(known.get("msg", ""), str):
        known["msg"] = str(known["msg"])
    return {name: value if name in _VERBATIM and not failed else _clean(value) for name, value in known.items()}


def _is_known(name: t.Any, documented: Documented) -> bool:
    return isinstance(name, str) and (name in documented or name in _COMMON or name.startswith("_ansible_"))


def _read_facts(facts: t.Any, documented: Documented) -> dict[str, t.Any]:
    """Those that the module documents, and what Ansible found out by itself on the way: where the Python is."""
    found = facts if isinstance(facts, dict) else {}
    return {name: value for name, value in found.items() if name in documented or str(name).startswith("discovered_interpreter_")}


def _misfits(path: str, documented: Documented, value: t.Mapping[t.Any, t.Any]) -> t.Iterator[str]:
    for name, about in documented.items():
        place = f"{path}.{name}" if path else name
        if name in value:
            yield from _misfits_of_one(place, about, value[name])
        elif about.get("returned", "success" if path else "") in _ALWAYS and not value.get("pending") and name not in _MADE_HERE:
            yield f"{place} is missing"


def _misfits_of_one(path: str, about: t.Mapping[str, t.Any], value: t.Any) -> t.Iterator[str]:
    kind = about.get("type", "raw")
    if kind not in _TYPES or (value is None and _NULL in str(about.get("description"))):
        return
    if not _is_of(kind, value):
        yield f"{path} is {_show(value)}, expected {_NAMES[kind]}"
    elif "choices" in about and value not in about["choices"]:
        yield f"{path} is {_show(value)}, expected one of {', '.join(about['choices'])}"
    elif kind == "str" and len(value) > LONGEST:
        yield f"{path} is a text of {len(value)} characters, expected at most {LONGEST}"
    elif kind == "float" and not abs(value) < 1e300:
        yield f"{path} is {value}, expected a number"
    elif kind == "dict" and "contains" in about and (value or _EMPTY not in str(about.get("description"))):
        yield from _misfits(path, about["contains"], value)
    elif kind == "list":
        element = {"type": about.get("elements", "raw"), "contains": about.get("contains", {})}
        for number, item in enumerate(value):
            yield from _misfits_of_one(f"{path}[{number}]", element, item)


def _is_of(kind: str, value: t.Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def _show(value: t.Any) -> str:
    text = printable(repr(value))
    return f"{text if len(text) <= SHOWN else f'{text[:SHOWN]}…'} ({type(value).__name__})"


def _clean(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):  # a warning of ansible-core 2.19
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.init}
        return dataclasses.replace(value, **_clean(fields))
    return value
