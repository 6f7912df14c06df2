# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values planted in every option of every module that takes text and may hold a credential, and the search for them.

The options come from the argument specs, so that a new one is planted by itself. One that holds no credential stands in PUBLIC.
"""

from __future__ import annotations

import base64
import importlib
import re
import typing as t
from pathlib import Path
from unittest import mock

from ansible.module_utils import basic

Json = dict[str, t.Any]
PLUGINS = "ansible_collections.flotilla.swarm.plugins"
MODULES = Path(__file__).parents[2] / "plugins/modules"

# Why a credential is not in them, and the options.
PUBLIC = {
    "the name of something, or a pattern for names": """
        apt_info.packages autoscale.only autoscale.rules.service compose_project.project daemon_config.unit data_backup.volumes
        deploy_gate.branch deploy_gate.variables generated_secrets.rotate generated_secrets.secrets.authority
        generated_secrets.secrets.identity generated_secrets.secrets.name generated_secrets.secrets.names
        generated_secrets.secrets.username
        data_restore.host data_restore.names data_root.unit engine_needs.host engine_needs.users engine_needs.version
        host_info.kernel_modules
        host_info.packages host_info.units host_info.users
        image.images.name image_pull.images image_pull.node_images
        image.images.platforms metrics_file.metrics.help metrics_file.metrics.labels
        metrics_file.metrics.name metrics_file.name
        image.images.target inventory_check.needs inventory_check.own_variables job.image job.service job.show_environment
        network.absent network.networks.name
        nfs_exports.name nodes.absent nvidia_runtime.swarm_resource prune.keep prune.spare repository_key.fingerprints
        service.update.configs.gid service.update.configs.mode service.update.configs.source
        service.update.configs.target service.update.configs.uid
        service.update.configs_absent service.update.image service.update.mounts.source
        service.update.mounts.target service.update.mounts_absent service.name
        service.update.networks service.update.networks_absent service.update.ports_absent
        service.update.secrets.gid service.update.secrets.mode
        service.update.secrets.source service.update.secrets.target service.update.secrets.uid
        service.update.secrets_absent service.show_environment
        service.stack service_logs.name service_logs.stack service_logs.task stack.name stack.profiles stack.show_environment
        stack.optional_variables stack.silence stack_info.name
        swarm.host swarm_info.hosts swarm.members swarm.rejoin task_exec.show_environment task_exec.task task_exec.user
        task_info.node task_info.service task_kill.task task_stats.name task_stats.stack timers.prefix
        timers.timers.name volume.remove_stack_volumes volume.test_image
        volume.volumes.driver volume.volumes.name""",
    "the name of a user or group of a host": "directory.directories.group directory.directories.owner timers.user",
    "the name of a user or a registry, shown beside what it opens": """
        autoscale.rules.metric.username image.registry_auth.registry image.registry_auth.username
        image_pull.registry_auth.registry image_pull.registry_auth.username job.registry_auth.registry
        job.registry_auth.username service.registry_auth.registry service.registry_auth.username stack.registry_auth.registry
        stack.registry_auth.username""",
    "a path": """
        autoscale.record backup.dest data_backup.dest data_backup.paths data_restore.src data_root.path
        deploy_gate.directory directory.directories.path host_info.directories host_info.paths
        image.images.context
        image.images.dockerfile metrics_file.directory
        generated_secrets.file mount.absent mount.mounts.path nfs_exports.exports.path path_info.paths recover.archive
        registry_credentials.file timers.directory stack.env_files stack.files stack.files_below stack.project_dir
        task_exec.workdir volume.volumes.nfs.path""",
    "an address of a host or a network": """
        firewall.peers firewall.published.sources host_info.advertise_addr host_info.data_path_addr host_info.peers
        mount.mounts.source network.networks.gateway network.networks.subnet nfs_exports.exports.clients nodes.addresses
        overlay_probe.peers recover.advertise_addr registry_credentials.names registry_credentials.registry swarm.advertise_addr
        swarm.data_path_addr swarm.default_addr_pool swarm.gwbridge.subnet swarm.listen_addr swarm.peers swarm.remote_addrs
        volume.volumes.nfs.server""",
    "a time": """
        autoscale.rules.cool_down_down autoscale.rules.cool_down_up autoscale.wait_timeout job.wait_timeout prune.older_than
        service.update.rollback_config.delay service.update.rollback_config.monitor
        service.update.update_config.delay service.update.update_config.monitor
        timers.timers.calendar service.wait_timeout
        service_logs.since service_logs.until stack.wait_timeout swarm.settings.dispatcher_heartbeat
        swarm.settings.node_cert_expiry task_exec.wait_timeout""",
    "words of a small language without a place for a credential": """
        autoscale.rules.metric.path autoscale.rules.metric.query directory.directories.mode
        gpu_info.kinds job.constraints mount.mounts.options
        mount.mounts.version nfs_exports.exports.options nodes.availability nodes.label_policies.at_most_one_of
        nodes.label_policies.exactly_one nodes.roles service.update.constraints
        service.update.constraints_absent service.scale.replicas
        stack.device_kinds stack.keep_replicas volume.volumes.nfs.options volume.volumes.nfs.version""",
    "a command of the controller, where everybody reads the arguments of processes": "deploy_gate.command",
    "the text of a unit of systemd, which everybody on the host reads": "timers.timers.command timers.timers.description",
    "labels by which services or hosts are chosen": """directory.directories.labels directory.labels
        service.label service_logs.label stack_info.label""",
    "made by this collection out of what modules returned": """
        data_restore.archives image.images.context_hash job.session network.routes nodes.caller nodes.node_ids
        nodes.replaces
        overlay_probe.peers port_probe.data_path_peers port_probe.host port_probe.managers port_probe.peers port_probe.run
        recover.managers service.session stack.missing_paths stack.plan_id stack.run_id stack.session swarm.managers swarm.others""",
    "made by the action out of the options in which values are planted": "stack.model",
}
REASONS = {option: reason for reason, options in PUBLIC.items() for option in options.split()}
# The same in all modules that have them: how the engine is reached, and which swarm is meant.
SHARED = {"docker_host", "ca_path", "client_cert", "client_key", "confirm", "swarm_name", "cluster_id"}
SEEMS_SECRET = {"api_secret": "{}", "registry_password": "{}"}
# What an option holds where its type does not say it, with {} for the planted value.
SHAPES: dict[str, t.Any] = {
    "autoscale.rules.metric.command": ["sh", "-c", "echo no number; exit 1", "--password", "{}", "--url=http://me:{}@h/?token={}"],
    "autoscale.rules.metric.url": "http://127.0.0.1:9/depth?token={}",
    "backup.stacks": [{"name": "x", "content": {"services": {"a": {"image": "b", "environment": {"A": "{}"}}}}, "env": {"B": "{}"}}],
    "daemon_config.config": {
        "proxies": {"http-proxy": "http://me:{}@proxy:3128", "https-proxy": "http://{}@proxy:3128"},
        "log-driver": "splunk",
        "log-opts": {"splunk-token": "{}", "splunk-url": "https://splunk:8088"},
    },
    "engine_needs.config": {"registry-token": "{}", "log-opts": {"splunk-token": "{}"}},
    "image.images.labels": {"api_secret": "{}", "url": "https://me:{}@h/"},
    "image.images.cache_from": ["type=s3,region=x,secret_access_key={}"],
    "image.images.secrets": {"npm_token": "{}", "netrc": "machine h login me password {}"},
    "image.images.ssh": {"default": "{}"},
    "image.images.args": {"TOKEN": "{}", "PIP_INDEX_URL": "https://me:{}@pypi/simple", "INNOCENT": "{}"},
    "job.command": ["deploy", "--password", "{}", "--token={}", "https://me:{}@h/"],
    "job.entrypoint": ["/entry", "--secret", "{}"],
    "network.networks.labels": SEEMS_SECRET,
    "network.networks.options": {"com.example.password": "{}"},
    "nodes.labels": {"w1": SEEMS_SECRET},
    "repository_key.url": "https://me:{}@127.0.0.1:9/key.asc?token={}",
    "service.update.labels": {**SEEMS_SECRET, "basicauth.users": "me:$apr1$x${}"},
    "stack.content": {
        "services": {
            "web": {
                "image": "nginx:1",
                "command": ["run", "--password", "{}", "--dsn=postgres://me:{}@db/x"],
                "environment": {"DB_PASSWORD": "{}", "INNOCENT": "{}", "DATABASE_URL": "postgres://me:{}@db/x", "GIVEN": "${GIVEN}"},
                "labels": {"api_secret": "{}"},
                "deploy": {"labels": {"registry_password": "{}"}},
                "healthcheck": {"test": ["CMD", "curl", "--user", "me:{}", "http://me:{}@h/"]},
                "logging": {"driver": "splunk", "options": {"splunk-token": "{}"}},
                "volumes": ["share:/share"],
                "secrets": ["key"],
                "configs": ["conf"],
            }
        },
        "volumes": {"share": {"driver_opts": {"type": "cifs", "device": "//nas/x", "o": "username=me,password={}"}}},
        "secrets": {"key": {"environment": "GIVEN"}},
        "configs": {"conf": {"content": "password={}"}},
    },
    "stack.env": {"GIVEN": "{}"},
    "swarm.join_token": "SWMTKN-1-{}-{}",
    "swarm.settings.labels": SEEMS_SECRET,
    "swarm.unlock_key": "SWMKEY-1-{}",
    "task_exec.command": ["echo", "--password", "{}", "--token={}", "https://me:{}@h/"],
    "volume.volumes.labels": SEEMS_SECRET,
    "volume.volumes.options": {"type": "cifs", "device": "//nas/x", "o": "addr=10.0.0.9,username=me,password={}", "secret": "{}"},
}
BY_TYPE = {
    "dict": {"DB_PASSWORD": "{}", "INNOCENT": "{}", "DATABASE_URL": "postgres://me:{}@db/x", "OPTIONS": "addr=h,password={}"},
    "list": ["--password", "{}", "token={}", "https://me:{}@h/?key={}"],
    "raw": ["--password", "{}", "token={}", "https://me:{}@h/?key={}"],
}
MISSHAPEN = ("DB_PASSWORD={}", ["DB_PASSWORD={}"], {"DB_PASSWORD": "{}"}, [{"DB_PASSWORD": ["{}"]}], {"DB_PASSWORD": {"token": ["{}"]}})
# What has to be the same at both, for the work to go on.
SAME = {"data_restore.vault_password": "data_backup.vault_password"}
_MARK = re.compile(r"zqplanted\d{4}zq")
# A planted value in base64, at each of the three places where it may begin.
_ENCODED = tuple(base64.b64encode(b"\0" * shift + b"zqplanted").decode()[4 if shift else 0 : 12] for shift in range(3))


def argument_specs() -> dict[str, Json]:
    """The argument spec of each module, by its name."""
    found: dict[str, Json] = {}

    def take(self: t.Any, spec: Json, *_more: t.Any, **_constraints: t.Any) -> None:
        found[name] = {option: value for option, value in spec.items() if option not in SHARED}
        raise StopIteration

    for path in sorted(MODULES.glob("*.py")):
        name = path.stem
        module = importlib.import_module(f"{PLUGINS}.modules.{name}")
        if not hasattr(module, "main"):  # its action does all
            found[name] = importlib.import_module(f"{PLUGINS}.action.{name}").ARGUMENTS
            continue
        with mock.patch.object(basic.AnsibleModule, "__init__", take):
            try:
                module.main()
            except StopIteration:
                continue
    return found


def takes_text(spec: Json) -> bool:
    """Whether a text of the user's own may be in the option. A path is none."""
    kind = spec.get("elements", "raw") if spec.get("type") == "list" else spec.get("type", "str")
    return not spec.get("choices") and kind not in ("bool", "int", "float", "bytes", "bits", "path")


def text_options(specs: Json, prefix: str) -> t.Iterator[str]:
    """Options with text, those inside of others too, such as ``volume.volumes.options``."""
    for name, spec in specs.items():
        if "options" in spec:
            yield from text_options(spec["options"], f"{prefix}.{name}")
        elif takes_text(spec):
            yield f"{prefix}.{name}"


class Planted:
    """``where`` has the option of each value, and its place in it."""

    def __init__(self) -> None:
        self.where: dict[str, str] = {}
        self._filled: dict[str, t.Any] = {}

    def fill(self, specs: Json, given: Json, prefix: str) -> Json:
        """The given options with values planted in all others that may hold a credential; None leaves one out."""
        filled = {name: value for name, value in given.items() if name not in specs}
        for name, spec in specs.items():
            path = f"{prefix}.{name}"
            if spec.get("options") and isinstance(given.get(name), list):
                filled[name] = [self.fill(spec["options"], item, path) for item in given[name]]
            elif spec.get("options") and isinstance(given.get(name), dict):
                filled[name] = self.fill(spec["options"], given[name], path)
            elif name in given:
                filled[name] = given[name]
            elif "options" not in spec and takes_text(spec) and path not in REASONS:
                filled[name] = self.plant(path, spec)
        return {name: value for name, value in filled.items() if value is not None}

    def plant(self, path: str, spec: Json) -> t.Any:
        if path in SAME and SAME[path] in self._filled:
            return self._filled[SAME[path]]
        plain = "{}" if spec.get("no_log") else "password={}"
        self._filled[path] = self._sow(SHAPES.get(path) or BY_TYPE.get(spec.get("type", "str"), plain), path)
        return self._filled[path]

    def misshapen(self, path: str) -> list[t.Any]:
        """What a user may write in place of the right type."""
        return [self._sow(shape, f"{path} misshapen") for shape in MISSHAPEN]

    def _sow(self, shape: t.Any, place: str) -> t.Any:
        if isinstance(shape, dict):
            return {key: self._sow(item, f"{place}:{key}") for key, item in shape.items()}
        if isinstance(shape, list):
            return [self._sow(item, f"{place}[{index}]") for index, item in enumerate(shape)]
        if "{}" not in shape:
            return shape
        mark = f"zqplanted{len(self.where):04}zq"
        self.where[mark] = place
        return shape.replace("{}", mark)

    def found_in(self, text: str) -> set[str]:
        """The places of the values that are in a text, in clear or in base64."""
        encoded = {"in base64"} if any(part in text for part in _ENCODED) else set()
        return {self.where[mark] for mark in _MARK.findall(text)} | encoded
