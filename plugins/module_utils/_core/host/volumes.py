# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named volumes of one engine, and where one differs from what is wanted. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ...plan import Field, compare


@dataclass(frozen=True)
class Volume:
    name: str
    driver: str
    options: dict[str, str]
    labels: dict[str, str]

    @property
    def keeps_data(self) -> bool:
        """Whether the data is in the volume itself and goes with it."""
        return self.driver == "local" and "device" not in self.options


def existing_volume(item: t.Mapping[str, t.Any]) -> Volume:
    """A volume as the engine lists it."""
    return Volume(item["Name"], item["Driver"], item.get("Options") or {}, item.get("Labels") or {})


def drift(before: Volume, after: Volume) -> tuple[Field, ...]:
    """How an existing volume differs. The order in ``o`` says nothing, and labels that are not wanted may stay."""
    old = {**before.options, "o": ",".join(sorted(before.options.get("o", "").split(",")))}
    new = {**after.options, "o": ",".join(sorted(after.options.get("o", "").split(",")))}
    fields = compare({"driver": before.driver}, {"driver": after.driver})
    fields += tuple(
        Field(field.path, before.options.get(field.path[8:]), after.options.get(field.path[8:])) for field in compare(old, new, "options.")
    )
    return fields + compare({name: before.labels.get(name) for name in after.labels}, after.labels, "labels.")


def tell_differing(wanted: t.Sequence[Volume], existing: t.Mapping[str, Volume]) -> dict[str, str]:
    """How volumes that exist differ from those that are wanted, by name. Labels say nothing about where the data is."""
    pairs = [(existing[volume.name], replace(volume, labels={})) for volume in wanted if volume.name in existing]
    found = {after.name: "; ".join(field.told() for field in drift(before, after)) for before, after in pairs}
    return {name: text for name, text in found.items() if text}


def volumes_of_mounts(mounts: t.Iterable[t.Mapping[str, t.Any]]) -> list[Volume]:
    """The volumes that an engine would make for these mounts with a driver or options of their own."""
    found = {}
    for mount in mounts:
        config = (mount.get("VolumeOptions") or {}).get("DriverConfig")
        if config and mount.get("Source") and "{{" not in mount["Source"]:
            found[mount["Source"]] = Volume(mount["Source"], config.get("Name") or "local", dict(config.get("Options") or {}), {})
    return list(found.values())
