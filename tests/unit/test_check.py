# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of check.yml and of the guard of every playbook on inventories with faults: what is said, and that no host is contacted."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from playbook_runs import ROOT, SHARED, Ran, run_each

from tests.role_options import options_of, specs

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if path.stem not in ("confirm", "given"))
NEEDED = {
    "activate": "nodes_target",
    "autoscale": "autoscale_rules",
    "drain": "nodes_target",
    "migrate_from_compose": "migrate_host",
    "move_data_root": "engine_data_root",
    "recover": "backup_recover_host",
    "remove_node": "nodes_target",
    "replace_node": "nodes_old",
    "restore": "backup_restore_from",
}
EDGE = """
swarm_name: lab
edge_stack: edge
edge_domain: example.org
edge_acme: {email: ops@example.org}
edge_auth: {kind: saml}
edge_routes: [{host: page, service: site_page, port: 80}]
nodes_labels: {w1: {edge: true}, g1: {edge: true}, m1: {monitoring: true}}
monitoring_stack: monitoring
monitoring_grafana: {enabled: false}
monitoring_alertmanager: {receivers: [{name: ops, webhook_configs: [{url: "https://hook.example.org/"}]}]}
monitoring_rules: {own: {expr: "sum by (node) rate(up[5m])"}}
"""
WRONG_EDGE = (
    "edge_acme keeps its certificates in a volume of one node, and edge_constraint allows w1 and g1.",
    "edge_auth.kind is a text, which is not shown. Expected none, basic, forward or oidc.",
    "edge_routes[0].service is site_page, which no stack of the inventory has. Its services are none.",
    "monitoring_rules.own.expr has rate right after ). Write an operator or brackets between them.",
)
HOSTS = """
all:
  vars: VARS
  children:
    swarm_managers: {hosts: {m1: {}, m2: {}, m3: {}}}
    swarm_workers: {hosts: {w1: {engine_nofile: many}, g1: {}}}
    gpu_nodes: {hosts: {g1: {}}}
"""
FAULTY = """
engine_package: docker
swarm_advertise_address: eth0
nodes_labels:
  m1: {database: true}
  w9: {cache: true}
  w1: {database: true, web: true}
nodes_label_policies: {exactly_one: [database]}
networks_present:
  - {nme: x}
  - {name: front, subnett: 10.0.0.0/24}
swarm_settings: {task_history: 3}
volumes_present:
  - {name: a, driver_opts: {type: nfs}}
  - {name: b, nfs: {server: s}}
nodes_availability: {w1: drainn}
images_builder: m9
swarm_name: lab
swarm_listen_addr: "{{ ansible_default_ipv4.address }}:2377"
backup_directory: "{{ lookup('ansible.builtin.file', '/nonexistent/folder') }}"
nodes_drain_timeout: "{{ backup_vault_password }}"
firewall_enabled: true
swarm_data_path_port: 4790
registry_user: somebody
backup_cron: "1 1 * * *"
check_own_variables: [backup_cron]
stacks_present:
  - {name: web, files: [web.yml], env: {GIVEN: "1"}}
  - {name: gone, files: [gone.yml]}
images_from_stacks: [web, webb, {files: [tools.yml]}]
"""
TOOLS = "services: {tool: {build: {context: ., target: $STAGE}}}\n"
WEB = """
services:
  web:
    image: app:${TAG}
    enviroment: {A: "${GIVEN}"}
    environment: {B: "${B:?the name of the site}"}
    networkss: [front]
    build: {context: ., args: [A=$BUILT]}
"""
SAID = [
    "a.yml:2: engine_package is not a variable of any role. Write engine_packages.",
    "a.yml:3: swarm_advertise_address is not a variable of any role. Write swarm_advertise_addr.",
    "a.yml:6: nodes_labels.w9 is not a host of the inventory. Its hosts are m1, m2, m3 and 2 more.",
    "a.yml:8: nodes_label_policies.exactly_one[0] wants database on one node, but nodes_labels gives it to m1 and w1.",
    "a.yml:10: networks_present[0].nme is not a known key. Write name.",
    "a.yml:11: networks_present[1].subnett is not a known key. Write subnet.",
    "a.yml:12: swarm_settings.task_history is not a known key. Write task_history_limit.",
    "a.yml:14: volumes_present[0].driver_opts is not a known key. Known are name, driver, options, nfs and labels.",
    "a.yml:15: volumes_present[1].nfs.path is missing. Add it: absolute path that the server exports.",
    "a.yml:16: nodes_availability.w1 is 'drainn'. Write drain; expected active, pause, drain or previous.",
    "a.yml:17: images_builder is 'm9', which is not a host of the inventory. Its hosts are m1, m2, m3 and 2 more.",
    "not known yet: bad/group_vars/all/a.yml:19: swarm_listen_addr needs ansible_default_ipv4, which is unknown until",
    "a.yml:20: backup_directory can't be evaluated: ",
    "v.yml:1: backup_vault_password is encrypted with ansible-vault, and this run has no password for it. Give the right one",
    "a.yml:21: nodes_drain_timeout is encrypted with ansible-vault, and this run has no password for it.",
    "a.yml:23: firewall_data_path_port is 4789, and swarm_data_path_port is 4790. Give both the same port.",
    "warning: bad/group_vars/all/a.yml:24: registry_user is not a variable of role registry, and nothing in the inventory reads it.",
    "a.yml:28: stack web needs 3 variables that are not set: TAG (web.yml:3), B (web.yml:5), BUILT (web.yml:7). Give them in env",
    "a.yml:28: stack web: web.yml:4: services.web.enviroment: there is no such key; expected environment.",
    "a.yml:28: stack web: web.yml:6: services.web.networkss: there is no such key; expected networks.",
    "a.yml:29: stack gone: file gone.yml was not found. Looked for ",
    "a.yml:30: images_from_stacks[1] is webb, which is not a stack of stacks_present. Write web.",
    "a.yml:30: stack tools.yml needs a variable that is not set: STAGE (tools.yml:1). Give it in env of the stack or",
    "a.yml:30: stack tools.yml: tools.yml:1: services.tool: no image is given; expected image: name:tag; build it and name it in image.",
    "bad/hosts.yml:5: engine_nofile is 'many'. Expected a whole number.",
]
FAULTS = len([each for each in SAID if not each.startswith(("warning: ", "not known yet: "))])
RIGHT = """
swarm_name: lab
own_network: front
networks_present: [{name: "{{ own_network }}"}]
stacks_login: [{registry: r.example, username: u, password: hush-hush}]
stacks_registry_auth: "{{ stacks_login }}"
nodes_labels: {w1: {web: true}}
stacks_present:
  - name: web
    env: {TAG: "1"}
    content: {services: {web: {image: "app:$TAG", networks: [front], deploy: {placement: {constraints: [node.labels.web == true]}}}},
              networks: {front: {external: true}}}
"""


def errors_of_typing() -> Iterator[tuple[str, str]]:
    """One variable of each role without its last letter but one, and what is meant."""
    for role in specs():
        name = max(options_of(role), key=len)
        yield name[:-2] + name[-1], name
        other = min(options_of(role), key=len)
        yield other[:-1], other


TYPING = dict(errors_of_typing())


def write(folder: Path, name: str, variables: str, hosts: str = HOSTS) -> str:
    inventory = folder / name
    (inventory / "group_vars/all").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(hosts.replace("VARS", json.dumps(SHARED)).lstrip())
    (inventory / "group_vars/all/a.yml").write_text("---" + variables)
    return name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All runs, by what they are for. In one process Ansible is loaded once."""
    folder = tmp_path_factory.mktemp("check")
    bad = write(folder, "bad", FAULTY)
    (folder / bad / "web.yml").write_text(WEB.lstrip())
    (folder / "tools.yml").write_text(TOOLS)
    (folder / "web.yml").symlink_to(folder / bad / "web.yml")
    secret = VaultLib([("default", VaultSecret(b"password"))]).encrypt("hush-hush").decode()
    (folder / bad / "group_vars/all/v.yml").write_text(f"backup_vault_password: !vault |\n{textwrap.indent(secret, '  ')}")
    right_hosts = HOSTS.replace("{engine_nofile: many}", "{}")
    right = write(folder, "right", RIGHT, right_hosts)
    edge = write(folder, "edge", EDGE, right_hosts)
    typing = write(folder, "typing", "\n" + yaml.safe_dump(dict.fromkeys(TYPING, "x")), right_hosts)
    empty = write(folder, "empty", "\nswarm_name: lab\n", "all: {hosts: {w1: VARS}}")
    named = write(folder, "named", "\nswarm_name: lab\n", HOSTS.replace("swarm_managers", "swarm_manager"))
    nameless = write(folder, "nameless", "\nswarm_name: ''\n", right_hosts.replace("VARS", '{"ansible_connection": "noting"}'))
    check = str(ROOT / "playbooks/check.yml")
    commands = {
        "bad": ["-i", bad, check],
        "bad site": ["-i", bad, str(ROOT / "site.yml"), "-vvvv"],
        "limited": ["-i", bad, check, "--limit", "w1"],
        "json": ["-i", bad, check, "-e", "check_format=json"],
        "right": ["-i", right, check],
        "edge": ["-i", edge, check],
        "typing": ["-i", typing, check],
        "empty": ["-i", empty, check],
        "named": ["-i", named, check],
        "nameless": ["-i", nameless, str(ROOT / "playbooks/teardown.yml"), "-e", "confirm=lab"],
        "allowed": ["-i", right, str(ROOT / "playbooks/drain.yml"), "-e", "check_allow_nothing=true"],
        "wrong choice": ["-i", right, str(ROOT / "playbooks/drain.yml"), "-e", "nodes_target=w1", "-e", "nodes_surge=al"],
    }
    for name in PLAYBOOKS:
        path = str(ROOT / f"playbooks/{name}.yml")
        commands[f"nowhere {name}"] = ["-i", "nowhere", path]
        commands[f"misspelt {name}"] = ["-i", right, path, "-e", "nodes_targets=w1"]
        if name in NEEDED:
            commands[f"nothing {name}"] = ["-i", right, path]
    return dict(zip(commands, run_each(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("said", SAID)
def test_every_fault_is_said_with_its_place_and_cure(runs: dict[str, Ran], said: str) -> None:
    assert said in runs["bad"].text, runs["bad"].said


def test_the_whole_is_said_at_once_and_no_host_is_asked(runs: dict[str, Ran]) -> None:
    for name in ("bad", "bad site", "limited"):
        ran = runs[name]
        assert ran.rc and not ran.reached and "hush-hush" not in ran.said and "Traceback" not in ran.said, ran.said
        assert f"check: {FAULTS} faults and 1 warning" in ran.text
    assert "backup_cron" not in runs["bad"].text.partition("check: ")[2].partition("Names that begin")[0]


def test_programs_get_json(runs: dict[str, Ran]) -> None:
    found = re.search(r"^\{$.*?^\}$", runs["json"].said, re.DOTALL | re.MULTILINE)
    assert found, runs["json"].said
    told = json.loads(found[0])
    assert len(told["faults"]) == FAULTS and len(told["notes"]) == 2


def test_an_inventory_without_faults_passes(runs: dict[str, Ran]) -> None:
    ran = runs["right"]
    assert ran.rc == 0 and not ran.reached, ran.said
    assert "check: no fault in 5 hosts, " in ran.text and "warning:" not in ran.text and "hush-hush" not in ran.said


def test_a_wrong_edge_and_a_wrong_rule_are_told_before_any_host_is_asked(runs: dict[str, Ran]) -> None:
    ran = runs["edge"]
    assert ran.rc and not ran.reached and "check: 4 faults" in ran.text, ran.said
    assert [words for words in WRONG_EDGE if words not in ran.text] == [], ran.said


@pytest.mark.parametrize("wrong", TYPING)
def test_a_typing_error_in_any_role_is_found(runs: dict[str, Ran], wrong: str) -> None:
    assert len(TYPING) > 30
    assert f": {wrong} is not a variable of any role. Write {TYPING[wrong]}." in runs["typing"].text, runs["typing"].said


def test_no_host_is_asked_to_find_typing_errors(runs: dict[str, Ran]) -> None:
    assert runs["typing"].rc and not runs["typing"].reached


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_playbook_succeeds_where_there_is_no_inventory(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"nowhere {name}"]
    assert (
        ran.rc
        and not ran.reached
        and "inventory nowhere: has no hosts, and nowhere does not exist. Give the path of an inventory" in ran.text
    ), ran.said


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_playbook_runs_with_a_variable_that_is_misspelt(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"misspelt {name}"]
    assert ran.rc and not ran.reached and "-e: nodes_targets is not a variable of any role. Write nodes_target." in ran.text, ran.said


@pytest.mark.parametrize("name", NEEDED)
def test_a_verb_that_was_given_nothing_fails(runs: dict[str, Ran], name: str) -> None:
    ran = runs[f"nothing {name}"]
    words = f"this run: {NEEDED[name]} is not given, so there is nothing to act on. Give {NEEDED[name]}: "
    assert ran.rc and not ran.reached and words in ran.text, ran.said


def test_a_workflow_may_give_nothing(runs: dict[str, Ran]) -> None:
    assert "is not given" not in runs["allowed"].text and runs["allowed"].reached


def test_a_wrong_choice_is_one_line(runs: dict[str, Ran]) -> None:
    ran = runs["wrong choice"]
    assert "-e: nodes_surge is 'al'. Write all; expected none, sole or all. Nothing was changed." in ran.text and not ran.reached
    assert len(ran.said.splitlines()) < 30


def test_a_group_with_another_name_is_told(runs: dict[str, Ran]) -> None:
    assert "has 5 hosts, but none of them is in the group swarm_managers. Rename the group swarm_manager." in runs["named"].text
    assert "has 1 host, but none of them is in the group swarm_managers. Put one, three or five hosts there" in runs["empty"].text


def test_teardown_without_the_name_of_a_swarm_says_so(runs: dict[str, Ran]) -> None:
    ran = runs["nameless"]
    assert ran.rc and not ran.reached and "swarm_name is not given" in ran.text and "fail_msg" not in ran.text, ran.said
