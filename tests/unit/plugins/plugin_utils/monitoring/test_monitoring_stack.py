# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before anything is deployed, and the stack that is made of the rest."""

from __future__ import annotations

import base64
import json
import re
import typing as t

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS, dashboard
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.problems import SERVICES, find_in_rule_files, find_problems
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.promql import find_wrong
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.settings import IMAGES, Settings
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.stack import Stack, monitoring_stack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.targets import expected_targets, judge_targets
from hypothesis import given
from hypothesis import strategies as st

Json = dict[str, t.Any]
GRAFANA = {"admin_password": "hunter2"}
EVERYTHING: Json = {
    "networks": ["app_default", "edge"],
    "engines_port": 9323,
    "gpu_constraint": "node.labels.gpu == true",
    "probes": ["https://example.org/"],
    "portainer": {"enabled": True, "admin_password": "long enough to take"},
    "containers": "cadvisor",
    "prometheus": {"remote_write": [{"url": "https://u:hunter3@metrics/"}], "retention_size": "20GB"},
    "alertmanager": {"receivers": [{"name": "ops", "webhook_configs": [{"url": "https://hooks/hunter4"}]}]},
}


def settings(**given: t.Any) -> Settings:
    return Settings.of({"stack": "monitoring", "grafana": GRAFANA, **given})


def made(**given: t.Any) -> Stack:
    return monitoring_stack(settings(**given), "print('$HOME')")


def scraped(**given: t.Any) -> Json:
    return dict(yaml.safe_load(made(**given).secrets["PROMETHEUS_YML"]))


def told(**given: t.Any) -> list[str]:
    return [f"{each.variable} {'.'.join(map(str, each.path))}: {each.text}. {each.cure}" for each in find_problems(settings(**given))]


def test_what_is_right_is_silent() -> None:
    assert told() == [] and told(**EVERYTHING) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"rules": {"node_dwn": {}}}, "rules node_dwn: is no rule of the role, and has no expr to be one of your own. Write node_down"),
        ({"rules": {"node_dwn": None}}, "rules node_dwn: removes a rule that does not exist. Write node_down"),
        ({"rules": {"node_down": True}}, "rules node_down: is True, expected a mapping, or null to remove the rule."),
        ({"rules": {"node_down": {"severty": "x"}}}, "rules node_down.severty: is nothing that can be said of a rule. Write severity"),
        ({"rules": {"own": {"expr": "sum(up"}}}, "rules own.expr: has ( that nothing closes. Close it with )"),
        ({"rules": {"disk_fills": {"threshold": "much"}}}, "rules disk_fills.threshold: is 'much', expected a number."),
        ({"rules": {"node_down": {"threshold": 1}}}, "rules node_down.threshold: is given, but the expression of the rule has no $thresh"),
        ({"rules": {"node_down": {"for": "5 minutes"}}}, "rules node_down.for: is '5 minutes', expected a duration such as 5m."),
        (
            {"alertmanager": {"receivers": [{"name": "ops"}], "route": {"routes": [{"receiver": "opps"}]}}},
            "alertmanager route.routes.0.receiver: is opps, which no receiver is called. Write ops",
        ),
        ({"alertmanager": {"route": {"receiver": "ops"}}}, "alertmanager route.receiver: is ops, which no receiver is called. Add it"),
        ({"alertmanager": {"receivers": [{}]}}, "alertmanager receivers.0: has no name."),
        ({"alertmanager": {"receivers": [{"name": "a"}, {"name": "a"}]}}, "alertmanager receivers.1.name: is a, which another receiver"),
        ({"prometheus": {"retention": "a month"}}, "prometheus retention: is 'a month', expected a duration such as 30s or 15d."),
        ({"prometheus": {"retention_size": "20 gigs"}}, "prometheus retention_size: is '20 gigs', expected a size such as 20GB."),
        ({"prometheus": {"remote_write": [{}]}}, "prometheus remote_write.0: has no url with http:// or https://."),
        ({"scrape": [{"job_name": "tasks"}]}, "scrape 0.job_name: is tasks, which another job is called. Take another name"),
        ({"scrape": [{}]}, "scrape 0: has no job_name."),
        ({"port_label": "prometheus_port"}, "port_label : is 'prometheus_port', expected the name of a label that ends with -port."),
        ({"probes": ["example.org"]}, "probes 0: is 'example.org', expected an address with http:// or https://."),
        ({"networks": ["monitoring_default"]}, "networks 0: is monitoring_default, which the stack makes itself. Remove it"),
        ({"grafana": {}}, "grafana admin_password: is empty, and Grafana would take admin for it."),
        ({"portainer": {"enabled": True, "admin_password": "short"}}, "portainer admin_password: has 5 characters, and Portainer"),
        ({"overrides": {"services": {"grafna": {"user": "x"}}}}, "overrides services.grafna: is no service of the role, and has no image"),
    ],
)
def test_what_is_wrong_is_told_with_its_cure(variables: Json, words: str) -> None:
    (found,) = told(**variables)
    assert found.startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("groups: [", "is /r.yml, which is no YAML"),
        ("[]", "is /r.yml, which has no list 'groups'"),
        ("groups: [{name: a, rules: [{alert: Own, expr: 'up =='}]}]", "is /r.yml, where the expression of Own has == with nothing"),
    ],
)
def test_a_rule_file_with_a_mistake_is_told(text: str, words: str) -> None:
    (problem,) = find_in_rule_files([text], ["/r.yml"])
    assert problem.text.startswith(words)


@pytest.mark.parametrize("given", [{}, EVERYTHING, {"node_exporter": "host", "containers": "none", "grafana": {"enabled": False}}])
def test_the_stack_is_one_that_the_collection_deploys(given: Json) -> None:
    stack = made(**given)
    loaded = load_stack(content=yaml.safe_dump(stack.model), env=stack.secrets)
    objects = convert("monitoring", loaded.model, content_names=True)
    assert {service["Name"] for service in objects.services} == {f"monitoring_{name}" for name in stack.model["services"]}


def test_no_dollar_of_a_rule_is_a_variable_of_the_stack() -> None:
    stack = made()
    loaded = load_stack(content=yaml.safe_dump(stack.model), env=stack.secrets)
    configs = {name: base64.b64decode(config["content"]).decode() for name, config in loaded.model["configs"].items()}
    assert "Node {{ $labels.node }} is down" in configs["rules_0"]
    assert configs["exporter"] == "print('$HOME')"


def test_what_is_secret_is_in_secrets_alone() -> None:
    stack = made(**EVERYTHING)
    for secret in ("hunter2", "hunter3", "hunter4", "long enough to take"):
        assert secret not in json.dumps(stack.model)
        assert secret in json.dumps(stack.secrets)


def test_services_are_those_that_overrides_may_name() -> None:
    known = {*made(**EVERYTHING).model["services"], *made(probes=["http://a"]).model["services"]}
    assert known == set(SERVICES)
    assert set(IMAGES) == {*SERVICES, "node_exporter"} - {"node"}


@pytest.mark.parametrize("address", ["10.0.1.5:80", "10.0.1.5:9000"])
def test_a_labelled_task_is_scraped_at_its_port_in_one_network(address: str) -> None:
    target = {
        "__address__": address,
        "__meta_dockerswarm_network_name": "app_default",
        "__meta_dockerswarm_service_name": "app_web",
        "__meta_dockerswarm_service_label_prometheus_port": "9000",
        "__meta_dockerswarm_service_label_prometheus_path": "/own",
        "__meta_dockerswarm_task_desired_state": "running",
        "__meta_dockerswarm_task_state": "running",
        "__meta_dockerswarm_task_slot": "2",
        "__meta_dockerswarm_node_hostname": "w1",
    }
    job = next(job for job in scraped(networks=["app_default", "edge"])["scrape_configs"] if job["job_name"] == "tasks")
    found = relabelled(job["relabel_configs"], target)
    assert found and found["__address__"] == "10.0.1.5:9000" and found["__metrics_path__"] == "/own"
    assert (found["job"], found["instance"], found["node"]) == ("app_web", "app_web.2", "w1")
    assert relabelled(job["relabel_configs"], {**target, "__meta_dockerswarm_service_label_prometheus_network": "edge"}) is None
    assert relabelled(job["relabel_configs"], {**target, "__meta_dockerswarm_network_name": "other"}) is None
    assert relabelled(job["relabel_configs"], {**target, "__meta_dockerswarm_task_desired_state": "shutdown"}) is None
    del target["__meta_dockerswarm_service_label_prometheus_port"]
    assert relabelled(job["relabel_configs"], target) is None


def test_a_node_is_scraped_at_its_own_address() -> None:
    job = next(job for job in scraped(engines_port=9323)["scrape_configs"] if job["job_name"] == "engine")
    leader = {
        "__address__": "0.0.0.0:9323",
        "__meta_dockerswarm_node_manager_address": "10.9.0.1:2377",
        "__meta_dockerswarm_node_status": "ready",
        "__meta_dockerswarm_node_hostname": "m1",
    }
    found = relabelled(job["relabel_configs"], leader)
    assert found and (found["__address__"], found["instance"]) == ("10.9.0.1:9323", "m1")
    assert relabelled(job["relabel_configs"], {**leader, "__meta_dockerswarm_node_status": "down"}) is None


def relabelled(rules: list[Json], labels: dict[str, str]) -> dict[str, str] | None:
    """What Prometheus makes of a target by its documentation, for the actions that are used here."""
    labels = dict(labels)
    for rule in rules:
        value = ";".join(labels.get(name, "") for name in rule.get("source_labels", []))
        found = re.fullmatch(rule.get("regex", "(.*)"), value)
        action = rule.get("action", "replace")
        if action == "keep" and not found:
            return None
        if action == "keepequal" and value != labels.get(rule["target_label"], ""):
            return None
        if action == "replace" and found:
            labels[rule["target_label"]] = found.expand(rule.get("replacement", "$1").replace("$", "\\"))
    return labels


def test_overrides_are_merged_and_null_removes() -> None:
    model = made(overrides={"services": {"grafana": None, "node": {"user": "$me", "volumes": []}}, "x-own": 1}).model
    assert "grafana" not in model["services"]
    assert model["services"]["node"]["volumes"] == [] and model["services"]["node"]["image"] == IMAGES["node_exporter"]
    assert model["services"]["node"]["user"] == "$$me" and model["x-own"] == 1


@given(st.dictionaries(st.sampled_from(["prometheus", "alertmanager", "node", "grafana"]), st.none() | st.just({"user": "x"})))
def test_overrides_touch_only_what_they_name(services: Json) -> None:
    before, after = made().model["services"], made(overrides={"services": services}).model["services"]
    for name, service in before.items():
        if name not in services:
            assert after[name] == service
        elif services[name] is None:
            assert name not in after
        else:
            assert after[name] == {**service, "user": "x"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboards_are_whole(name: str) -> None:
    panels = dashboard(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == len({str(panel["gridPos"]) for panel in panels})
    for panel in panels:
        for target in panel["targets"]:
            assert find_wrong(target["expr"]) is None


def test_a_stack_without_receivers_tells_nobody() -> None:
    config = yaml.safe_load(made().secrets["ALERTMANAGER_YML"])
    assert config["receivers"] == [{"name": config["route"]["receiver"]}]


def answer(*targets: tuple[str, str, str]) -> str:
    active = [
        {"labels": {"job": job, "instance": "w1"}, "health": health, "lastError": error, "scrapeUrl": "http://10.0.0.2:1/metrics"}
        for job, health, error in targets
    ]
    return json.dumps({"data": {"activeTargets": active}})


@pytest.mark.parametrize(
    ("said", "ready", "words"),
    [
        (answer(("node", "up", "")), True, "Prometheus scrapes 1 targets"),
        (answer(("node", "down", "refused")), False, "w1 of node (http://10.0.0.2:1/metrics) is down: refused"),
        (answer(("node", "unknown", "")), False, "w1 of node (http://10.0.0.2:1/metrics) has not been scraped yet"),
        (answer(), False, "node: Prometheus has found 0 of 1 targets"),
        ("", False, "Prometheus does not answer"),
        ("<urlopen error refused>", False, "Prometheus does not answer: <urlopen error refused>"),
        ("[]", False, "Prometheus does not answer: []"),
    ],
)
def test_targets_are_judged(said: str, ready: bool, words: str) -> None:
    assert judge_targets(said, {"node": 1}) == (ready, words)


def test_many_targets_that_are_down_are_counted() -> None:
    assert judge_targets(answer(*[("node", "down", "x")] * 8), {}).text.endswith("; and 3 more")


def test_each_running_task_is_expected() -> None:
    services = [{"name": "monitoring_node", "running": 4}, {"name": "monitoring_exporter", "running": 4}]
    expected = expected_targets(made().model, services, "monitoring", "prometheus")
    assert expected == {"swarm": 4, "node": 4, "prometheus": 0, "alertmanager": 0, "grafana": 0}
