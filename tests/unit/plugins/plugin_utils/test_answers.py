# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers that somebody took over: none of it ends a run in anything but a sentence with the host's name in it."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.flotilla.swarm.plugins.filter import meant_cluster, rolling, status_table
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.answers import LONGEST, AnswerError, printable, read_answer
from ansible_collections.flotilla.swarm.plugins.plugin_utils.asking import find_documented
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import Limits as HealthLimits
from ansible_collections.flotilla.swarm.plugins.plugin_utils.health import judge_health
from ansible_collections.flotilla.swarm.plugins.plugin_utils.host_answers import read_answers
from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight import Limits, find_faults, summarise
from ansible_collections.flotilla.swarm.plugins.plugin_utils.preflight_ports import plan_ring
from hypothesis import given, settings
from hypothesis import strategies as st

MODULES = sorted(path.stem for path in (Path(__file__).parents[4] / "plugins/modules").glob("*.py"))
TEMPLATE = "{{ lookup('pipe', 'touch /tmp/taken') }}"
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([TEMPLATE, "\x1b]0;x\x07", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_WORDS = "m1 active unreachable 80/tcp 80/ / 10.0.0.1 10.0.0.1/8 fe80::1%x 20.10 ready".split()
TEXTS = st.sampled_from(["", *_WORDS, "\x1b[2J", TEMPLATE])


def answers_of(documented: Any, prefix: str = "") -> st.SearchStrategy[dict[str, Any]]:
    """Any answer that has the documented form."""
    default = "success" if prefix else ""
    always = {name: about for name, about in documented.items() if about.get("returned", default) in ("success", "always")}
    return st.fixed_dictionaries(
        {name: value_of(about) for name, about in always.items()},
        optional={name: value_of(about) for name, about in documented.items() if name not in always},
    )


def value_of(about: Any) -> st.SearchStrategy[Any]:
    kind = about.get("type", "raw")
    plain: dict[str, Any] = {"str": TEXTS, "int": st.integers(-1, 2**70), "float": st.floats(-1e9, 1e299), "bool": st.booleans()}
    if kind in plain:
        found: Any = plain[kind]
    elif kind == "dict":
        found = answers_of(about["contains"], "x") if "contains" in about else st.dictionaries(TEXTS, JUNK, max_size=3)
        found = found | st.just({}) if "Empty " in str(about.get("description")) else found
    elif kind == "list":
        form = {"contains": about["contains"]} if "contains" in about else {}
        found = st.lists(value_of({"type": about.get("elements", "raw"), **form}), max_size=3)
    else:
        found = JUNK
    if "V(null)" in str(about.get("description")):
        found = found | st.none()
    return t.cast("st.SearchStrategy[Any]", found)


def of(module: str) -> st.SearchStrategy[Any]:
    """What a module answers, as its action hands it on; or how it failed."""
    documented = find_documented(module)
    assert documented is not None
    sound = answers_of(documented).map(lambda answer: read_answer(module, documented, answer, "w1"))
    return sound | st.sampled_from([{"failed": True, "msg": "sudo: \x1b"}, {"unreachable": True, "msg": 5}, {"failed": True}, {}])


def by_host(module: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"m1": of(module), "w1": of(module)})


@pytest.mark.parametrize("module", MODULES)
@settings(max_examples=30)
@given(st.data())
def test_any_answer_is_read_or_refused_with_the_host_s_name(module: str, data: st.DataObject) -> None:
    documented = find_documented(f"flotilla.swarm.{module}")
    assert documented is not None
    answer = data.draw(JUNK | st.dictionaries(st.sampled_from(["changed", "plan", "failed", "msg", "ansible_facts", *documented]), JUNK))
    try:
        read = read_answer(module, documented, answer, "w1")
    except AnswerError as error:
        assert "w1" in str(error) and str(error).isprintable()
    else:
        assert set(read.get("ansible_facts", {})) <= set(documented.get("ansible_facts", {}).get("contains", {}))
        shown = {name: value for name, value in read.items() if name not in ("stdout", "stderr", "logs", "session")}
        json.dumps(shown, ensure_ascii=False).encode()
        assert "\x1b" not in str(list(texts_of(shown)))


def texts_of(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    for inner in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from texts_of(inner)


MISFITS: list[tuple[str, Any, str]] = [
    ("path_info", [1], r"it is \[1\] \(list\), expected a mapping"),
    ("path_info", {"present": "x", "missing": []}, r"present is 'x' \(str\), expected a list"),
    ("path_info", {"present": [], "missing": [1]}, r"missing\[0\] is 1 \(int\), expected a text"),
    ("path_info", {"present": []}, "missing is missing"),
    ("path_info", {"present": ["x" * (LONGEST + 1)], "missing": []}, r"present\[0\] is a text of \d+ characters, expected at most"),
    ("task_stats", {"node": "w1", "tasks": [{"service": 1}]}, r"tasks\[0\].service is 1 \(int\), expected a text, and \d+ more such"),
    ("path_info", {"present": [], "missing": [], "changed": "\x1b[2J"}, r"changed is '\\x1b\[2J' \(str\), expected true or false"),
    ("image", {"images": [], "plan": [{"kind": "image"}]}, "plan.0..name is missing"),
]


@pytest.mark.parametrize(("module", "answer", "words"), MISFITS)
def test_a_misfit_is_told_with_its_place_what_it_is_and_what_was_expected(module: str, answer: Any, words: str) -> None:
    with pytest.raises(AnswerError) as caught:
        read_answer(module, find_documented(module) or {}, answer, "w1")
    assert re.search(words, str(caught.value)) and str(caught.value).startswith("reading what w1 answers"), caught.value


def test_what_a_module_documents_under_a_name_of_all_has_the_form_that_it_says() -> None:
    documented = find_documented("daemon_config") or {}
    answer = {"plan": [], "cost": "nothing", "pending": "nothing", "in_swarm": False, "changed": False}
    assert read_answer("daemon_config", documented, answer, "w1")["pending"] == "nothing"
    with pytest.raises(AnswerError, match="pending is 7"):
        read_answer("daemon_config", documented, {**answer, "pending": 7}, "w1")


def test_what_no_module_says_is_dropped() -> None:
    told = {"present": [], "missing": [], "changed": False}
    found = {"discovered_interpreter_python": "/usr/bin/python3"}
    evil = {"add_host": {"host_name": "x"}, "ansible_stats": {}, "ansible_facts": {**found, "ansible_connection": "local"}}
    assert read_answer("path_info", find_documented("path_info") or {}, {**told, **evil}, "w1") == {**told, "ansible_facts": found}


def test_a_terminal_gets_no_orders() -> None:
    assert printable("red \x1b[31mword\x1b[0m, \x1b]0;title\x07\r\n\ttab \x9b2J \u202egnal\ud800 ü") == (
        "red word, \\x1b]0;title\\x07\\r\n\ttab \\x9b2J \\u202egnal\\ud800 ü"
    )


def test_warnings_of_newer_cores_are_made_printable_too() -> None:
    @dataclasses.dataclass(frozen=True)
    class Warning_:
        text: str

    read = read_answer("path_info", {}, {"warnings": [Warning_("\x1b]0;x\x07")]}, "w1")
    assert read["warnings"] == [Warning_("\\x1b]0;x\\x07")]


def test_output_of_containers_stays_as_it_is_for_those_who_read_it() -> None:
    assert read_answer("task_exec", {"stdout": {"type": "str"}}, {"stdout": "\x1b[31mred"}, "w1") == {"stdout": "\x1b[31mred"}


@settings(max_examples=150, deadline=None)
@given(results=by_host("host_info"), ports=by_host("port_probe"))
def test_preflight_reports_whatever_hosts_say(results: Any, ports: Any) -> None:
    limits = Limits((1, 3), {"debian": ["13"]}, 1000, 1000, 5.0)
    faults = find_faults(results, ["m1"], ["w1"], limits, 1000.0, ports)
    for when in ("auto", "always"):
        plan_ring(results, 4789, when, ["m1"])
    summarise([dataclasses.asdict(fault) for fault in faults], ["m1", "w1"], True)


@settings(max_examples=150, deadline=None)
@given(hosts_=by_host("health_info"), cluster=of("swarm_info"), services=of("stack_info"), overlay=by_host("overlay_probe"))
def test_health_judges_whatever_hosts_say(hosts_: Any, cluster: Any, services: Any, overlay: Any) -> None:
    ends = {name: result for name, result in overlay.items() if "networks" in result}
    judge_health(hosts_, cluster, services.get("services", []), HealthLimits(100, 10.0), ends)


@settings(max_examples=150, deadline=None)
@given(own=of("swarm_info"), answers=st.lists(of("swarm_info"), max_size=3))
def test_turns_and_managers_are_chosen_whatever_hosts_say(own: Any, answers: Any) -> None:
    told = [{**answer, "item": f"m{number}"} for number, answer in enumerate(answers)]
    read_answers(told)
    try:
        meant_cluster.meant_cluster(told)
    except Exception as error:
        assert "different swarms" in str(error)
    if "state" in own:
        rolling.rolling_member(own, told, "w1", "mark")
    for view in told:
        status_table.status_table(view.get("nodes") or [], ["hostname", "labels"], 40, True)


def test_a_session_that_is_none_ends_the_run() -> None:
    with pytest.raises(FlotillaError, match="session is 5"):
        read_answer("stack", {}, {"session": 5, "pending": True}, "m1")
