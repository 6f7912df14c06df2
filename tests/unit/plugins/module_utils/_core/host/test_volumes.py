# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.volume_plan import plan_volumes, wanted_volumes, warnings
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host.volumes import Volume, drift, existing_volume
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import PlanError


def nfs(o: str = "addr=10.0.0.5,rw", kind: str = "nfs", device: str = ":/srv") -> Volume:
    return Volume("v", "local", {"type": kind, "o": o, "device": device}, {})


def given(**item: t.Any) -> list[dict[str, t.Any]]:
    return [{"name": "v", **item}]


@pytest.mark.parametrize(
    ("more", "o"),
    [
        ({}, "addr=s,nfsvers=4.2,rw,hard,timeo=600,retrans=2,noatime"),
        ({"preset": "readonly"}, "addr=s,nfsvers=4.2,ro,hard,timeo=600,retrans=2,noatime"),
        ({"version": "3", "options": ["ro", "nolock"]}, "addr=s,nfsvers=3,ro,nolock"),
    ],
)
def test_nfs_becomes_options(more: dict[str, t.Any], o: str) -> None:
    shape = {"server": "s", "path": "/srv/x", "version": "4.2", "preset": "data", "options": None, **more}
    assert wanted_volumes(given(nfs=shape))[0].options == {"type": "nfs", "o": o, "device": ":/srv/x"}


def test_values_become_text() -> None:
    volume = wanted_volumes(given(options={"size": 5}, labels={"a": True}))[0]
    assert (volume.options, volume.labels) == ({"size": "5"}, {"a": "True"})


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"type": "nfs4", "o": "addr=nas.example.org,rw", "device": ":/srv"}, "the engine resolves names only for type nfs"),
        ({"type": "nfs", "o": "rw", "device": ":/srv"}, "no addr="),
        ({"type": "nfs", "device": ":/srv"}, "no addr="),
        ({"type": "nfs", "o": "addr=h"}, "expected the server's path"),
        ({"type": "nfs", "o": "addr=h", "device": "/srv"}, "expected the server's path"),
        ({"type": "nfs", "o": "addr=h,ro,rw", "device": ":/srv"}, "both ro and rw"),
    ],
)
def test_refused_options(options: dict[str, str], found: str) -> None:
    with pytest.raises(PlanError, match="volumes can't be used") as error:
        wanted_volumes(given(options=options))
    assert found in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"type": "nfs4", "o": "addr=10.0.0.5,rw", "device": ":/srv"},
        {"type": "nfs4", "o": "addr=fd00::5,rw", "device": ":/srv"},
        {"type": "nfs", "o": "addr=nas.example.org,nfsvers=4.2", "device": "nas.example.org:/srv"},
        {"type": "tmpfs", "o": "size=100m", "device": "tmpfs"},
        {"type": "none", "o": "bind", "device": "/srv"},
        {},
    ],
)
def test_accepted_options(options: dict[str, str]) -> None:
    wanted_volumes(given(options=options))


def test_a_name_stands_once() -> None:
    with pytest.raises(PlanError, match="v: is listed twice"):
        wanted_volumes(given() + given())


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (nfs("addr=h,rw,hard,timeo=600"), []),
        (nfs("addr=h,rw,soft"), ["soft"]),
        (nfs("addr=h,soft"), ["soft"]),
        (nfs("addr=h,ro,soft"), []),
        (nfs("addr=h,rw,nolock"), ["nolock"]),
        (nfs("addr=h,soft,nolock,intr"), ["soft", "nolock", "intr"]),
        (nfs("addr=h,rw,hard,intr"), ["intr"]),
        (nfs("addr=h,rw,async"), []),
        (nfs("addr=h,vers=4,soft,ro,nolock", kind="nfs4"), ["nolock"]),
        (Volume("v", "local", {"type": "cifs", "o": "soft", "device": "//h/x"}, {}), []),
        (Volume("v", "local", {}, {}), []),
    ],
)
def test_regretted_options(volume: Volume, words: list[str]) -> None:
    found = warnings([volume])
    assert len(found) == len(words)
    assert all(f"mount option {word}:" in text for word, text in zip(words, found))


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        (nfs("rw,addr=h"), nfs("addr=h,rw"), []),
        (nfs("rw,addr=h"), nfs("addr=h,ro"), ["options.o"]),
        (nfs(), nfs(device=":/other", kind="nfs4"), ["options.device", "options.type"]),
        (Volume("v", "local", {}, {"x": "1"}), Volume("v", "local", {}, {}), []),
        (Volume("v", "local", {}, {"x": "1"}), Volume("v", "local", {}, {"x": "2"}), ["labels.x"]),
        (Volume("v", "other", {}, {}), Volume("v", "local", {}, {}), ["driver"]),
        (Volume("v", "local", {}, {}), nfs(), ["options.device", "options.o", "options.type"]),
    ],
)
def test_drift(before: Volume, after: Volume, paths: list[str]) -> None:
    assert [field.path for field in drift(before, after)] == paths


def test_a_listed_volume() -> None:
    listed = {"Name": "v", "Driver": "local", "Options": None, "Labels": None, "Mountpoint": "/x"}
    assert existing_volume(listed) == Volume("v", "local", {}, {})


def test_absent_volumes_are_created() -> None:
    plan = plan_volumes([nfs(), Volume("w", "local", {}, {})], {"w": Volume("w", "local", {}, {})}, {}, "never", "n1")
    assert [(change.action, change.name) for change in plan.changes] == [("create", "v")]


@pytest.mark.parametrize(
    ("before", "users", "recreate", "found"),
    [
        (nfs("addr=1"), [], "never", "set recreate: if_unused"),
        (nfs("addr=1"), ["web.1"], "never", "Used by web.1. Stop and remove that first"),
        (nfs("addr=1"), ["web.1", "db"], "if_unused", "Used by web.1, db. Stop and remove those first"),
        (Volume("v", "local", {}, {}), [], "if_unused", "Its data would go with it"),
    ],
)
def test_a_differing_volume_is_refused(before: Volume, users: list[str], recreate: str, found: str) -> None:
    with pytest.raises(PlanError) as error:
        plan_volumes([nfs("addr=2")], {"v": before}, {"v": users}, recreate, "n1")
    assert "volumes of n1 differ" in str(error.value)
    assert "v: options." in str(error.value)
    assert found in str(error.value)


def test_an_unused_volume_with_its_data_elsewhere_is_recreated() -> None:
    plan = plan_volumes([nfs("addr=2")], {"v": nfs("addr=1")}, {"v": []}, "if_unused", "n1")
    assert [change.action for change in plan.changes] == ["replace"]
    assert 'options.o: "addr=1" -> "addr=2"' in plan.render()


def test_every_differing_volume_is_named() -> None:
    with pytest.raises(PlanError) as error:
        plan_volumes(
            [Volume(name, "local", {"device": "/x"}, {}) for name in "ab"],
            {name: Volume(name, "local", {}, {}) for name in "ab"},
            {},
            "never",
            "n1",
        )
    assert len(str(error.value).splitlines()) == 3
