# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a registry that asks for a login, for tasks on nodes that lack them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenario import running, until
from tests.scenario.stack import SCENARIO, address, deploy, look, on

USER, PASSWORD = "lab", "only-in-the-lab-7d1f"  # the one in private/htpasswd
REPOSITORIES = ("given", "withheld", "stored", "refreshed")

PUSH = """
import docker
api = docker.APIClient(timeout=60)
for name in {repositories}:
    api.tag("{open}/busybox:1", "{private}/" + name, "1")
    said = api.push("{private}/" + name, "1", auth_config={login})
    assert '"error"' not in said, said
"""
PULL = "import docker; docker.APIClient(timeout=60).pull('{private}/{name}', '1', auth_config={login})"
# An image that was pulled by its digest has no tag, and shares its entry with other names of the same content.
HAS = "import docker; print([[image['RepoTags'], image['RepoDigests']] for image in docker.APIClient().images()])"
MOVE = """
import docker
api = docker.APIClient()
service = api.inspect_service("{name}")
template = service["Spec"]["TaskTemplate"]
template["Placement"]["Constraints"] = ["node.hostname == {node}"]
api.update_service(service["ID"], service["Version"]["Index"], task_template=template, name="{name}", fetch_current_spec=True)
"""


@pytest.fixture(scope="module")
def private() -> Iterator[str]:
    """The address of the registry, with the image in each repository."""
    open_registry, there = f"{address('m1')}:5000", f"{address('m1')}:5001"
    stack = {"name": "private", "files": [str(SCENARIO / "private/stack.yml")], "env": {"IMAGE": f"{open_registry}/registry:2"}}
    done = deploy(stacks=[stack])
    assert done.rc == 0, done.out
    login = {"username": USER, "password": PASSWORD}
    on("m1", "python3 -", PUSH.format(repositories=REPOSITORIES, open=open_registry, private=there, login=login))
    yield there
    deploy(stacks=[{"name": name, "state": "absent"} for name in ("private", *REPOSITORIES)])


def stack(private: str, name: str, node: str, **options: Any) -> dict[str, Any]:
    """A stack of one service with the image of that repository, on that node."""
    placement = {"constraints": [f"node.hostname == {node}"]}
    service = {
        "image": f"{private}/{name}:1",
        "deploy": {"endpoint_mode": "dnsrr", "placement": placement, "update_config": {"monitor": "2s"}, "restart_policy": {"delay": "1s"}},
    }
    return {"name": name, "content": {"services": {"app": service}}, **options}


def login(private: str) -> list[dict[str, str]]:
    return [{"registry": private, "username": USER, "password": PASSWORD}]


def tasks(name: str) -> list[str]:
    return list(running(look()["services"][f"{name}_app"]))


def has(node: str, image: str) -> bool:
    return image in on(node, "python3 -", HAS)


def shapes_of_the_password() -> set[str]:
    """As it is, and in base64 wherever it may begin in the text that was encoded."""
    secret = PASSWORD.encode()
    encoded = {base64.b64encode(b"\0" * before + secret).decode()[4:-4] for before in range(3)}
    return {PASSWORD, *encoded}


def assert_untold(*texts: str) -> None:
    assert [shape for shape in shapes_of_the_password() for text in texts if shape in text] == []


def test_a_node_that_lacks_the_image_gets_it_with_the_login(private: str) -> None:
    assert not has("m2", f"{private}/given")
    run = deploy("-vvvv", "--diff", stacks=[stack(private, "given", "m2")], registry_auth=login(private))
    assert run.rc == 0, run.out
    assert len(tasks("given")) == 1 and has("m2", f"{private}/given")
    service = json.dumps(look()["services"]["given_app"])
    assert "@sha256:" in service
    # With debug the engines themselves log the credentials of the tasks that they are given.
    assert_untold(run.out, service, *(on(node, "journalctl -o cat | grep -v level=debug") for node in ("m1", "m2")))


def test_without_a_login_the_cause_is_told(private: str) -> None:
    run = deploy(stacks=[stack(private, "withheld", "m3")])
    assert run.rc != 0
    told = (
        f"{private}/withheld:1",
        "no basic auth credentials",
        "withheld_app failed",
        "on m3",
        "No such image",
        "withheld_app was removed",
    )
    assert run.lacks(*told) == [], run.out
    assert "withheld_app" not in look()["services"]


def test_the_login_that_the_manager_keeps_is_used(private: str) -> None:
    kept = {"auths": {private: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}
    on("m1", "umask 077; mkdir -p ~/.docker; cat > ~/.docker/config.json", json.dumps(kept))
    run = deploy("-vvvv", stacks=[stack(private, "stored", "m3")])
    on("m1", "rm ~/.docker/config.json")
    assert run.rc == 0, run.out
    assert len(tasks("stored")) == 1 and has("m3", f"{private}/stored")
    assert_untold(run.out)


def test_a_login_that_is_sent_anew_restarts_nothing_and_serves_nodes_later(private: str) -> None:
    """The node had the image, so that the service could start without a login; the next node has neither."""
    on("m2", "python3 -", PULL.format(private=private, name="refreshed", login={"username": USER, "password": PASSWORD}))
    first = deploy(stacks=[stack(private, "refreshed", "m2")])
    assert first.rc == 0, first.out
    before = look()["services"]["refreshed_app"]
    sent = deploy("-vvvv", stacks=[stack(private, "refreshed", "m2", refresh_registry_auth=True)], registry_auth=login(private))
    assert sent.rc == 0 and any(sent.changed.values()), sent.out
    after = look()["services"]["refreshed_app"]
    assert (after["spec"], after["tasks"], after["index"] > before["index"]) == (before["spec"], before["tasks"], True)
    assert_untold(sent.out)
    on("m1", "python3 -", MOVE.format(name="refreshed_app", node="m3"))
    until(
        lambda: [task for task in look()["services"]["refreshed_app"]["tasks"] if (task["node"], task["state"]) == ("m3", "running")],
        "a task on m3",
    )
