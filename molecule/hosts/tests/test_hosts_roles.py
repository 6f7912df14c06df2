# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that prepare a host, on two real nodes that are a swarm. What is there is read by commands on the nodes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.scenario.hosts import DAEMON_JSON, IMAGE, NODES, daemon_json, have_image, on, play, sdk, unit


def test_the_engine_runs_as_configured() -> None:
    for node in NODES:
        assert unit(node, "ActiveState") == "active"
        assert on(node, "systemctl is-enabled docker") == "enabled"
        assert daemon_json(node)["log-opts"] == {"max-size": "100m", "max-file": "5"}
        assert sdk(node, "print(api.info()['LiveRestoreEnabled'], api.info()['LoggingDriver'])") == "False json-file"


def test_foreign_keys_stay_and_a_reload_is_enough() -> None:
    on("w1", f"cat > {DAEMON_JSON}.new && mv {DAEMON_JSON}.new {DAEMON_JSON}", json.dumps({"dns-opts": ["ndots:1"], **daemon_json("w1")}))
    before = unit("w1", "InvocationID")
    run = play("engine", engine_daemon_config={"labels": ["rack=7"]})
    assert run.rc == 0, run.out
    assert daemon_json("w1")["dns-opts"] == ["ndots:1"]
    assert next(iter(daemon_json("w1"))) == "dns-opts"
    assert unit("w1", "InvocationID") == before
    assert sdk("w1", "print(api.info()['Labels'])") == "['rack=7']"
    assert play("engine", engine_daemon_config={"labels": ["rack=7"]}).changed == dict.fromkeys(NODES, 0)
    assert play("engine", engine_daemon_config={"labels": None}).rc == 0
    assert "labels" not in daemon_json("w1")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"log-optz": {}}, "Did you mean log-opts?"),
        ({"log-opts": {"max-file": 5}}, "Write it in quotes"),
        ({"hosts": ["tcp://127.0.0.1:2375"]}, "command line flag"),
        ({"firewall-backend": "nftables"}, "needs engine 29.0"),
        ({"data-root": "/srv/docker"}, "it would start empty"),
    ],
)
def test_what_the_engine_would_refuse_is_not_written(config: dict[str, Any], words: str) -> None:
    before = on("m1", f"cat {DAEMON_JSON}")
    run = play("engine", engine_daemon_config=config)
    assert run.rc != 0
    assert words in " ".join(run.out.split())
    assert set(run.changed.values()) == {0}
    assert on("m1", f"cat {DAEMON_JSON}") == before


def test_a_truncated_file_is_left_alone() -> None:
    good = on("w1", f"cat {DAEMON_JSON}")
    on("w1", f"cat > {DAEMON_JSON}", good[:-5])
    run = play("engine", "--limit", "w1")
    on("w1", f"cat > {DAEMON_JSON}.new && mv {DAEMON_JSON}.new {DAEMON_JSON}", good)
    assert run.rc != 0
    assert f"{DAEMON_JSON}: invalid JSON at line" in " ".join(run.out.split())
    assert set(run.changed.values()) == {0}


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("mount --bind /etc/docker /etc/docker && mount -o remount,ro,bind /etc/docker", "Read-only file system"),
        (
            "cp -a /etc/docker /tmp/docker && mount -t tmpfs -o size=64k tmpfs /etc/docker && cp -a /tmp/docker/. /etc/docker"
            " && (cat /dev/zero > /etc/docker/fill || true) 2>/dev/null",
            "No space left on device",
        ),
    ],
)
def test_a_directory_that_takes_nothing_leaves_file_and_engine(prepare: str, words: str) -> None:
    before = on("w1", f"cat {DAEMON_JSON}"), unit("w1", "InvocationID")
    on("w1", prepare)
    try:
        run = play("engine", "--limit", "w1", engine_daemon_config={"labels": ["rack=8"]})
        assert run.rc != 0
        assert words in run.text
        assert set(run.changed.values()) == {0}
        assert on("w1", f"cat {DAEMON_JSON}") == before[0]
        assert on("w1", "find /etc/docker -name '.daemon.json*'") == ""
    finally:
        on("w1", "umount /etc/docker")
    assert (on("w1", f"cat {DAEMON_JSON}"), unit("w1", "InvocationID"), unit("w1", "ActiveState")) == (*before, "active")


def test_an_engine_that_does_not_start_gets_its_file_back_and_the_others_are_not_tried() -> None:
    before = {node: on(node, f"cat {DAEMON_JSON}") for node in NODES}
    started = {unit(node, "InvocationID") for node in NODES}
    run = play("engine", engine_daemon_config={"storage-driver": "nope"})
    assert run.rc != 0
    assert "driver not supported" in run.out
    assert "The former file was restored, and the engine runs with it again." in run.out
    assert {node: on(node, f"cat {DAEMON_JSON}") for node in NODES} == before
    assert {unit(node, "ActiveState") for node in NODES} == {"active"}
    assert len(started & {unit(node, "InvocationID") for node in NODES}) == 1
    assert sdk("m1", "print([n['Spec']['Availability'] for n in api.nodes()])") == "['active', 'active']"


def test_engines_of_a_swarm_restart_one_after_the_other() -> None:
    before = {node: unit(node, "InvocationID") for node in NODES}
    # another port in each session, so that the tests can be repeated on a lab that stays
    wanted = {"metrics-addr": f"127.0.0.1:{20000 + os.getpid() % 10000}"}
    planned = play("engine", "--check", "--diff", engine_daemon_config=wanted)
    assert planned.out.count("[restarts engine of a node in a swarm]") >= 2
    assert {node: unit(node, "InvocationID") for node in NODES} == before
    run = play("engine", engine_daemon_config=wanted)
    assert run.rc == 0, run.out
    assert all(unit(node, "InvocationID") != before[node] for node in NODES)
    # the nodes are containers of one machine and share its monotonic clock
    stopped, started = (
        {node: int(unit(node, name)) for node in NODES} for name in ("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    )
    assert started["w1"] < stopped["m1"], "workers come first and the leader last"
    assert sdk("m1", "print([n['Spec']['Availability'] for n in api.nodes()])") == "['active', 'active']"
    assert play("engine", engine_daemon_config=wanted).changed == dict.fromkeys(NODES, 0)


def test_limits_hold_for_containers_the_engine_and_sessions() -> None:
    have_image("w1")
    # nodes are containers, which can't go beyond what the machine gives them
    most = on("w1", "ulimit -Hn")
    limit = min(54321, int(most) - 1) if most.isdigit() else 54321
    wanted = {"engine_nofile": limit}
    run = play("engine", "--limit", "w1", **wanted)
    assert run.rc == 0, run.out
    process = unit("w1", "MainPID")
    assert on("w1", f"awk '/open files/ {{ print $4, $5 }}' /proc/{process}/limits") == f"{limit} {limit}"
    made = sdk("w1", f"made = api.create_container({IMAGE!r}, ['sh', '-c', 'ulimit -n']); api.start(made); print(made['Id'])")
    assert sdk("w1", f"api.wait({made!r}); print(api.logs({made!r}).decode())") == str(limit)
    assert on("w1", f"grep -c {limit} /etc/security/limits.d/60-flotilla-nofile.conf") == "4"
    assert play("engine", "--limit", "w1", **wanted).changed == {"w1": 0}


def test_all_faults_are_in_one_message() -> None:
    run = play("preflight", preflight_min_memory_mb=10**7, preflight_min_disk_free_mb=10**9, preflight_manager_counts=[3])
    said = " ".join(run.out.split())
    assert run.rc != 0
    assert "preflight found 5 faults, nothing was changed" in said
    for words in ("inventory: 1 managers", "m1: ", "w1: ", "MiB of memory", "MiB free for the engine's data"):
        assert words in said
    assert set(run.changed.values()) == {0}


def test_without_root_it_says_so() -> None:
    for node in NODES:
        on(node, "id somebody || (useradd -m somebody && cp -r /root/.ssh /home/somebody/ && chown -R somebody /home/somebody)")
    run = play("preflight", ansible_user="somebody", ansible_ssh_args="-o ControlPath=none", ansible_become=False)
    assert run.rc != 0
    assert run.out.count("tasks don't run as root. Set become: true") >= 2


def test_a_volume_that_differs_is_refused_then_recreated() -> None:
    options = {"type": "nfs", "o": "addr=192.0.2.1,rw", "device": ":/srv"}
    assert play("volumes", volumes_present=[{"name": "shared", "options": options}]).changed == dict.fromkeys(NODES, 1)
    wanted = [{"name": "shared", "options": {**options, "o": "addr=192.0.2.1,ro"}}]
    run = play("volumes", volumes_present=wanted)
    assert run.rc != 0
    assert set(run.changed.values()) == {0}
    for node in NODES:
        assert f"volumes of {node} differ" in run.out
    assert 'options.o is "addr=192.0.2.1,rw", wanted is "addr=192.0.2.1,ro"' in run.out
    assert play("volumes", volumes_present=wanted, volumes_recreate="if_unused").changed == dict.fromkeys(NODES, 1)
    assert play("volumes", volumes_present=wanted).changed == dict.fromkeys(NODES, 0)
    assert sdk("w1", "print(api.inspect_volume('shared')['Options']['o'])") == "addr=192.0.2.1,ro"


def test_a_volume_is_mounted_before_a_stack_relies_on_it() -> None:
    for node in NODES:
        have_image(node)
    good = {"name": "tried", "options": {"type": "tmpfs", "device": "tmpfs"}}
    assert play("volumes", volumes_present=[good], volumes_test_image=IMAGE).changed == dict.fromkeys(NODES, 1)
    bad = {"name": "bad", "options": {"type": "none", "o": "bind", "device": "/srv/nowhere"}}
    run = play("volumes", volumes_present=[good, bad], volumes_test_image=IMAGE)
    assert run.rc != 0
    for node in NODES:
        assert f"volume bad can't be used on {node}, and was removed again" in run.text
        assert sdk(node, "print(sorted(v['Name'] for v in api.volumes()['Volumes'] if v['Name'] in ('bad', 'tried')))") == "['tried']"
    assert "no such file or directory" in run.text
    assert play("volumes", volumes_present=[good], volumes_test_image=IMAGE).changed == dict.fromkeys(NODES, 0)


def test_an_nfs_server_or_the_reason_why_not() -> None:
    exports = [{"path": "/srv/shared", "clients": ["10.88.0.0/16"]}]
    run = play("nfs_server", "--limit", "m1", nfs_server_exports=exports)
    if "nfsd" in on("m1", "cat /proc/filesystems"):
        assert run.rc == 0, run.out
        assert "/srv/shared" in on("m1", "exportfs -s")
    else:
        assert run.rc != 0
        assert "has no nfsd module" in " ".join(run.out.split())
        assert set(run.changed.values()) == {0}


def test_no_exports_install_nothing() -> None:
    assert play("nfs_server", "--limit", "w1", nfs_server_exports=[]).changed == {"w1": 0}
    assert on("w1", "command -v exportfs || echo none") == "none"
