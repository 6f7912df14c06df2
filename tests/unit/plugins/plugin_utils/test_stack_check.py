# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a stack from being loaded is told whole: unset variables, unknown keys, and what it needs from elsewhere."""

from __future__ import annotations

import typing as t
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import LoadedStack
from ansible_collections.flotilla.swarm.plugins.plugin_utils.inventory_values import Variable
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_check import (
    Declared,
    StackSeen,
    needs_of,
    provided_by,
    see_stack,
    stacks_of,
)
from ansible_collections.flotilla.swarm.plugins.plugin_utils.stack_files import load_model
from corpus import MISSING, Case, find_cases

CASES = [case for case in find_cases() if not case.rejected and case.env.keys() - {"HOME"}]


def load(files: t.Sequence[str], given: t.Mapping[str, str], stand_ins: t.Mapping[str, str], absent: t.Collection[str]) -> LoadedStack:
    options = {"files": list(files), "env": {**given, **stand_ins}}
    return load_model(options, [Path.cwd()], absent=absent)


def see(text: str, folder: Path, waiting: tuple[str, ...] = (), **env: str) -> StackSeen:
    (folder / "stack.yml").write_text(text)
    return see_stack(Declared({"name": "app", "env": env}, waiting), partial(load, [str(folder / "stack.yml")], env))


def test_which_stacks_are_built() -> None:
    site, jobs = {"name": "site", "files": ["site.yml"]}, {"name": "jobs", "files": ["jobs.yml"]}
    present = Variable("stacks_present", ("m1",), [site, jobs], True)
    built = Variable("images_from_stacks", ("m1",), ["jobs", "gone", {"files": ["tools.yml", "more.yml"]}, 7, {"env": {}}], True)
    found = [(each.options["name"], each.builds, each.is_deployed, each.index) for each in stacks_of([present], [built])]
    assert found == [("site", False, True, 0), ("jobs", True, True, 1), ("tools.yml, more.yml", True, False, 2)]


def test_all_variables_are_named_at_once(tmp_path: Path) -> None:
    text = """
    services:
      web:
        image: app:${TAG}
        environment: {A: "${A:?tell A}", B: "${B:-b}", C: $C}
        deploy: {replicas: "${REPLICAS}", update_config: {delay: "${DELAY}"}}
        healthcheck: {test: [CMD, "true"], interval: "${EVERY}"}
        secrets: [key]
    secrets: {key: {environment: KEY}}
    """
    seen = see(text, tmp_path)
    assert sorted(seen.unset) == ["A", "C", "DELAY", "EVERY", "KEY", "REPLICAS", "TAG"] and not seen.errors
    assert seen.unset["TAG"].line == 4


def test_unknown_keys_are_told_beside_unset_variables(tmp_path: Path) -> None:
    text = "services: {web: {image: 'app:$TAG', enviroment: {}, portss: []}, db: {imag: x}}"
    seen = see(text, tmp_path)
    assert list(seen.unset) == ["TAG"]
    told = " ".join(map(str, seen.errors))
    assert all(word in told for word in ("web.enviroment", "web.portss", "db.imag")) and not seen.models


def test_missing_files_are_told_beside_all_else(tmp_path: Path) -> None:
    text = """
    services:
      web: {image: 'app:$TAG', env_file: [web.env, {path: more.env, required: false}, '${STAGE}.env'], networks: [outside], secrets: [key]}
      job: {image: app, env_file: web.env}
    networks: {outside: {external: true}}
    secrets: {key: {file: key.txt}}
    """
    seen = see(text, tmp_path)
    assert list(seen.unset) == ["TAG", "STAGE"] and needs_of(seen).networks == {"outside"}
    assert [str(error).partition("cannot read ")[2].partition(":")[0] for error in seen.errors] == [
        str(tmp_path / name) for name in ("web.env", "key.txt")
    ]
    for name in ("web.env", "key.txt", "stage.env"):
        (tmp_path / name).write_text("A=a\n")
    assert not see(text, tmp_path, TAG="1", STAGE="stage").errors


def test_what_fails_for_a_stand_in_alone_is_no_fault(tmp_path: Path) -> None:
    seen = see("services: {web: {image: app, ports: ['${PORT}:80'], stop_grace_period: '${WAIT}'}}", tmp_path)
    assert sorted(seen.unset) == ["PORT", "WAIT"] and not seen.errors


def test_subnets_and_paths_that_are_not_known_hide_nothing(tmp_path: Path) -> None:
    text = """
    services: {web: {image: '127.0.0.1:5000/app:$TAG', volumes: ['$DATA:/data'], networks: [own, outside], deploy: {replicas: '$MANY'}}}
    networks: {own: {ipam: {config: [{subnet: $SUBNET}]}}, outside: {external: true}}
    """
    seen = see(text, tmp_path)
    assert sorted(seen.unset) == ["DATA", "MANY", "SUBNET", "TAG"] and not seen.errors
    assert needs_of(seen).networks == {"outside"} and needs_of(seen).registries == {"127.0.0.1:5000": ["app_web"]}


def test_a_variable_that_is_not_known_yet_is_no_fault(tmp_path: Path) -> None:
    seen = see("services: {web: {image: 'app:$TAG'}}", tmp_path, waiting=("TAG",))
    assert not seen.unset and not seen.errors and needs_of(seen).images == {}


def test_what_a_stack_needs_and_provides(tmp_path: Path) -> None:
    text = """
    services:
      web:
        image: 127.0.0.1:5000/app:1
        networks: [front, inner]
        secrets: [key]
        deploy:
          placement: {constraints: [node.labels.web == true]}
          resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 1}}]}}
    networks: {front: {external: true}, inner: {}, other: {external: true, name: "n$X"}}
    secrets: {key: {external: true, name: theirs}}
    """
    needs = needs_of(see(text, tmp_path))
    assert (set(needs.networks), set(needs.secrets)) == ({"front"}, {"theirs"})
    assert needs.images == {"127.0.0.1:5000/app:1": ["app_web"]} and needs.resources == {"gpu": ["app_web"]}
    assert [constraint.key for constraint in needs.constraints] == ["node.labels.web"]
    assert provided_by(see(text, tmp_path), "networks") == {"app_inner"}


@pytest.mark.skipif(not CASES, reason=MISSING)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_look_names_all_that_the_stacks_of_others_lack(case: Case) -> None:
    """With everything given there is no fault; without it, every variable that the file can't do without is named."""
    whole = see_stack(Declared({"name": case.stack}), partial(load, case.files, case.env))
    assert not whole.unset and not whole.errors
    bare = see_stack(Declared({"name": case.stack}), partial(load, case.files, {"HOME": "/home/user"}))
    assert not bare.errors
    # The cases give no more than the file reads, some with a default of its own.
    assert bare.unset.keys() <= case.env.keys()
    again = see_stack(
        Declared({"name": case.stack}), partial(load, case.files, {"HOME": "/", **{name: case.env[name] for name in bare.unset}})
    )
    assert not again.unset
