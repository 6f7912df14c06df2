# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of a service, as one table: its places in a stack file and in the Engine API, and how it is made, compared and shown. Pure.

Two things have no row: the mode with its counts, which ``ServiceSpec`` has, and references to other objects of a stack,
which ``stack/convert.py`` resolves to the names in the swarm before the table is asked.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, replace
from functools import cache

from ...errors import PlanError
from ...redact import UNSET
from ..timestamps import SECOND_NS, parse_seconds
from .images import familiar_image, short_image
from .spec import EMPTY, Json, Raw, ServiceSpec, filled

Convert = t.Callable[[t.Any], t.Any]

OLDEST_API, ANY_API = (1, 41), (99,)
MONITOR_NS = 5 * SECOND_NS

READ_BY_ALL = 0o444
"""The mode of a secret or config in a container where none is given."""
_SPACED_OPERATOR = re.compile(r"\s*(==|!=)\s*")


def _as_it_is(value: t.Any) -> t.Any:
    return value


@dataclass(frozen=True)
class ServiceField:
    """``word`` is how a plan names it, ``path`` its place in the spec of the API, ``key`` that in a stack file.

    ``make`` turns what a stack file says, in normal form, into what the API takes; ``show`` turns that into what is compared and
    shown; ``read`` turns an option of ``update`` into what the API takes. ``default`` is what the engine does without it, as it is shown;
    of a field that is ``kept``, zero and empty are not the same as none. ``restarts`` says whether a change starts new tasks. ``since`` is
    the first version of the API that has it, by the version history of the Engine API.
    """

    word: str
    path: tuple[str, ...]
    key: tuple[str, ...]
    make: Convert = _as_it_is
    show: Convert = _as_it_is
    read: Convert = _as_it_is
    default: t.Any = None
    kept: bool = False
    restarts: bool = True
    since: tuple[int, int] = OLDEST_API

    def is_given(self, value: t.Any) -> bool:
        return value is not None if self.kept else value not in EMPTY

    def put(self, spec: Raw, value: t.Any) -> Json:
        """The spec with this value of the API in its place."""
        return _put(spec, self.path, value)


def _put(node: Raw, path: tuple[str, ...], value: t.Any) -> Json:
    inner = value if len(path) == 1 else _put(node.get(path[0]) or {}, path[1:], value)
    return {**node, path[0]: inner}


# --- how values are made, and how they are shown


def make_port(given: Raw) -> Json:
    return filled(
        TargetPort=given.get("target"), PublishedPort=given.get("published"), Protocol=given.get("protocol"), PublishMode=given.get("mode")
    )


def make_mount(given: Raw) -> Json:
    """What every type of mount has."""
    return filled(
        Type=given["type"],
        Source=given.get("source"),
        Target=given.get("target"),
        ReadOnly=given.get("read_only"),
        Consistency=given.get("consistency"),
    )


def make_reference(kind: str, name: str, given: Raw, mode: int) -> Json:
    """To a secret or config by its name in the swarm; its ID is for the applier to add."""
    file = {"Name": given.get("target") or given["source"], "UID": given.get("uid") or "0", "GID": given.get("gid") or "0", "Mode": mode}
    return {f"{kind.title()}Name": name, "File": file}


def _make_environment(given: Raw) -> list[str]:
    return sorted(name if value is None else f"{name}={value}" for name, value in given.items())


def _show_environment(items: t.Sequence[str]) -> dict[str, str]:
    """``["A=1", "B"]`` as ``{"A": "=1", "B": "(unset)"}``: a bare name removes what the image sets."""
    pairs = (item.partition("=") for item in items)
    return {name: f"={value}" if equals else UNSET for name, equals, value in pairs}


def _make_capabilities(given: t.Iterable[str]) -> list[str]:
    names = {name.strip().upper() for name in given}
    return ["ALL"] if "ALL" in names else sorted({name if name.startswith("CAP_") else f"CAP_{name}" for name in names})


def _make_ulimits(given: Raw) -> list[Json]:
    return [{"Name": name, "Soft": limit["soft"], "Hard": limit["hard"]} for name, limit in sorted(given.items())]


def _show_ulimits(items: t.Sequence[Raw]) -> dict[str, str]:
    return {item["Name"]: f"{item.get('Soft') or 0}:{item.get('Hard') or 0}" for item in items}


def _show_mounts(items: t.Sequence[Raw]) -> Json:
    return {mount.get("Target", ""): _show_mount(mount) for mount in items}


def _show_mount(mount: Raw) -> Json:
    form = {_snake(key): value for key, value in mount.items() if key != "Target"}
    form["type"] = mount.get("Type") or "bind"
    if form.get("consistency") == "default":
        del form["consistency"]
    return form


def _show_references(name_key: str) -> Convert:
    """By the path in the container: the name of the secret or config, its owner and mode."""

    def show(items: t.Sequence[Raw]) -> Json:
        form: Json = {}
        for item in items:
            file = item.get("File")
            path = file["Name"] if file else f"(runtime) {item[name_key]}"
            facts = {"uid": file.get("UID"), "gid": file.get("GID"), "mode": f"{file.get('Mode') or 0:04o}"} if file else {}
            form[path] = {"name": item[name_key], **facts}
        return form

    return show


def _show_networks(items: t.Sequence[Raw]) -> Json:
    """By name. ``attached`` keeps an attachment without aliases from looking like none."""
    return {
        item["Target"]: {"attached": True, "aliases": sorted(set(item.get("Aliases") or ())), "driver_opts": item.get("DriverOpts") or {}}
        for item in items
    }


def _show_constraints(texts: t.Iterable[str]) -> list[str]:
    return sorted({_SPACED_OPERATOR.sub(r" \1 ", text.strip()) for text in texts})


def _make_preferences(given: t.Iterable[Raw]) -> list[Json]:
    return [{"Spread": {"SpreadDescriptor": item.get("spread", "")}} for item in given]


def _show_preferences(items: t.Iterable[Raw]) -> list[str]:
    return [(item.get("Spread") or {}).get("SpreadDescriptor", "") for item in items]


def _make_generic(given: t.Iterable[Raw]) -> list[Json]:
    specs = (item["discrete_resource_spec"] for item in given)
    return [{"DiscreteResourceSpec": filled(Kind=spec.get("kind"), Value=spec.get("value"))} for spec in specs]


def _show_generic(items: t.Iterable[Raw]) -> list[str]:
    specs = (item.get("DiscreteResourceSpec") or item.get("NamedResourceSpec") or {} for item in items)
    return sorted(f"{spec.get('Kind', '')}={spec.get('Value') or 0}" for spec in specs)


def _show_ports(items: t.Sequence[Raw]) -> list[str]:
    ports = {
        (
            port.get("PublishedPort") or 0,
            port.get("TargetPort") or 0,
            (port.get("Protocol") or "tcp").lower(),
            "host" if port.get("PublishMode") == "host" else "ingress",
        )
        for port in items
    }
    return [
        f"{published}:{target}/{protocol} {mode}" if published else f"{target}/{protocol} {mode}"
        for published, target, protocol, mode in sorted(ports)
    ]


def _show_seconds(nanoseconds: int) -> str:
    """Exact, so that no difference is lost."""
    return f"{nanoseconds // SECOND_NS}.{nanoseconds % SECOND_NS:09}".rstrip("0").rstrip(".") + "s"


def _show_cpus(nanos: int) -> float:
    return nanos / SECOND_NS


def _show_members(value: Raw) -> Json:
    return {_snake(key): item for key, item in value.items()}


def _show_seccomp(value: Raw) -> Json:
    profile = str(value.get("Profile") or "")
    return {"mode": value.get("Mode"), "profile": hashlib.sha256(profile.encode()).hexdigest()[:12] if profile else ""}


def _sorted(items: t.Iterable[t.Any]) -> list[t.Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


# --- the table

_DURATION: Json = {"show": _show_seconds}


def _below(path: str, *fields: ServiceField) -> list[ServiceField]:
    return [replace(field, path=(*path.split("."), *field.path)) for field in fields]


def _field(word: str, path: str, key: str = "", **more: t.Any) -> ServiceField:
    """One that stands under its word in a stack file, if not under ``key``."""
    return ServiceField(word, tuple(path.split(".")), tuple((key or word).split(".")), **more)


def _deploy(word: str, path: str, **more: t.Any) -> ServiceField:
    """One that stands under ``deploy`` in a stack file."""
    return _field(word, path, f"deploy.{word}", **more)


def _policy(word: str, path: str) -> list[ServiceField]:
    def duration(name: str) -> Convert:
        return lambda text: round(parse_seconds(text, name) * SECOND_NS)

    return [
        _deploy(f"{word}.parallelism", f"{path}.Parallelism", default=1, kept=True, restarts=False),
        _deploy(f"{word}.delay", f"{path}.Delay", show=_show_seconds, read=duration("delay"), default="0s", restarts=False),
        _deploy(f"{word}.failure_action", f"{path}.FailureAction", default="pause", restarts=False),
        _deploy(f"{word}.monitor", f"{path}.Monitor", show=_show_seconds, read=duration("monitor"), default="5s", restarts=False),
        _deploy(f"{word}.max_failure_ratio", f"{path}.MaxFailureRatio", default=0, kept=True, restarts=False),
        _deploy(f"{word}.order", f"{path}.Order", default="stop-first", kept=True, restarts=False),
    ]


def _resources(word: str, path: str) -> list[ServiceField]:
    return [
        _deploy(f"{word}.cpus", f"{path}.NanoCPUs", show=_show_cpus, read=lambda cpus: round(cpus * SECOND_NS)),
        _deploy(f"{word}.memory", f"{path}.MemoryBytes"),
        _deploy(f"{word}.pids", f"{path}.Pids"),
        _deploy(f"{word}.generic_resources", f"{path}.GenericResources", make=_make_generic, show=_show_generic),
    ]


FIELDS: tuple[ServiceField, ...] = (
    *_below(
        "TaskTemplate.ContainerSpec",
        _field("cap_add", "CapabilityAdd", make=_make_capabilities, show=_sorted),
        _field("cap_drop", "CapabilityDrop", make=_make_capabilities, show=_sorted),
        _field("command", "Args"),
        _field("configs", "Configs", show=_show_references("ConfigName")),
        _field("container_labels", "Labels", "labels", kept=True),
        _field("credential_spec", "Privileges.CredentialSpec", show=_show_members),
        _field("dns", "DNSConfig.Nameservers"),
        _field("dns_opt", "DNSConfig.Options"),
        _field("dns_search", "DNSConfig.Search"),
        _field("entrypoint", "Command"),
        _field("environment", "Env", make=_make_environment, show=_show_environment),
        _field("extra_hosts", "Hosts", show=_sorted),
        _field("group_add", "Groups", show=_sorted),
        _field("healthcheck.interval", "Healthcheck.Interval", **_DURATION),
        _field("healthcheck.retries", "Healthcheck.Retries"),
        _field("healthcheck.start_interval", "Healthcheck.StartInterval", since=(1, 44), **_DURATION),
        _field("healthcheck.start_period", "Healthcheck.StartPeriod", **_DURATION),
        _field("healthcheck.test", "Healthcheck.Test"),
        _field("healthcheck.timeout", "Healthcheck.Timeout", **_DURATION),
        _field("hostname", "Hostname"),
        _field("image", "Image", make=familiar_image, show=short_image),
        _field("init", "Init", kept=True),
        _field("isolation", "Isolation", default="default"),
        _field("oom_score_adj", "OomScoreAdj", make=int, since=(1, 46)),
        _field("read_only", "ReadOnly"),
        _field("secrets", "Secrets", show=_show_references("SecretName")),
        _field("security_opt.apparmor", "Privileges.AppArmor", show=_show_members, since=(1, 44)),
        _field("security_opt.no_new_privileges", "Privileges.NoNewPrivileges", since=(1, 44)),
        _field("security_opt.seccomp", "Privileges.Seccomp", show=_show_seccomp, since=(1, 44)),
        _field("security_opt.selinux", "Privileges.SELinuxContext", show=_show_members),
        _field("stdin_open", "OpenStdin"),
        _field("stop_grace_period", "StopGracePeriod", default="10s", kept=True, **_DURATION),
        _field("stop_signal", "StopSignal"),
        _field("sysctls", "Sysctls"),
        _field("tty", "TTY"),
        _field("ulimits", "Ulimits", make=_make_ulimits, show=_show_ulimits),
        _field("user", "User"),
        _field("volumes", "Mounts", show=_show_mounts),
        _field("working_dir", "Dir"),
    ),
    *_below(
        "TaskTemplate",
        _field("logging.driver", "LogDriver.Name"),
        _field("logging.options", "LogDriver.Options"),
        _field("networks", "Networks", show=_show_networks),
        _deploy("placement.constraints", "Placement.Constraints", show=_show_constraints, restarts=False),
        _deploy("placement.max_replicas_per_node", "Placement.MaxReplicas", make=int, restarts=False),
        _deploy("placement.preferences", "Placement.Preferences", make=_make_preferences, show=_show_preferences, restarts=False),
        *_resources("resources.limits", "Resources.Limits"),
        *_resources("resources.reservations", "Resources.Reservations"),
        _deploy("restart_policy.condition", "RestartPolicy.Condition", default="any"),
        _deploy("restart_policy.delay", "RestartPolicy.Delay", default="5s", kept=True, **_DURATION),
        _deploy("restart_policy.max_attempts", "RestartPolicy.MaxAttempts", default=0, kept=True),
        _deploy("restart_policy.window", "RestartPolicy.Window", default="0s", kept=True, **_DURATION),
    ),
    _deploy("endpoint_mode", "EndpointSpec.Mode", make=str.lower, default="vip"),
    _field("ports", "EndpointSpec.Ports", make=lambda ports: [make_port(port) for port in ports], show=_show_ports),
    _deploy("labels", "Labels", kept=True, restarts=False),
    *_policy("update_config", "UpdateConfig"),
    *_policy("rollback_config", "RollbackConfig"),
)
BY_WORD = {field.word: field for field in FIELDS}
KEYS = {field.key[0] for field in FIELDS}
"""Of a service in a stack file."""
# Sections of a plan whose change leaves tasks alone; of the rest swarmkit starts new ones.
HARMLESS = {field.word.partition(".")[0] for field in FIELDS if not field.restarts} | {"replicas", "max_concurrent", "total_completions"}

# What is no difference: it is shown by other means, or the engine sets it itself.
_NOT_COMPARED = ("Name", "Mode", "Networks", "TaskTemplate.ForceUpdate", "TaskTemplate.Runtime", "TaskTemplate.Placement.Platforms")
_SECTIONS = {"TaskTemplate": (), "ContainerSpec": ("container",)}
_POLICIES = {"update_config": "UpdateConfig", "rollback_config": "RollbackConfig"}


def _as_tree() -> Json:
    tree: Json = {}
    for path, leaf in [*((field.path, field) for field in FIELDS), *((tuple(each.split(".")), None) for each in _NOT_COMPARED)]:
        node = tree
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = leaf
    return tree


_TREE = _as_tree()
_BY_SECTION = {section: [each for each in FIELDS if each.key[:-1] == section] for section in {each.key[:-1]: 0 for each in FIELDS}}
_DEFAULTS = {field.word: field.default for field in FIELDS if field.default is not None}


def make_spec(given: Raw) -> Json:
    """The fields that a service in normal form has. A section that is given is sent, if only empty."""
    spec: Json = {"TaskTemplate": {"ContainerSpec": {}, "ForceUpdate": 0, "Placement": {}, "Resources": {}}, "EndpointSpec": {}}
    for section, fields in _BY_SECTION.items():
        values = value_at(given, section)
        for field in fields if values is not None else ():
            value = values.get(field.key[-1])
            value = None if value is None else field.make(value)
            if not field.is_given(value) and not section:
                continue
            node = spec
            for name in field.path[:-1]:
                node = node.setdefault(name, {})
            if field.is_given(value):
                node[field.path[-1]] = value
    return spec


def comparable(spec: Raw) -> Json:
    """One form for a spec, whoever wrote it, and what a plan shows: by the words of a stack file, with the engine's defaults.

    The order of a list is kept only if it means something. Fields without a row are in it as well, so that their changes show.
    """
    view = ServiceSpec(spec)
    form: Json = dict(_DEFAULTS)
    _collect(spec, _TREE, (), form)
    form.update(view.counts, mode=view.mode)
    for word, name in _POLICIES.items():
        form[f"{word}.parallelism"] = view.at_once(name)
    if view.is_job:
        return {word: value for word, value in form.items() if word.partition(".")[0] not in _POLICIES}
    return form


def _collect(node: Raw, tree: Json, path: tuple[str, ...], form: Json) -> None:
    for name, value in node.items():
        known = tree.get(name, node)
        if isinstance(known, ServiceField):
            shown = _shown(known, value)
            if shown is not None:
                form[known.word] = shown
        elif known is node:
            rest = without_empty(value)
            if rest not in EMPTY:
                form[".".join((*path, _snake(name)))] = rest
        elif known and value:
            _collect(value, known, (*path, *_SECTIONS.get(name, (_snake(name),))), form)


def _shown(field: ServiceField, value: t.Any) -> t.Any:
    if field.kept:
        return None if value is None or value == "" else field.show(value)
    shown = None if value in EMPTY else without_empty(field.show(value))
    return None if shown in EMPTY else shown


def without_empty(value: t.Any) -> t.Any:
    """The value without members that are null, false, zero or empty, at any depth."""
    if isinstance(value, dict):
        cleaned = {key: without_empty(item) for key, item in value.items()}
        # A text is no number and no collection: most members need one comparison alone.
        return {key: item for key, item in cleaned.items() if (item != "" if isinstance(item, str) else item not in EMPTY)}
    if isinstance(value, (list, tuple)):
        return [without_empty(item) for item in value]
    return value


_NEWER = tuple(field for field in FIELDS if field.since > OLDEST_API)


def refuse_unknown(specs: t.Iterable[Raw], api: tuple[int, ...]) -> None:
    """Raise PlanError for a field that an engine with this version of the API drops silently: each later plan would show it again."""
    for spec in map(ServiceSpec, specs):
        for field in _NEWER:
            if field.since > api and field.is_given(value_at(spec.raw, field.path)):
                since, spoken = (".".join(map(str, version)) for version in (field.since, api))
                raise PlanError(
                    f"service {spec.name}: {field.word} is new in version {since} of the Engine API, and the manager has {spoken}",
                    f"Upgrade the engines of the managers, or leave {field.word} out.",
                )


def value_at(node: t.Any, path: tuple[str, ...]) -> t.Any:
    for name in path:
        node = (node or {}).get(name)
    return node
