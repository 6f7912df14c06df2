# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of every module that takes what may hold a credential, and the fake engines on which they do their work."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from fake_engine import FakeEngine, completes, node, service, volume
from image_builder import Builder

Json = dict[str, t.Any]
MEANT = {"confirm": "lab", "swarm_name": "lab"}
LOGIN = [{"registry": "r:5000", "username": "me"}]
STACK = {"com.docker.stack.namespace": "app"}
TASK = {"com.docker.swarm.task.id": "t1", "com.docker.swarm.task.name": "app_web.1.t1"}
SYSTEMCTL = """#!/bin/sh
[ "$1" != show ] || printf 'LoadState=loaded\\nActiveState=inactive\\nExecStart={ path=x ; argv[]=dockerd ; ignore_errors=no }\\n'
"""
# The words of an engine that repeats what it does not like.
DOCKERD = """#!/bin/sh
[ "$1" != --version ] || { echo "Docker version 26.1.5, build x"; exit; }
case "$3" in */refused/*) cat "$3" >&2; exit 1;; esac
"""
# The words of a build that shows its secrets.
DOCKER = """#!/bin/sh
[ "$2" = bake ] || exit 0
cat secret-* key-*
echo "ERROR: failed to solve"
exit 1
"""


@dataclass(frozen=True)
class Task:
    """A task in whose other options values are planted, unless it is ``bare``."""

    module: str
    options: Json
    engine: str = "manager"
    title: str = ""
    bare: bool = False
    checked: bool = False
    """Whether it runs in check mode alone."""
    fails: bool = False

    @property
    def name(self) -> str:
        return f"{self.module} {self.title}".strip()


class Target:
    """``given`` holds what a user gives, ``work`` what runs leave behind."""

    def __init__(self, directory: Path) -> None:
        self.given, self.work = directory / "given", directory / "work"
        for path in (self.given / "bin", self.given / "app", self.work, directory / "docker/volumes"):
            path.mkdir(parents=True)
        for name, text in (("systemctl", SYSTEMCTL), ("dockerd", DOCKERD), ("docker", DOCKER), ("journalctl", "#!/bin/sh\n")):
            (self.given / "bin" / name).write_text(text)
            (self.given / "bin" / name).chmod(0o755)
        (self.given / "app/Dockerfile").write_text("FROM scratch\n")
        (self.given / "broken.tar.gz").write_text("no archive")
        managers = [node("m2", role="manager", leader=True), node("m3", role="manager")]
        web = {"Env": ["LEVEL=info"]}
        self.manager = FakeEngine(
            name="m1",
            nodes=[node("m1", role="manager"), node("w1"), *managers],
            services=[
                service("app_web", replicas=1, labels=STACK, container=web),
                service("app_worker", replicas=1, labels=STACK),
                service("app_other", replicas=1, labels=STACK),
            ],
            volumes=[volume("db")],
            images={"nginx:1": {"digest": f"sha256:{'ab' * 32}"}, "r:5000/app:1": {"local": False}},
            containers=[{"Id": "c1", "Labels": TASK}],
            info={"DockerRootDir": str(directory / "docker")},
        )
        self.manager.behave("jobs:1", completes())
        self.manager.host.commands["echo"] = lambda body, stdin: (0, "done\n", "")
        self.outside = FakeEngine(name="m4", peers=[self.manager], info={"DockerRootDir": str(directory / "docker")})
        (directory / "builder").mkdir()
        self.builder = Builder(directory / "builder")

    def close(self) -> None:
        for engine in (self.manager, self.outside):
            engine.close()
        self.builder.server.close()

    def docker_host(self, engine: str) -> str:
        return str(getattr(self, engine).docker_host)

    def tasks(self) -> list[Task]:
        rule = {"max": 3, "per_replica": 1}
        managers = [{"item": "m1", "state": "active", "acting": True, "cluster_id": self.manager.cluster.swarm["ID"]}]
        joining = {"host": "m4", "role": "manager", "managers": managers, "remote_addrs": ["10.77.0.1:2377"]}
        unsealed = {"archive": str(self.given / "broken.tar.gz"), "accept_unauthenticated": True}
        work = str(self.work)
        rules = [
            {**rule, "service": "app_web", "metric": {"command": None}},
            {**rule, "service": "app_worker", "metric": {"command": None, "query": "up", "username": "me"}},
            {**rule, "service": "app_other", "metric": {"url": None}},
        ]
        image = {"name": "r:5000/app:1", "context": str(self.given / "app"), "push": True}
        kit = {**image, "name": "r:5000/kit:1", "buildkit": True}
        image |= {"secrets": None, "ssh": None, "cache_from": None}
        return [
            Task("autoscale", {"rules": rules, "record": f"{work}/record"}),
            Task("backup", {"directory": f"{work}/backup", "dest": f"{work}/backups", "single": True}, checked=True),
            Task("daemon_config", {"path": f"{work}/etc/daemon.json"}, ""),
            Task("daemon_config", {"path": f"{work}/refused/daemon.json"}, "", "refused", fails=True),
            Task("data_backup", {"volumes": ["db"], "directory": f"{work}/data", "dest": f"{work}/brought"}),
            Task("data_restore", {"src": f"{work}/brought", "host": "localhost", "names": ["db"], **MEANT}),
            Task("engine_needs", {"host": "localhost", "source": "distribution"}, "", fails=True),
            Task("image", {"images": [image], "registry_auth": LOGIN}, "builder"),
            Task("image", {"images": [kit], "registry_auth": LOGIN}, "builder", "with BuildKit", fails=True),
            Task("image_pull", {"images": ["r:5000/app:1"], "registry_auth": LOGIN}),
            Task("job", {"image": "jobs:1", "registry_auth": LOGIN, "wait_timeout": "20s"}),
            Task("network", {"networks": [{"name": "front"}]}),
            Task("nodes", {}),
            Task("recover", {**unsealed, **MEANT}, "outside", fails=True),
            Task("repository_key", {"path": f"{work}/key.asc", "fingerprints": ["A" * 40]}, "", fails=True),
            Task("service", {"update": {}, "name": ["app_web"], "registry_auth": LOGIN, "wait": False}),
            Task("stack", {"name": "other", "registry_auth": LOGIN, "wait": False}),
            Task("swarm", {**joining, "settings": {}}, "outside", fails=True),
            Task("task_exec", {"task": "t1"}),
            Task("volume", {"volumes": [{"name": "share"}]}),
        ]

    def looks(self) -> list[Task]:
        """What tells of the swarm and of its hosts."""
        return [
            Task("stack_info", {}, bare=True),
            Task("swarm_info", {}, bare=True),
            Task("health_info", {}, bare=True),
            Task("task_info", {"service": "other_web"}, bare=True),
            Task("service_logs", {"name": ["other_web"]}, bare=True),
        ]

    def rollback(self) -> list[Task]:
        """What takes back, or repeats, what was done."""
        return [
            Task("service", {"restart": {}, "name": ["other_web"], "wait": False}, title="restart", bare=True),
            Task("service", {"rollback": {}, "name": ["app_web"], "wait": False}, title="rollback", bare=True),
            Task("stack", {"name": "other", "state": "absent"}, title="absent", bare=True),
        ]
