# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service import images
from ansible_collections.flotilla.swarm.plugins.module_utils._core.service.images import Resolved
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack import planning
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import StackObjects
from ansible_collections.flotilla.swarm.plugins.module_utils._io.deploy.observe import Own, observe_stack
from ansible_collections.flotilla.swarm.plugins.module_utils._io.engine import Engine
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Plan
from fake_engine import FakeEngine, node

Json = dict[str, t.Any]
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def spec(image: str, written: str = "", platforms: list[Json] | None = None) -> Json:
    """``written`` is the image as the file has it, ``image`` what is sent."""
    placement = {"Platforms": platforms} if platforms else {}
    return {
        "Name": "app_web",
        "Labels": {"com.docker.stack.image": written or image, "com.docker.stack.namespace": "app"},
        "TaskTemplate": {"ContainerSpec": {"Image": image}, "Placement": placement},
        "Mode": {"Replicated": {}},
    }


RUNNING = {"Spec": spec(f"web:1@{OLD}", "web:1", [{"OS": "linux"}])}
BY_HAND = {"Spec": spec(f"web:9@{OLD}", "web:1")}  # as docker service update --image leaves it


@pytest.mark.parametrize(
    ("policy", "image", "running", "asked"),
    [
        ("changed", "web:1", None, True),
        ("changed", "web:1", RUNNING, False),
        ("changed", "web:2", RUNNING, True),
        ("changed", "web:1", BY_HAND, True),
        ("always", "web:1", RUNNING, True),
        ("never", "web:2", RUNNING, False),
        ("never", "web:1", None, False),
        ("always", f"web:1@{OLD}", None, False),
    ],
)
def test_when_the_registry_is_asked(policy: str, image: str, running: Json | None, asked: bool) -> None:
    observed = {"app_web": running} if running else {}
    assert images.images_to_resolve([spec(image)], observed, policy) == ([image] if asked else [])


@pytest.mark.parametrize(
    ("image", "running", "answer", "sent", "told"),
    [
        ("web:1", None, Resolved(NEW), f"web:1@{NEW}", False),
        ("web:1", RUNNING, Resolved(NEW), f"web:1@{NEW}", False),
        ("web:1", RUNNING, None, f"web:1@{OLD}", False),
        ("web:1", RUNNING, Resolved(problem="away"), f"web:1@{OLD}", True),
        ("web:2", RUNNING, Resolved(problem="away"), "web:2", True),
        ("web:2", RUNNING, None, "web:2", False),
        ("web:1", BY_HAND, None, "web:1", False),
        ("web:1", BY_HAND, Resolved(NEW), f"web:1@{NEW}", False),
        ("web:1", {"Spec": spec(f"docker.io/library/web:1@{OLD}", "web:1")}, None, f"docker.io/library/web:1@{OLD}", False),
        (f"web:1@{NEW}", {"Spec": spec(f"web:1@{OLD}", f"web:1@{NEW}")}, None, f"web:1@{NEW}", False),
    ],
)
def test_which_image_is_sent(image: str, running: Json | None, answer: Resolved | None, sent: str, told: bool) -> None:
    policy = "always" if answer else "never"
    settled, problem = images.settle_image(spec(image), running, {image: answer} if answer else {}, policy)
    assert (images.image_of(settled), bool(problem)) == (sent, told)


def test_what_one_service_asks_does_not_move_another() -> None:
    settled, _problem = images.settle_image(spec("web:1"), RUNNING, {"web:1": Resolved(NEW)}, "changed")
    assert images.image_of(settled) == f"web:1@{OLD}"


def test_an_image_that_stays_keeps_its_platforms() -> None:
    settled, _problem = images.settle_image(spec("web:1"), RUNNING, {})
    assert settled["TaskTemplate"]["Placement"] == {"Platforms": [{"OS": "linux"}]}


def test_platforms_out_of_a_manifest_list() -> None:
    listed = [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm", "os": "linux", "variant": "v7"},
        {"architecture": "arm64", "os": "linux"},
        {"architecture": "unknown", "os": "unknown"},
    ]
    found = images.read_distribution({"Descriptor": {"digest": NEW}, "Platforms": listed})
    assert found == Resolved(NEW, ({"Architecture": "amd64", "OS": "linux"}, {"OS": "linux"}))


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx:1", "docker.io"),
        ("library/nginx", "docker.io"),
        ("registry.example.com/app:1", "registry.example.com"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000"),
        ("localhost/app", "localhost"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert images.registry_of(image) == registry
    logins = [{"registry": "other.example.com", "username": "x", "password": "y"}]
    assert images.auth_headers(image, logins) is None
    headers = images.auth_headers(image, [*logins, {"registry": f"https://{registry}/v1/", "username": "me", "password": "p"}])
    stored = images.auth_headers(image, logins, lambda name: {"username": name})
    assert stored and json.loads(base64.urlsafe_b64decode(stored["X-Registry-Auth"])) == {"username": registry}
    assert headers and json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))["username"] == "me"


def test_a_moved_tag_is_a_change_only_when_it_is_asked_for(fake_engine: t.Callable[..., FakeEngine]) -> None:
    fake = fake_engine(nodes=[node("m1", role="manager", leader=True)], images={"web:1": {"digest": OLD}})
    engine = Engine.connect(docker_host=fake.docker_host)
    wanted = StackObjects(services=[spec("web:1")])

    def plan(policy: str, **options: t.Any) -> Plan:
        observed = observe_stack(engine, "app", wanted, Own(), policy)
        return planning.plan_present("app", wanted, observed, planning.Options(resolve_image=policy, **options))

    (created,) = plan("changed").changes
    assert created.payload.body["TaskTemplate"]["ContainerSpec"]["Image"] == f"web:1@{OLD}"
    fake._do("POST", "/services/create", created.payload.body)
    assert plan("always").changes == ()
    fake.host.images["web:1"] = {"digest": NEW}
    assert plan("changed").changes == () and plan("never").changes == ()
    (update,) = plan("always").changes
    assert (update.fields[0].before, update.fields[0].after) == (f"web:1@{'a' * 12}", f"web:1@{'b' * 12}")
    fake.host.images.clear()
    assert plan("always").changes == () and "could not be resolved" in plan("always").warnings[0]
    with pytest.raises(PlanError, match="could not be resolved"):
        plan("always", unresolved_is_error=True)
