# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways by which an engine gives NVIDIA GPUs to containers: its runtimes and its CDI devices. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from ...errors import PlanError
from ..cluster.node import read_generic

RUNTIME = "nvidia"


_SPEC = re.compile(r"""(?:^|[{,\s])["']?kind["']?\s*:\s*["']?nvidia\.com/gpu(?![\w./-])""")


def spec_dirs(info: t.Mapping[str, t.Any]) -> list[str]:
    """Where the engine with this ``/info`` finds CDI devices. Empty where CDI is off, and of engines before 25, which have none."""
    return list(info.get("CDISpecDirs") or [])


def read_route(info: t.Mapping[str, t.Any], specs: t.Mapping[str, str], driver: str) -> dict[str, t.Any]:
    """What the engine's ``/info`` tells, empty if none answers; ``specs`` is path -> text of the files in its directories.

    ``driver`` is the version of the kernel's driver, empty if that is not known.
    """
    runtimes = sorted(info.get("Runtimes") or {})
    found = [{"path": path, "fresh": is_fresh(text, driver)} for path, text in sorted(specs.items()) if _SPEC.search(text)]
    return {
        "version": str(info.get("ServerVersion") or ""),
        "route": _route(info, runtimes, bool(found)),
        "runtimes": runtimes,
        "default_runtime": str(info.get("DefaultRuntime") or ""),
        "cdi_spec_dirs": spec_dirs(info),
        "cdi_specs": found,
    }


def _route(info: t.Mapping[str, t.Any], runtimes: t.Sequence[str], has_spec: bool) -> str:
    if not info:
        return "unknown"
    if info.get("DefaultRuntime") == RUNTIME:
        return "default runtime"
    if RUNTIME in runtimes:
        return "runtime"
    return "cdi" if has_spec else "none"


def is_fresh(spec: str, driver: str) -> bool | None:
    """Whether a spec names the libraries of this driver, which an update of the driver replaces. None without a driver."""
    return bool(re.search(rf"\.so\.{re.escape(driver)}(?![\d.]*\d)", spec)) if driver else None


COLUMNS = "index,uuid,name,memory.total,mig.mode.current"
QUERY = ("nvidia-smi", f"--query-gpu={COLUMNS}", "--format=csv,noheader,nounits")
LIST = ("nvidia-smi", "-L")
TOOLKIT = ("nvidia-ctk", "--version")
DRIVER = "/sys/module/nvidia/version"
CONFIG = "/etc/nvidia-container-runtime/config.toml"
RULE = "/etc/udev/rules.d/71-nvidia-dev-char.rules"
TOOLKIT_PACKAGES = ("nvidia-container-toolkit", "nvidia-container-toolkit-base", "libnvidia-container-tools", "libnvidia-container1")


KIND = "gpu"


_GPU_KINDS = ("GPU", "NVIDIA-GPU", "NVIDIA_GPU")


_GPU = re.compile(r"GPU \d+: .*\(UUID: (GPU-[0-9a-f-]+)\)\s*$")


_MIG = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)\s*$")


_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


_VERSION = re.compile(r"version:? v?(\d+)\.(\d+)\.(\d+)(?:[-~]rc\.?(\d+))?")


@dataclass(frozen=True)
class Device:
    """What one task is given: a MIG device."""

    uuid: str
    profile: str


@dataclass(frozen=True)
class Gpu:
    """``memory_mb`` is in MiB, 0 if the driver can't say. A GPU in MIG mode is used through its ``devices`` only."""

    index: int
    uuid: str
    model: str
    memory_mb: int
    mig: bool
    devices: tuple[Device, ...] = ()

    def as_result(self) -> dict[str, t.Any]:
        return {**asdict(self), "devices": [asdict(device) for device in self.devices]}

    @property
    def assignable(self) -> tuple[str, ...]:
        """The UUIDs that can be assigned to tasks."""
        return tuple(device.uuid for device in self.devices) if self.mig else (self.uuid,)


def parse_query(text: str, listing: str) -> list[Gpu]:
    """GPUs from what ``QUERY`` and ``LIST`` print; only the latter names MIG devices."""
    devices = parse_list(listing)
    found = []
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) == COLUMNS.count(",") + 1 and values[1].startswith("GPU-"):
            index, uuid, model, memory, mig = values
            numbers = [int(value) if value.isdecimal() else 0 for value in (index, memory)]
            found.append(Gpu(numbers[0], uuid, model, numbers[1], mig == "Enabled", devices.get(uuid, ())))
        elif line.strip() and line.strip() != "No devices were found":
            raise PlanError(f"reading nvidia-smi: {line.strip()!r} is not a line with {COLUMNS}.")
    return found


def parse_list(text: str) -> dict[str, tuple[Device, ...]]:
    """MIG devices by the UUID of their GPU."""
    found: dict[str, tuple[Device, ...]] = {}
    gpu = ""
    for line in text.splitlines():
        head, device = _GPU.match(line), _MIG.match(line)
        if head:
            gpu = head.group(1)
            found[gpu] = ()
        elif device and gpu:
            found[gpu] += (Device(device.group(2), device.group(1)),)
    return found


def kind_of(model: str, kinds: t.Mapping[str, str]) -> str:
    """The kind of the first pattern that the model matches, regardless of case; ``gpu`` where none does."""
    return next((kind for pattern, kind in kinds.items() if fnmatchcase(model.lower(), pattern.lower())), KIND)


def refuse_wrong_kinds(kinds: t.Mapping[str, str]) -> None:
    wrong = [f"{pattern}: {kind!r}" for pattern, kind in kinds.items() if not _KIND.fullmatch(str(kind))]
    if wrong:
        raise PlanError(f"kinds: {', '.join(wrong)} must be letters, digits, '.', '_' and '-', such as gpu or gpu_large.")
    folded: dict[str, str] = {}
    for kind in (KIND, *kinds.values()):
        if folded.setdefault(kind.upper(), kind) != kind:
            raise PlanError(f"kinds: {kind} and {folded[kind.upper()]} differ in case only, and tasks get both as {variable(kind)}.")


def resources(gpus: t.Iterable[Gpu], kinds: t.Mapping[str, str]) -> list[str]:
    """``node-generic-resources``: ``kind=UUID`` for each device; a count would be read as the index of a GPU."""
    return [f"{kind_of(gpu.model, kinds)}={uuid}" for gpu in gpus for uuid in gpu.assignable]


def other_resources(offered: t.Iterable[t.Mapping[str, t.Any]], found: t.Iterable[str]) -> list[str]:
    """What an engine offers, ``GenericResources`` of its ``/info``, that stands for no GPU: of another kind than what was ``found``."""
    kinds = {*_GPU_KINDS, *(entry.partition("=")[0].upper() for entry in found)}
    parts = [read_generic(unit).partition("=") for unit in offered]
    return ["".join(part) for part in parts if part[0].upper() not in kinds and not part[2].startswith(("GPU-", "MIG-"))]


def variable(kind: str) -> str:
    """The variable in which the engine tells a task what it was assigned."""
    return f"DOCKER_RESOURCE_{kind.upper()}"


def swarm_resource(gpus: t.Iterable[Gpu], kinds: t.Mapping[str, str]) -> str:
    """The toolkit's ``swarm-resource``: the variables of the kinds that the GPUs have, ``gpu`` if there is none."""
    return ",".join(dict.fromkeys(variable(kind_of(gpu.model, kinds)) for gpu in gpus)) or variable(KIND)


def labels(gpus: t.Sequence[Gpu]) -> dict[str, str]:
    """Node labels: ``gpu``, and ``gpu.`` with each model, such as ``gpu.nvidia-a100-sxm4-40gb``. Empty without GPUs."""
    models = [re.sub(r"[^a-z0-9]+", "-", gpu.model.lower()).strip("-") for gpu in gpus]
    return dict.fromkeys([*(["gpu"] if models else []), *(f"gpu.{model}" for model in models)], "true")


def parse_version(text: str) -> str:
    """Version of the container toolkit from ``nvidia-ctk --version``, such as ``1.19.0`` or ``1.19.0-rc.1``. Empty if there is none."""
    found = _VERSION.search(text)
    if not found:
        return ""
    return ".".join(found.groups()[:3]) + (f"-rc.{found.group(4)}" if found.group(4) else "")


def ignores_swarm(version: str) -> bool:
    """Whether this toolkit, unless its mode is ``legacy``, does not give a task what swarm assigned: 1.18 to 1.19.0-rc.1."""
    return version.startswith("1.18.") or version == "1.19.0-rc.1"


def is_legacy(version: str, mode: str | None) -> bool:
    """Whether containers get the devices behind systemd's back, which forgets them when it reads its units again.

    ``mode`` is the runtime's, None where its configuration names none.
    """
    before_cdi = [int(number) for number in version.split("-")[0].split(".")] < [1, 18]
    return mode == "legacy" or (before_cdi and mode in (None, "auto"))
