# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways by which an engine gives NVIDIA GPUs to containers: its runtimes and its CDI devices. Pure."""

from __future__ import annotations

import re
import typing as t

RUNTIME = "nvidia"

_SPEC = re.compile(r"""(?:^|[{,\s])["']?kind["']?\s*:\s*["']?nvidia\.com/gpu(?![\w./-])""")


def spec_dirs(info: t.Mapping[str, t.Any]) -> list[str]:
    """Where the engine with this ``/info`` finds CDI devices. Empty where CDI is off, and of engines before 25, which have none."""
    return list(info.get("CDISpecDirs") or [])


def read_route(info: t.Mapping[str, t.Any], specs: t.Mapping[str, str], driver: str) -> dict[str, t.Any]:
    """What the engine's ``/info`` tells, empty where none answers; ``specs`` is path -> text of the files in its directories.

    ``driver`` is the version of the kernel's driver, empty where that is not known.
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
