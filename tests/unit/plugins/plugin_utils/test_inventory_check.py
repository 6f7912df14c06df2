# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in an inventory: by tables of variables and groups, without Ansible."""

from __future__ import annotations

import base64
import typing as t
from functools import partial

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.fault import FAULT, WARNING
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_check import find_empty, find_faults, find_given
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_model import LATER, Finding, Inventory, said
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_report import Report, as_text
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import fill_in, words_in_templates
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_check import see_stack, stacks_of

GROUPS = {"all": ["m1", "w1", "w2", "x1"], "swarm_managers": ["m1"], "swarm_workers": ["w1", "w2"], "gpu_nodes": []}
Json = dict[str, t.Any]


class Undecryptable:
    """What Ansible has in the place of a text that no password opens."""


def template(host: str, value: t.Any) -> t.Any:
    """Stands in for Ansible's templates."""
    if isinstance(value, Undecryptable):
        raise ValueError("Attempt to use undecryptable variable: Attempting to decrypt but no vault secrets found.")
    if "fact" in value:
        raise ValueError("Error rendering template: 'ansible_memtotal_mb' is undefined")
    if "nothing" in value:
        raise ValueError("Error rendering template: 'nothing' is undefined")
    if "lookup" in value:
        raise ValueError("The lookup plugin 'file' failed: no such file: https://u:hunter2@host/x.")
    return {"{{ host }}": host, "{{ many }}": ["a", "b"]}.get(value, value)


def inventory(groups: t.Mapping[str, t.Sequence[str]] | None = None, given: t.Collection[str] = (), **variables: t.Any) -> Inventory:
    groups = {**GROUPS, **(groups or {})}
    raw = dict.fromkeys(groups["all"], variables)
    found = Inventory(groups, fill_in(raw, template), words_in_templates(raw), (), given)
    models: dict[str, Json] = {stack["name"]: stack.get("content") for stack in variables.get("stacks_present", [])}
    stacks = [see_stack(each, partial(_loaded, models[each.options["name"]])) for each in stacks_of(found.all_of("stacks_present"))]
    return found.with_stacks(stacks)


def _loaded(model: Json, _env: t.Any, _absent: t.Any) -> LoadedStack:
    return LoadedStack(model)


def told(findings: t.Iterable[Finding], level: str = FAULT) -> list[str]:
    return [said(finding) for finding in findings if finding.level == level]


def stack(**service: t.Any) -> Json:
    networks = {name: {"external": True, "name": name} for name in service.get("networks", {})}
    content = {"services": {"web": {"image": "app:1", **service}}, "networks": networks}
    return {"name": "site", "content": content}


PROMETHEUS = {"image": "registry.example.com:5000/prom/prometheus:v3@sha256:" + "a" * 64}


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("10.0.0.5:9323", stack(**PROMETHEUS)),
        ("", stack(**PROMETHEUS)),
        ("127.0.0.1:9323", stack()),
        ("127.0.0.1:9323", stack(**PROMETHEUS, networks={"host": None})),
        ("localhost:9323", {**stack(**PROMETHEUS), "silence": ["metrics_address:site_w*"]}),
    ],
)
def test_metrics_that_tasks_reach_or_that_nobody_looks_for_are_no_warning(address: str, given: Json) -> None:
    found = told(find_faults(inventory(engine_metrics_address=address, stacks_present=[given])), WARNING)
    assert not [text for text in found if "metrics" in text]


def test_a_registry_that_a_stack_publishes_is_there() -> None:
    own = {"name": "own", "content": {"services": {"images": {"image": "registry:2", "ports": [{"target": 5000, "published": 5001}]}}}}
    found = told(find_faults(inventory(stacks_present=[own, stack(image="localhost:5001/a:1")])), WARNING)
    assert not [text for text in found if "registry" in text]


def test_what_is_right_is_silent() -> None:
    right: dict[str, t.Any] = {
        "nodes_labels": {"w1": {"web": True}},
        "nodes_label_policies": {"exactly_one": ["web"]},
        "networks_present": [{"name": "front"}],
        "volumes_present": [{"name": "media"}],
        "stacks_present": [
            stack(
                image="127.0.0.1:5000/a:1",
                build={"context": "/a"},
                networks={"front": None},
                deploy={"placement": {"constraints": ["node.labels.web == true"]}},
            )
        ],
        "images_builder": "localhost",
        "images_from_stacks": ["site"],
        "registry_stack": "registry",
        "registry_login": "{{ nowhere }}",
        "own": 1,
    }
    assert find_faults(inventory(**right)) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"nodes_labels": {"w3": {}}}, "nodes_labels.w3 is not a host of the inventory. Its hosts are m1, w1, w2 and 1 more."),
        ({"nodes_labels": {"x1": {}}}, "nodes_labels.x1 is in neither swarm_managers nor swarm_workers. Put the host into one of them"),
        ({"nodes_labels": {"w1": {"flotilla.a": 1}}}, "nodes_labels.w1.flotilla.a begins with flotilla., which is reserved"),
        ({"nodes_availability": {"w9w": "drain"}}, "nodes_availability.w9w is not a host of the inventory."),
        (
            {"nodes_labels": {"w1": {"a": 1, "b": 1}}, "nodes_label_policies": {"at_most_one_of": [["a", "b"]]}},
            "nodes_label_policies.at_most_one_of[0] allows one of a, b, and nodes_labels gives w1 a and b. Take all but one from w1.",
        ),
        (
            {"nodes_labels": {"w1": {"a": 1}, "w2": {"a": "x"}}, "nodes_label_policies": {"exactly_one": ["a"]}},
            "nodes_label_policies.exactly_one[0] wants a on one node, but nodes_labels gives it to w1 and w2. Take it from all but one.",
        ),
        ({"networks_present": [{"name": "a"}, {"name": "a"}]}, "networks_present[1] is a, as item 0 is. Keep one of them."),
        (
            {"networks_present": [{"name": "a"}], "networks_absent": "b, a"},
            "networks_present[0] must exist, but networks_absent removes a.",
        ),
        ({"nodes_absent": ["w1"]}, "nodes_absent[0] removes w1, which is in swarm_managers or swarm_workers. Take the host out"),
        (
            {"firewall_enabled": "yes", "swarm_data_path_port": 4790},
            "firewall_data_path_port is 4789, and swarm_data_path_port is 4790. Give both the same port.",
        ),
        ({"registry_stack": "r", "registry_port": 5001}, "registry_address is 127.0.0.1:5000, and registry_port is 5001. Give both"),
        (
            {"registry_stack": "r", "registry_port_mode": "host"},
            "registry_address is 127.0.0.1:5000, and registry_port_mode is host, so",
        ),
        (
            {"engine_daemon_config": {"live-restore": True}},
            "engine_daemon_config.live-restore is on, which an engine in a swarm can't use.",
        ),
        (
            {"engine_daemon_config": {"metrics-addr": "a:1"}, "engine_metrics_address": "b:1"},
            "engine_daemon_config.metrics-addr and engine_metrics_address differ. Keep one of them.",
        ),
        (
            {
                "nfs_mount_present": [{"path": "/m", "server": "s", "export": "/e"}],
                "sshfs_mount_present": [{"path": "/m", "server": "s", "export": "/e"}],
            },
            "sshfs_mount_present and nfs_mount_present both mount /m. Keep one of them.",
        ),
        (
            {"sshfs_server_directories": [{"path": "/srv/scans"}], "sshfs_server_host_key": "key"},
            "sshfs_server_directories is set without sshfs_server_authorized_keys. "
            "Set it; client and server do not know each other without it.",
        ),
        (
            {"nfs_server_exports": [{"path": "/srv/scans"}]},
            "nfs_server_exports is set, but the group nfs_servers has no host, so nothing is served. "
            "Put the server into nfs_servers, or remove the variable.",
        ),
        (
            {"volumes_test_image": "{{ nothing }}"},
            "volumes_test_image uses nothing, which is not set. Set it, or let the template have a default.",
        ),
        ({"volumes_test_image": "{{ lookup }}"}, "volumes_test_image can't be evaluated: no such file: https://"),
        (
            {"volumes_test_image": Undecryptable()},
            "volumes_test_image is encrypted with ansible-vault, and this run has no password for it.",
        ),
        (
            {"images_from_stacks": ["sitte"], "stacks_present": [stack()]},
            "images_from_stacks[0] is sitte, which is not a stack of stacks_present. Write site.",
        ),
        ({"images_from_stacks": ["x"]}, "images_from_stacks[0] is x, which is not a stack of stacks_present. Its stacks are none."),
        ({"volumes_recreate": "{{ host }}"}, "volumes_recreate is a text, which is not shown. Expected never or if_unused."),
    ],
)
def test_faults(variables: Json, words: str) -> None:
    found = told(find_faults(inventory(**variables)))
    assert [text for text in found if text.startswith(words)], found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"registry_user": "me"}, "registry_user is not a variable of role registry, and nothing in the inventory reads it."),
        (
            {"nodes_label_policies": {"exactly_one": ["a"]}},
            "nodes_label_policies.exactly_one[0] wants a on one node, but nodes_labels gives it to no node.",
        ),
        (
            {"images_build": [{"name": "a", "buildkit": True}], "images_builder": "w1"},
            "images_build is built with BuildKit on w1, but role engine installs no client there. Set engine_client: true for w1, unless",
        ),
        (
            {"images_from_stacks": ["site"], "stacks_present": [stack()]},
            "images_from_stacks is built with BuildKit on m1, but role engine installs no client there.",
        ),
        ({"nvidia_mode": "legacy"}, "nvidia_mode is set, but no host that has it is in gpu_nodes, so nothing reads it."),
        (
            {"stacks_present": [stack(networks={"front": None})]},
            "stack site needs the network front, which nothing here provides. Add it to networks_present",
        ),
        (
            {"stacks_present": [stack(image="127.0.0.1:5000/a:1")], "registry_stack": "registry"},
            "stack site needs the image 127.0.0.1:5000/a:1 of the swarm's own registry for site_web, and nothing here makes it.",
        ),
        (
            {"stacks_present": [stack(image="127.0.0.1:5000/a:1")]},
            "stack site takes images for site_web from 127.0.0.1:5000, and nothing here runs a registry there. Set registry_stack, unless",
        ),
        (
            {"stacks_present": [stack(image="prom/prometheus:v3")], "engine_metrics_address": "127.0.0.1:9323"},
            "stack site looks for metrics of engines with site_web, and m1, w1, w2 give theirs at 127.0.0.1:9323, which no task reaches. "
            "Set engine_metrics_address to an address between the nodes",
        ),
        (
            {
                "stacks_present": [
                    {
                        **stack(),
                        "content": {
                            "services": {"web": {"image": "app:1", "configs": [{"source": "targets"}]}, "db": {"image": "db"}},
                            "configs": {"targets": {"content": base64.b64encode(b"targets: [tasks.engines:9323]").decode()}},
                        },
                    }
                ],
                "engine_daemon_config": {"metrics-addr": "[::1]:9323"},
            },
            "stack site looks for metrics of engines with site_web, and m1, w1, w2 give theirs at [::1]:9323, which no task reaches.",
        ),
        (
            {"stacks_present": [stack(deploy={"placement": {"constraints": ["node.labels.web==true"]}})]},
            "stack site runs site_web where node.labels.web == true, and nodes_labels gives that label to no node. Add it",
        ),
        (
            {"stacks_present": [stack(deploy={"placement": {"constraints": ["node.hostname == w7"]}})]},
            "stack site runs site_web where node.hostname == w7, and the inventory has no node of this name.",
        ),
        (
            {
                "stacks_present": [
                    stack(
                        deploy={
                            "resources": {"reservations": {"generic_resources": [{"discrete_resource_spec": {"kind": "gpu", "value": 1}}]}}
                        }
                    )
                ]
            },
            "stack site reserves gpu for site_web, and no node of the inventory offers any. Put the hosts with GPUs into gpu_nodes.",
        ),
    ],
)
def test_warnings(variables: Json, words: str) -> None:
    findings = find_faults(inventory(**variables))
    assert told(findings) == []
    assert [text for text in told(findings, WARNING) if text.startswith(words)], told(findings, WARNING)


def test_a_role_that_no_host_has_is_told() -> None:
    stacks = [stack(deploy={"placement": {"constraints": ["node.role == worker"]}})]
    (text,) = told(find_faults(inventory({"all": ["m1", "x1"], "swarm_workers": []}, stacks_present=stacks)), WARNING)
    assert text.startswith("stack site runs site_web where node.role == worker, and no host of the inventory has that role.")
    assert find_faults(inventory(stacks_present=stacks)) == []


def test_groups_with_nearly_the_right_name_are_told() -> None:
    assert told(find_faults(inventory({"gpu_node": ["w1"], "own_group": ["w1"]}))) == [
        "has a group gpu_node, on which no playbook acts. Write gpu_nodes."
    ]
    both = told(find_faults(inventory({"swarm_workers": ["m1", "w1"]})))
    assert both == ["m1 in both the managers and the workers. Choose one group."]
    assert "w9 is in gpu_nodes, but is neither a manager nor a worker." in told(find_faults(inventory({"gpu_nodes": ["w9"]})))[0]


def test_the_number_of_managers_is_for_preflight_to_refuse() -> None:
    (text,) = told(find_faults(inventory(preflight_manager_counts=[3])), WARNING)
    assert text.startswith("1 managers, and only an odd number up to 7 improves the quorum. Have one of 3")
    assert find_faults(inventory(preflight_manager_counts=[3], preflight_skip="managers,ports")) == []


def test_keys_that_role_nvidia_owns_are_told_on_its_hosts_alone() -> None:
    variables = {"engine_daemon_config": {"default-runtime": "runc"}}
    assert find_faults(inventory(**variables)) == []
    (text,) = told(find_faults(inventory({"gpu_nodes": ["w1"]}, **variables)))
    assert text == "engine_daemon_config.default-runtime is for role nvidia alone on w1, which is in gpu_nodes. Remove it here."


def test_what_needs_a_fact_is_not_known_yet() -> None:
    findings = find_faults(inventory(swarm_advertise_addr="{{ fact }}", nodes_drain_timeout="{{ fact }}"))
    assert told(findings) == [] and len(told(findings, LATER)) == 2
    assert "needs ansible_memtotal_mb, which is unknown until a host is asked." in told(findings, LATER)[0]


def test_a_name_that_a_template_reads_is_the_users_own_unless_it_was_given() -> None:
    variables: dict[str, t.Any] = {"swarm_advertise_address": "eth0", "swarm_advertise_addr": "{{ swarm_advertise_address }}"}
    assert find_faults(inventory(**variables)) == []
    assert told(find_given(inventory(given=["swarm_advertise_address"], **variables)))


def test_a_stack_counts_what_another_one_provides() -> None:
    other = {"name": "net", "content": {"services": {}, "networks": {"front": {"name": "front"}}}}
    assert find_faults(inventory(stacks_present=[stack(networks={"front": None}), other])) == []


def test_what_a_verb_acts_on_must_be_given() -> None:
    assert find_empty(["nodes_target"], {"nodes_target": ["w1"]}) == []
    assert find_empty(["services_names or services_stacks"], {"services_stacks": "web"}) == []
    empty: list[dict[str, t.Any]] = [{}, {"nodes_target": []}, {"nodes_target": ""}]
    for values in empty:
        (text,) = told(find_empty(["nodes_target"], values))
        assert text.startswith("nodes_target is not given, so there is nothing to act on. Give nodes_target: the nodes")


def test_a_report_says_each_thing_once_in_the_order_of_files() -> None:
    findings = [
        Finding("a", "is wrong", "Mend it", "b", (2,), ("m1",)),
        Finding("a", "is wrong", "Mend it", "b", (1,), ("m1",)),
        Finding("a", "is wrong", "Mend it", "b", (1,), ("w1",)),
        Finding("c", "may be wrong", level=WARNING),
        Finding("d", "comes later", level=LATER),
    ]
    report = Report.of(findings, lambda each: f"/here/a.yml:{12 - int(each.path[0])}" if each.path else "inventory")
    assert as_text(report, "/here").splitlines() == [
        "check: 2 faults and 1 warning; no host was asked",
        "- a.yml:10: b[2] is wrong. Mend it.",
        "- a.yml:11: b[1] is wrong. Mend it.",
        "- warning: inventory: may be wrong.",
        "- not known yet: inventory: comes later.",
    ]
    assert as_text(Report([], [], {"hosts": 1, "stacks": 2}), "/") == "check: no fault in 1 host, 2 stacks; no host was asked"
