# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus in a real swarm: what it finds, whom it tells, and what it forgets. The tests build on each other."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.rules import RULES

from tests.scenario import ROOT, Run, Scenario, by_name, until

_scenario = Scenario(yaml.safe_load((ROOT / "molecule/monitoring/app/vars.yml").read_text()))
address, lab, look, on = _scenario.address, _scenario.lab, _scenario.look, _scenario.on
AT_ONCE = {name: {"for": "0s"} for name in RULES} | {"task_restarts": {"threshold": 0, "for": "0s"}}
# Without what only an edge has: the lab has none.
PANELS = [panel for name, panels in DASHBOARDS.items() for panel in panels if name != "edge"]
M3 = "node, = [each for each in api.nodes() if each['Description']['Hostname'] == 'm3']\n"
SILENT = {"Updates that are paused", "Answers that are errors of servers"}


def role(*arguments: str, **variables: Any) -> Run:
    return _scenario.play("site.yml", "--tags", "monitoring", *arguments, **variables)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def query(expr: str) -> list[dict[str, Any]]:
    found = get(f"http://{address('m1')}:9090/api/v1/query?{urllib.parse.urlencode({'query': expr})}")
    return list(found["data"]["result"])


def nodes(job: str) -> set[str]:
    return {each["metric"]["node"] for each in query(f'up{{job="{job}"}} == 1')}


def told(name: str, status: str = "firing") -> list[dict[str, Any]]:
    """The alerts of a rule that the receiver got."""
    alerts = get(f"http://{address('m1')}:8080/")
    return [each for each in alerts if each["labels"]["alertname"] == name and each["status"] == status]


def test_every_target_is_up_and_a_second_run_is_silent() -> None:
    assert nodes("node") == nodes("swarm") == {"m1", "m2", "m3"}
    assert {"hook", "gpu", "prometheus", "alertmanager", "blackbox", "probes"} <= {each["metric"]["job"] for each in query("up == 1")}
    run = role()
    assert run.rc == 0 and set(run.changed.values()) == {0}, run.out[-3000:]


@pytest.mark.parametrize("expr", [expr for panel in PANELS if panel.title not in SILENT for expr in panel.queries.values()])
def test_every_expression_of_a_dashboard_returns_data(expr: str) -> None:
    assert until(lambda: query(expr), expr, 60)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_loaded_without_an_error(name: str) -> None:
    groups = get(f"http://{address('m1')}:9090/api/v1/rules")["data"]["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule["name"] == name]
    assert rule["health"] == "ok", rule


def test_rules_that_wait_for_nothing_are_deployed() -> None:
    run = role(monitoring_rules=AT_ONCE)
    assert run.rc == 0, run.out[-3000:]
    assert until(lambda: query("swarm_node_up"), "the first scrape", 60)


def test_hot_and_full_gpus_are_told() -> None:
    for name in ("gpu_at_limit", "gpu_memory_full"):
        (first, *_more) = until(partial(told, name), name, 120)
        assert first["labels"]["gpu"] == "1"


def service(code: str) -> None:
    _scenario.sdk("m1", f"import docker\nservice = api.inspect_service('app_gpu')\n{code}")


def test_a_task_that_fails_is_told() -> None:
    for node in ("m1", "m2", "m3"):
        on(node, "pkill -9 -f 'http[.]server 9400' || true")  # the brackets spare the shell that runs this
    until(lambda: told("task_restarts"), "task_restarts", 60)


def test_a_service_that_lacks_tasks_and_a_paused_update_are_told() -> None:
    change = """
spec = service["Spec"]
spec["TaskTemplate"]["ContainerSpec"]["Command"] = ["false"]
spec["UpdateConfig"] = {"Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000, "Order": "stop-first"}
api._result(api._post_json(api._url("/services/{0}/update", service["ID"]), data=spec, params={"version": service["Version"]["Index"]}))
"""
    service(change)
    until(lambda: told("service_short"), "service_short", 90)
    until(lambda: told("update_paused"), "update_paused", 90)
    assert _scenario.play("playbooks/deploy.yml").rc == 0
    until(lambda: told("update_paused", "resolved"), "the end of update_paused", 120)


def test_an_address_that_does_not_answer_is_told() -> None:
    run = role(monitoring_rules=AT_ONCE, monitoring_probes=["http://hook:9999/"])
    assert run.rc == 0, run.out[-3000:]
    (first, *_more) = until(lambda: told("probe_fails"), "probe_fails", 60)
    assert first["labels"]["instance"] == "http://hook:9999/"


def with_service(name: str, act: Callable[[], object]) -> None:
    create = f"""
network = api.inspect_network("app_default")["Id"]
api.create_service({{
    "ContainerSpec": {{"Image": api.inspect_service("app_gpu")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"],
                       "Args": ["python3", "-m", "http.server", "9400"]}},
    "Networks": [{{"Target": network}}],
}}, name={name!r}, labels={{"prometheus-port": "9400"}}, endpoint_spec={{"Mode": "dnsrr"}})
"""
    _scenario.sdk("m1", create)
    try:
        act()
    finally:
        _scenario.sdk("m1", f"api.remove_service({name!r})")


def test_a_new_service_is_found_without_a_run() -> None:
    """It has a label and nothing that answers like metrics, so that it is told."""
    with_service("late", lambda: until(lambda: query('up{job="late"}'), "the target", 60))
    until(lambda: not query('up{job="late"}'), "its end", 60)


def test_a_node_that_fails_is_told_and_one_that_is_removed_is_forgotten() -> None:
    lab("stop", "--hard", "m3")
    (first, *_more) = until(lambda: told("node_down"), "node_down", 120)
    assert first["labels"]["node"] == "m3"
    until(lambda: told("quorum_without_margin"), "quorum_without_margin", 60)
    lab("start", "m3")
    until(lambda: told("node_down", "resolved"), "the end of node_down", 180)
    until(lambda: "m3" in nodes("node"), "its targets", 120)

    _scenario.sdk("m1", f"{M3}api.update_node(node['ID'], node['Version']['Index'], {{**node['Spec'], 'Role': 'worker'}})")
    until(lambda: by_name(look())["m3"]["role"] == "worker", "its new role", 60)
    _scenario.sdk("m3", "api.leave_swarm(force=True)")
    _scenario.sdk("m1", f"{M3}api.remove_node(node['ID'], force=True)")
    until(lambda: not query('swarm_node_up{node="m3"}') and not query('ALERTS{alertstate="firing",node="m3"}'), "its end", 60)


def test_a_node_that_joins_is_scraped_without_a_run_of_the_role() -> None:
    run = _scenario.play("site.yml", "--tags", "swarm")
    assert run.rc == 0, run.out[-3000:]
    until(lambda: "m3" in nodes("node") and "m3" in nodes("swarm"), "its targets", 180)


def test_what_is_wrong_is_refused_before_any_host_is_asked() -> None:
    run = _scenario.play("playbooks/check.yml", monitoring_rules={"own": {"expr": "sum(up"}})
    assert run.rc != 0 and "monitoring_rules.own.expr has ( that nothing closes" in run.out


def modes() -> dict[str, Any]:
    return {name: each["spec"]["Mode"] for name, each in look()["services"].items()}


def accept(folder: Path, **variables: Any) -> tuple[Run, dict[str, Any]]:
    given = {"confirm": "lab", "acceptance_file": str(folder / "report.json"), "backup_directory": str(folder / "backups"), **variables}
    run = _scenario.play("playbooks/acceptance.yml", **given)
    return run, json.loads((folder / "report.json").read_text())


def test_the_swarm_is_accepted_when_every_step_was_tried_and_put_back(tmp_path: Path) -> None:
    before = modes()
    run, told = accept(tmp_path, acceptance_service="app_gpu", acceptance_node="m3")
    assert run.rc == 0 and told["verdict"] == "accepted", run.out[-6000:]
    states = {row["step"]: row["state"] for row in told["steps"]}
    assert states.pop("edge") == "not asked" and set(states.values()) <= {"passed", "warning"}, told
    # Services whose tasks the tests before killed are a warning.
    assert all(states[step] == "passed" for step in ("nodes", "network", "alerts", "scale", "drain", "restart", "backup")), told
    alerts = get(f"http://{address('m1')}:8080/")
    assert [each for each in alerts if each["labels"]["alertname"].startswith("acceptance_test_")]
    assert modes() == before and by_name(look())["m3"]["availability"] == "active" and list((tmp_path / "backups").iterdir())


def test_an_alert_that_nobody_takes_is_told(tmp_path: Path) -> None:
    """Its receiver is gone, which nothing after this needs."""
    _scenario.sdk("m1", "api.remove_service('app_hook')")
    run, told = accept(tmp_path, acceptance_steps="alerts", acceptance_timeout=30)
    assert run.rc != 0 and told["verdict"] == "rejected", run.out[-3000:]
    assert "did not arrive: webhook refused" in told["findings"][0]["text"], told


def test_teardown_leaves_nothing() -> None:
    run = _scenario.play("playbooks/teardown.yml", confirm="lab", teardown_variant="clean_slate", stacks_present=[], registry_stack="")
    assert run.rc == 0, run.out[-3000:]
    seen = look()
    assert not [name for kind in ("services", "configs", "secrets", "networks", "volumes") for name in seen[kind] if "monitoring" in name]
