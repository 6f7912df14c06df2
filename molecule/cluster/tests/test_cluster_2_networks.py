# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks on five real nodes: what subnets are refused, the ingress network made anew, the bridge of each host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenario import Run
from tests.scenario.cluster import NODES, THREE, converge, leave, look, on, play, settled
from tests.scenario.web import await_homes, create_service, load_image, remove_service

BRIDGE = "172.30.44.0/24"


@pytest.fixture(scope="module", autouse=True)
def swarm() -> None:
    converge(THREE)
    assert settled(THREE)
    load_image()


def network(name: str, node: str = "m1") -> dict[str, Any]:
    code = f"import docker, json; print(json.dumps(docker.APIClient().inspect_network({name!r})))"
    return dict(json.loads(on(node, "python3 -", code)))


def subnet(name: str, node: str = "m1") -> str:
    return str(network(name, node)["IPAM"]["Config"][0]["Subnet"])


def test_public_subnets_are_refused() -> None:
    run = play(swarm_managers=THREE, networks_present=[{"name": "dns", "subnet": "8.8.8.0/24"}])
    assert run.rc != 0 and "8.8.8.0/24 is a public range" in run.text


def test_a_subnet_that_a_host_has_a_route_into_is_refused() -> None:
    on("w3", "ip route add 10.66.0.0/24 dev $(ip -o route show default | sed 's/.* dev //; s/ .*//')")
    run = play(swarm_managers=THREE, networks_present=[{"name": "routed", "subnet": "10.66.0.0/25"}])
    on("w3", "ip route del 10.66.0.0/24")
    assert run.rc != 0 and "w3 has 10.66.0.0/24" in run.text and "overlaps 10.66.0.0/25" in run.text
    converge(THREE, networks_present=[{"name": "routed", "subnet": "10.66.0.0/25"}])
    converge(THREE, networks_absent=["routed"])


def health() -> Run:
    return play(playbook="playbooks/health.yml", swarm_managers=THREE)


def test_what_swallows_packets_between_containers_is_found() -> None:
    """All of them, and only those that are full, as where the MTU between two nodes is too small for the networks."""
    well = health()
    assert well.rc == 0 and "10 of 10 paths between nodes carry full packets" in well.text, well.out
    for rule, found in (("", "nothing gets through"), ("-m length --length 1400:", "only small packets get through")):
        on("w4", f"iptables --insert INPUT -p udp --dport 4789 {rule} -j DROP")
        try:
            ill = health()
        finally:
            on("w4", f"iptables --delete INPUT -p udp --dport 4789 {rule} -j DROP")
        assert ill.rc != 0 and f"failed overlay w4: {found} from or to any other node" in ill.text, ill.out


SECRET = """
import docker
api = docker.APIClient()
network = api.create_network("secret", driver="overlay", options={"encrypted": ""})["Id"]
container = {"Image": "web:1", "Command": ["/usr/bin/python3", "-c", "import time; time.sleep(9999)"], "StopGracePeriod": 10**9}
template = {"ContainerSpec": container, "Networks": [{"Target": network}], "Placement": {"Constraints": ["node.role==worker"]}}
api.create_service(template, name="secret", mode={"Global": {}})
"""


def test_an_encrypted_network_that_is_sent_in_clear_is_found() -> None:
    """Whether the kernel can encrypt is the machine's affair: if not, nothing gets through, and nothing is sent in clear either."""
    on("m1", "python3 -", SECRET)
    await_homes("secret", 2)
    told = health().text
    assert "in clear" not in told
    if "1 of 1 in encrypted networks carry them encrypted" not in told:
        assert "failed overlay w3 and w4: nothing gets through in encrypted network secret" in told
        assert "The kernel of w3, w4 holds no keys for ESP" in told
    on("w3", "iptables --table mangle --flush OUTPUT")
    ill = health()
    remove_service("secret")
    assert ill.rc != 0 and "failed overlay secret: is an encrypted network, but traffic is in clear text from w3 to w4." in ill.text, (
        ill.out
    )
    converge(THREE, networks_absent=["secret"])


def test_the_ingress_network_is_made_anew_only_while_nothing_publishes_through_it() -> None:
    wanted: dict[str, Any] = {"name": "ingress", "ingress": True, "subnet": "10.44.0.0/24", "recreate": True}
    before = subnet("ingress")
    assert before != wanted["subnet"]
    create = (
        "import docker; docker.APIClient().create_service({'ContainerSpec': {'Image': 'web:1', 'Command': ['/usr/bin/python3', '-c',"
        " 'import time; time.sleep(9999)']}}, name='published',"
        " endpoint_spec={'Ports': [{'TargetPort': 80, 'PublishedPort': 8090, 'PublishMode': 'ingress'}]})"
    )
    on("m1", "python3 -", create)
    create_service("on_hosts", port=8091)
    refused = play(swarm_managers=THREE, networks_present=[wanted])
    assert refused.rc != 0 and "while services publish ports through it: published." in refused.text
    assert subnet("ingress") == before
    remove_service("published")
    plan = play("--check", swarm_managers=THREE, networks_present=[wanted])
    assert plan.rc == 0 and f'subnet: "{before}" -> "10.44.0.0/24"' in plan.text and subnet("ingress") == before
    converge(THREE, networks_present=[wanted])
    assert subnet("ingress") == "10.44.0.0/24" and network("ingress")["Ingress"] is True
    assert set(converge(THREE, networks_present=[wanted]).changed.values()) == {0}
    await_homes("on_hosts", 1)
    remove_service("on_hosts")
    on("m1", "python3 -", create)
    await_homes("published", 1)
    remove_service("published")


def test_the_bridge_is_made_before_a_host_joins_and_drift_is_told() -> None:
    converge(THREE, swarm_gwbridge={"subnet": BRIDGE, "mtu": 1400})
    run = play(swarm_managers=THREE, swarm_gwbridge={"subnet": BRIDGE})
    assert run.rc == 0 and "w4 has docker_gwbridge with" in run.text and f"wanted subnet {BRIDGE}" in run.text
    leave("w4")
    plan = play("--check", swarm_managers=THREE, swarm_gwbridge={"subnet": BRIDGE, "mtu": 1400})
    assert plan.rc == 0 and f'-> "{BRIDGE}"' in plan.text and subnet("docker_gwbridge", "w4") != BRIDGE
    done = converge(THREE, swarm_gwbridge={"subnet": BRIDGE, "mtu": 1400})
    assert subnet("docker_gwbridge", "w4") == BRIDGE
    assert network("docker_gwbridge", "w4")["Options"]["com.docker.network.driver.mtu"] == "1400"
    assert "w4 has docker_gwbridge" not in done.text
    create_service("there", constraints=("node.hostname==w4",))
    await_homes("there", 1)
    remove_service("there")
    leave("w4")
    public = play("--limit", "w4,m1", swarm_managers=THREE, swarm_gwbridge={"subnet": "9.9.9.0/24"})
    assert public.rc != 0 and "9.9.9.0/24 is a public range" in public.text
    converge(THREE, swarm_gwbridge={"subnet": BRIDGE, "mtu": 1400})
    assert settled(THREE) and len(look()["nodes"]) == len(NODES)
