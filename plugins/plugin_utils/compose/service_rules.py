# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine, or the node that runs a task, refuses of a service: one row for each rule, with its source.

Sources are files of moby/moby ("moby"), moby/swarmkit ("swarmkit"), opencontainers/runc ("runc"), docker/cli ("cli") and Linux ("kernel").
Where the engine takes a value that then has no effect, or another one than meant, the row says so in ``stricter``.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from ...module_utils._core.service.constraints import parse_constraint
from . import engine_values as values
from .rule import MANAGER, NODE, Rule, shown, template_rule
from .units import cpus_text, duration_text, size_text

_SERVICE = "swarmkit manager/controlapi/service.go"
_CONVERT = "moby daemon/cluster/convert"
_CONTAINER = "moby daemon/container.go"
_UNIX = "moby daemon/daemon_unix.go"
_MOUNTS = "moby daemon/volume/mounts/linux_parser.go"
_MILLISECOND = 10**6
_LOG_OPTIONS = frozenset("max-size max-file compress labels labels-regex env env-regex tag mode max-buffer-size".split())
_CONSTRAINED = frozenset("node.id node.hostname node.ip node.role node.platform.os node.platform.arch".split())
_OF_THE_NODE = {(22, "tcp"), (2377, "tcp"), (7946, "tcp"), (7946, "udp"), (4789, "udp")}


def _mode(service: t.Mapping[str, t.Any]) -> str:
    return str(service.get("mode", ""))


def _is_ingress(port: t.Mapping[str, t.Any]) -> bool:
    return str(port.get("mode", "ingress")).lower() != "host"


def _protocol(port: t.Mapping[str, t.Any]) -> str:
    return str(port.get("protocol") or "tcp").lower()


def _published(ports: t.Iterable[t.Mapping[str, t.Any]]) -> list[tuple[int, str]]:
    return [(port["published"], _protocol(port)) for port in ports if port.get("published")]


def _on_node(ports: t.Iterable[t.Mapping[str, t.Any]]) -> list[tuple[int, str]]:
    """The container's side of ports in host mode."""
    return [(port.get("target", 0), _protocol(port)) for port in ports if not _is_ingress(port)]


def _shared(items: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[str, list[str]]:
    """The first target that several mounts or references have, and their sources; empty if each has its own."""
    sources: dict[str, list[str]] = {}
    for item in items:
        sources.setdefault(item.get("target") or item.get("source", ""), []).append(item.get("source", ""))
    return next(((target, names) for target, names in sources.items() if len(names) > 1), ("", []))


def _tell_shared(items: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    target, names = _shared(items)
    return f"{' and '.join(map(repr, names))} have the same target {target!r}"


def _twice(ports: t.Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{number}/{protocol}" for (number, protocol), count in sorted(Counter(ports).items()) if count > 1)


def _cut_off(ports: t.Iterable[t.Mapping[str, t.Any]]) -> list[tuple[int, str]]:
    return sorted(_OF_THE_NODE & set(_published(port for port in ports if _is_ingress(port))))


def _runs_a_test(test: t.Sequence[str]) -> bool:
    return not test or test[0] == "NONE" or (test[0] in ("CMD", "CMD-SHELL") and len(test) > 1)


def _is_matched(text: str) -> bool:
    """Whether any node can have what the constraint asks for."""
    constraint = parse_constraint(text)
    key = constraint.key.lower() if constraint else "node.id"
    return key in _CONSTRAINED or key.startswith(("node.labels.", "engine.labels."))


def _decimal(mode: int) -> str:
    return f"{mode} is decimal, that is 0{mode:o}; write 0{mode}"


def _bad_options(logging: t.Mapping[str, t.Any]) -> list[str]:
    if logging.get("driver") not in ("json-file", "local"):
        return []
    return sorted(key for key in logging.get("options") or {} if key not in _LOG_OPTIONS and not key.startswith("cache-"))


SERVICE: tuple[Rule, ...] = (
    Rule(
        "deploy",
        lambda deploy: not (_mode(deploy).startswith("global") and "replicas" in deploy),
        "mode replicated or replicated-job",
        "cli cli/compose/convert/service.go",
        cure="remove replicas",
        found=lambda deploy: f"replicas of mode {deploy['mode']}",
        at="replicas",
        stricter="the client refuses it; the engine never sees the number",
    ),
    Rule(
        "deploy",
        lambda deploy: not (_mode(deploy).endswith("-job") and "update_config" in deploy),
        "",
        f"{_SERVICE} validateJob",
        MANAGER,
        "remove it, or change the mode",
        lambda _deploy: "a job has no update_config",
        "update_config",
    ),
    Rule(
        "deploy.restart_policy.condition",
        lambda text: text in ("", "none", "on-failure", "any"),
        "none, on-failure or any",
        f"{_CONVERT}/service.go restartPolicyToGRPC",
        MANAGER,
        "condition: any restarts always, and a task that was stopped is not started again",
    ),
    *(
        Rule(f"deploy.{key}", lambda span: span >= 0, "zero or more", f"{_SERVICE} {by}", MANAGER, found=shown(duration_text))
        for key, by in (
            ("restart_policy.delay", "validateRestartPolicy"),
            ("restart_policy.window", "validateRestartPolicy"),
            ("update_config.delay", "validateUpdate"),
            ("update_config.monitor", "validateUpdate"),
        )
    ),
    Rule(
        "deploy.update_config.max_failure_ratio",
        lambda ratio: 0 <= ratio <= 1,
        "a fraction from 0 to 1, such as 0.25",
        f"{_SERVICE} validateUpdate",
        MANAGER,
    ),
    Rule(
        "deploy.endpoint_mode",
        lambda text: text.lower() in ("", "vip", "dnsrr"),
        "vip or dnsrr",
        f"{_CONVERT}/service.go ServiceSpecToGRPC",
        MANAGER,
    ),
    Rule(
        "deploy.placement.constraints.*",
        lambda text: parse_constraint(text) is not None,
        "a text such as node.role == manager, with letters, digits, blanks and any of : - _ . * ( ) ? + [ ] \\ ^ $ | / for its value",
        "swarmkit manager/constraint/constraint.go Parse",
        MANAGER,
        "to select nodes where a label is empty or absent, exclude its other value, such as node.labels.jobs != true",
    ),
    Rule(
        "deploy.placement.constraints.*",
        _is_matched,
        "node.id, node.hostname, node.ip, node.role, node.platform.os, node.platform.arch, node.labels.NAME or engine.labels.NAME",
        "swarmkit manager/constraint/constraint.go NodeMatches",
        cure="for a label of nodes write node.labels.NAME",
        stricter="the engine takes it, and no node ever matches",
    ),
    Rule(
        "deploy.placement.preferences.*.spread",
        lambda text: text.lower().startswith(("node.labels.", "engine.labels.")),
        "node.labels.NAME or engine.labels.NAME",
        "swarmkit manager/scheduler/nodeset.go tree",
        cure="write node.labels.NAME",
        found=lambda text: f"{text!r} spreads nothing",
        stricter="the engine takes it, without effect",
        word="spread",
    ),
    *(
        Rule(
            f"deploy.resources.{side}.cpus",
            lambda nano: nano == 0 or nano >= _MILLISECOND,
            "at least 0.001",
            f"{_SERVICE} validateResources",
            MANAGER,
            found=shown(cpus_text),
        )
        for side in ("limits", "reservations")
    ),
    Rule(
        "deploy.resources.limits.memory",
        lambda size: size == 0 or size >= 6 << 20,
        "at least 6m",
        f"{_UNIX} verifyPlatformContainerResources",
        NODE,
        found=shown(size_text),
    ),
    Rule(
        "deploy.resources.reservations.memory",
        lambda size: size == 0 or size >= 4 << 20,
        "at least 4m",
        f"{_SERVICE} validateResources",
        MANAGER,
        found=shown(size_text),
    ),
    Rule(
        "deploy.resources.reservations.generic_resources.*.discrete_resource_spec",
        lambda unit: unit["value"] > 0,
        "1 or more",
        "swarmkit api/genericresource/validate.go HasEnough",
        cure="give a value of 1 or more",
        found=lambda unit: f"{unit['value']} of {unit['kind']} reserves nothing",
        stricter="the engine takes it, without effect",
        word="generic_resources",
    ),
    Rule(
        "healthcheck.test",
        _runs_a_test,
        "CMD with words, CMD-SHELL with a command, or NONE, at its beginning",
        "moby daemon/health.go getProbe",
        cure="write it as one text, or begin the list with CMD",
        stricter="the engine takes it, the node runs no check, and a deploy waits for one",
    ),
    *(
        Rule(
            f"healthcheck.{key}",
            lambda span: span == 0 or span >= _MILLISECOND,
            "0, or 1ms and more",
            f"{_SERVICE} validateHealthCheck",
            MANAGER,
            found=shown(duration_text),
            since=since,
        )
        for key, since in (("interval", (0, 0)), ("timeout", (0, 0)), ("start_period", (0, 0)), ("start_interval", (25, 0)))
    ),
    Rule(
        "stop_grace_period",
        lambda span: span >= 0,
        "zero or more",
        "moby daemon/stop.go containerStop",
        found=shown(duration_text),
        stricter="the engine takes it, and the node waits forever",
    ),
    Rule(
        "hostname",
        values.is_hostname,
        "at most 64 characters, and 63 between two dots",
        f"{_UNIX} validateHostnameLen, kernel sethostname(2)",
        NODE,
        "shorten it",
        stricter="the kernel takes one name of 64, and no name server does",
    ),
    template_rule("hostname"),
    template_rule("environment.*"),
    Rule("environment.@", bool, "a name", f"{_CONTAINER} validateContainerConfig", NODE, found=lambda _name: "a variable has no name"),
    Rule("working_dir", lambda path: not path or values.is_absolute(path), "an absolute path", f"{_CONTAINER} translateWorkingDir", NODE),
    Rule(
        "stop_signal",
        lambda text: not text or values.is_signal(text),
        "a signal such as SIGTERM, INT or 15",
        "moby vendor moby/sys/signal ParseSignal",
        NODE,
    ),
    *(
        Rule(f"{key}.*", values.is_capability, "a capability such as NET_ADMIN, or ALL", "moby daemon/pkg/oci/caps/utils.go", NODE)
        for key in ("cap_add", "cap_drop")
    ),
    Rule("ulimits.@", values.is_ulimit, "a limit such as nofile, nproc, memlock, core or stack", "runc rlimit_linux.go", NODE),
    Rule(
        "ulimits.*",
        values.is_ordered,
        "a soft limit that is not above the hard one; -1 is no limit",
        "kernel setrlimit(2)",
        NODE,
        found=lambda limit: f"found soft {limit['soft']} and hard {limit['hard']}",
    ),
    Rule(
        "sysctls.@",
        values.is_sysctl,
        "net.*, fs.mqueue.*, or one of kernel.msg*, kernel.sem and kernel.shm*",
        "runc libcontainer/configs/validate/validator.go sysctl",
        NODE,
        "it belongs to the whole node: set it on the hosts",
        found=lambda name: f"{name} is none of those that each container has for itself",
    ),
    Rule(
        "extra_hosts.*",
        values.is_host_line,
        "a name, and an IP address or host-gateway",
        "moby daemon/pkg/opts/hosts.go ValidateExtraHost",
        NODE,
        found=lambda line: "found " + "=".join(reversed(line.split(" ", 1))),
        stricter="a node leaves out what has no address",
    ),
    Rule(
        "dns.*",
        values.is_address,
        "an IP address",
        "moby api/types/swarm/container.go DNSConfig",
        MANAGER,
        "write an address",
        lambda text: f"{text!r} is no IP address, and names nothing",
        since=(29, 0),
        stricter="older engines take it, and no server is asked",
        word="dns",
    ),
    Rule(
        "logging",
        lambda logging: not _bad_options(logging),
        "options of the driver, such as max-size and max-file",
        "moby daemon/logger/jsonfilelog and local ValidateLogOpt",
        NODE,
        at="options",
        found=lambda logging: f"{logging['driver']} has no option {', '.join(_bad_options(logging))}",
    ),
    Rule(
        "ports.*",
        lambda port: port.get("target", 0) > 0,
        "target: a port from 1 to 65535",
        f"{_CONTAINER} validatePortBindings",
        NODE,
        found=lambda _port: "a port has no target",
        since=(29, 0),
        stricter="engines before, and those with mode: ingress, take it, and nothing answers",
    ),
    Rule(
        "ports.*",
        lambda port: _protocol(port) in ("tcp", "udp", "sctp"),
        "tcp, udp or sctp",
        f"{_CONVERT}/service.go ServiceSpecToGRPC",
        found=lambda port: f"found protocol {port['protocol']!r}",
        stricter="the engine takes it for tcp",
    ),
    Rule(
        "ports.*",
        lambda port: str(port.get("mode", "")).lower() in ("", "ingress", "host"),
        "ingress or host",
        f"{_CONVERT}/service.go ServiceSpecToGRPC",
        cure="write ingress or host",
        found=lambda port: f"mode {port['mode']!r} counts as ingress",
        stricter="the engine takes it for ingress",
        word="ports",
    ),
    Rule(
        "ports",
        lambda ports: not _twice(_published(ports)),
        "each port once",
        f"{_SERVICE} validateEndpointSpec",
        MANAGER,
        found=lambda ports: f"port {_twice(_published(ports))} is published twice",
    ),
    Rule(
        "ports",
        lambda ports: not _twice(_on_node(ports)),
        "one published port for each port of the container in mode: host",
        "moby daemon/cluster/executor/container/container.go portBindings",
        cure="let the container listen on a second port, or use mode: ingress",
        found=lambda ports: f"two ports of the node lead to {_twice(_on_node(ports))}",
        stricter="the engine takes it, and the node publishes the last one alone",
    ),
    Rule(
        "ports",
        lambda ports: not _cut_off(ports),
        "",
        _SERVICE,
        cure="publish another port",
        word="node_port",
        found=lambda ports: (
            f"{', '.join(f'{number}/{protocol}' for number, protocol in _cut_off(ports))} published on every node takes the port "
            "of the nodes' own SSH or swarm"
        ),
        stricter="the engine takes it, and nodes can be cut off",
    ),
    Rule(
        "",
        lambda service: (
            not (
                str(service.get("deploy", {}).get("endpoint_mode", "")).lower() == "dnsrr"
                and any(map(_is_ingress, service.get("ports", [])))
            )
        ),
        "ports with mode: host",
        f"{_SERVICE} validateEndpointSpec",
        MANAGER,
        at="ports",
        found=lambda _service: "endpoint_mode dnsrr with a port in ingress mode",
    ),
    *(
        Rule(
            section,
            lambda references: not _shared(references)[1],
            "one target each",
            f"{_SERVICE} {by}",
            MANAGER,
            found=_tell_shared,
        )
        for section, by in (("secrets", "validateSecretRefsSpec"), ("configs", "validateConfigRefsSpec"))
    ),
    Rule(
        "volumes",
        lambda mounts: not _shared(mounts)[1],
        "one mount for each target",
        f"{_SERVICE} validateMounts",
        MANAGER,
        "remove one of them",
        lambda mounts: f"two mounts have the target {_shared(mounts)[0]}",
    ),
    Rule(
        "volumes.*",
        lambda mount: values.is_mount_target(mount.get("target", "")),
        "an absolute path that is not /",
        f"{_MOUNTS} validateMountConfigImpl",
        NODE,
        found=lambda mount: f"found target {mount.get('target', '')!r}",
    ),
    Rule(
        "volumes.*",
        lambda mount: mount["type"] != "image",
        "volume, bind, tmpfs, npipe or cluster",
        f"{_CONVERT}/container.go containerToGRPC",
        MANAGER,
        "run the image as a service of its own",
        lambda _mount: "found type 'image', which services can't mount",
    ),
    Rule(
        "volumes.*.bind.propagation",
        lambda text: text in ("", "private", "rprivate", "shared", "rshared", "slave", "rslave"),
        "private, rprivate, shared, rshared, slave or rslave",
        f"{_CONVERT}/container.go containerToGRPC",
        MANAGER,
    ),
    Rule(
        "volumes.*.volume.subpath",
        values.is_subpath,
        "a relative path that stays below the volume",
        f"{_MOUNTS} validateMountConfigImpl",
        NODE,
        since=(26, 0),
    ),
    Rule(
        "volumes.*.tmpfs.mode", values.is_meant_mode, "", "cli cli/compose/loader", found=_decimal, stricter="the engine takes any number"
    ),
    *(template_rule(f"volumes.*.{key}") for key in ("source", "target")),
    *(
        Rule(
            f"{kind}.*.mode",
            values.is_meant_mode,
            "",
            "cli cli/compose/loader",
            found=_decimal,
            stricter="the engine takes any number",
            word=word,
        )
        for kind, word in (("secrets", ""), ("configs", "mode"))
    ),
    *(
        Rule(
            f"{kind}.*.{key}",
            lambda text: str(text or "0").isdecimal(),
            "a number: users are known inside the image alone",
            "moby daemon/container_operations_unix.go",
            NODE,
        )
        for kind in ("secrets", "configs")
        for key in ("uid", "gid")
    ),
    Rule(
        "networks",
        lambda names: "ingress" not in names,
        "",
        f"{_SERVICE} validateNetworks",
        MANAGER,
        "publish ports instead",
        lambda _names: "no service can join the network ingress",
    ),
    Rule(
        "networks",
        lambda names: "none" not in names,
        "",
        "moby daemon/cluster/networks.go populateNetworkID",
        MANAGER,
        "use an internal network without other services",
        lambda _names: "no service can join the network none",
    ),
    Rule(
        "networks",
        lambda names: "host" not in names or len(names) == 1,
        "the network host alone, or none but it",
        "moby daemon/cluster/executor/container/container.go hostConfig",
        NODE,
        "tasks in the host's network reach others through published ports",
        lambda _names: "found the network host beside others",
        stricter="with the other one before it in the alphabet a task runs, and is not in the host's network",
    ),
)
