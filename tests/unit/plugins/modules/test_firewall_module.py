# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files and a fake engine; iptables and systemctl are scripts that keep a table in a file, as the kernel does."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import firewall
from ansible_collections.flotilla.swarm.plugins.module_utils._core.host import firewall as firewall_unit
from ansible_collections.flotilla.swarm.plugins.modules import firewall as module
from fake_engine import FakeEngine, node
from module_runner import run_module_main

# Knows what the module and its script ask for, and prints as the real one.
IPTABLES = r"""#!/usr/bin/python3 -IS
import json, os, sys
state = "{dir}/table-" + os.path.basename(sys.argv[0]).split("-")[0]
table = json.load(open(state)) if os.path.exists(state) else {{"INPUT": [], "FORWARD": [], "OUTPUT": []}}
words = [word for word in sys.argv[1:] if word not in ("--wait", "10")]
open("{dir}/calls", "a").write(os.path.basename(sys.argv[0]) + " " + " ".join(words) + "\n")
code = 0
if sys.argv[0].endswith("-restore"):
    if "198.51.100.0" in open(words[-1]).read():
        sys.exit("iptables-restore: line 4 failed")
    for line in open(words[-1]):
        if line.startswith(":"):
            table[line[1:].split()[0]] = []
        elif line.startswith("-A"):
            table[line.split()[1]].append(line.strip().split(" ", 2)[2])
elif words[0] == "--list-rules":
    for chain in table if len(words) == 1 else words[1:]:
        print("-P %s ACCEPT" % chain if chain in ("INPUT", "FORWARD", "OUTPUT") else "-N " + chain)
    for chain in table if len(words) == 1 else words[1:]:
        for rule in table[chain]:
            print("-A", chain, rule)
elif words[0] == "--new-chain":
    code = words[1] in table
    table.setdefault(words[1], [])
elif words[0] == "--check":
    code = "-j " + words[-1] not in table.get(words[1], [])
elif words[0] == "--insert":
    table[words[1]].insert(int(words[2]) - 1, "-j " + words[-1])
elif words[0] == "--delete":
    table[words[1]].remove("-j " + words[-1])
elif words[0] == "--flush":
    table[words[1]] = []
elif words[0] == "--delete-chain":
    del table[words[1]]
json.dump(table, open(state, "w"))
sys.exit(int(code))
"""
SYSTEMCTL = r"""#!/bin/sh
cd "{dir}"
echo "systemctl $*" >> calls
case "$1" in
  show) echo "Id=flotilla-firewall.service"; test -e "{unit}" && echo LoadState=loaded || echo LoadState=not-found
        test -e active && echo ActiveState=active || echo ActiveState=inactive
        test -e enabled && echo UnitFileState=enabled || echo UnitFileState=disabled;;
  enable) touch enabled;; disable) rm -f enabled;;
  restart) rm -f active; "{script}" && touch active;;
  stop) rm -f active;;
esac
"""
SMALL = {
    "sshd": '#!/bin/sh\necho "port 22"\n',
    "ss": "#!/bin/sh\n",
    "nft": "#!/bin/sh\nexit 1\n",
    "getent": '#!/bin/sh\ncase "$2" in m1) echo "10.0.0.11 STREAM m1"; echo "10.0.0.11 DGRAM";; *) exit 2;; esac\n',
    "journalctl": "#!/bin/sh\necho 'iptables-restore: line 4 failed'\n",
}


class Machine:
    def __init__(self, directory: Path, engine: FakeEngine) -> None:
        self.directory, self.engine = directory, engine
        (directory / "bin").mkdir()
        programs = dict.fromkeys(("iptables", "iptables-restore", "ip6tables", "ip6tables-restore"), IPTABLES)
        for name, text in {**programs, "systemctl": SYSTEMCTL}.items():
            programs[name] = text.format(dir=directory, unit=firewall_unit.UNIT_FILE, script=firewall_unit.SCRIPT_FILE)
        for name, text in {**programs, **SMALL}.items():
            (directory / "bin" / name).write_text(text)
            (directory / "bin" / name).chmod(0o755)

    def run(self, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
        args = {"docker_host": self.engine.docker_host, "peers": ["10.0.0.0/24"], "manager": True, **more}
        return run_module_main(module.main, args, check=check, diff=True)

    def calls(self) -> list[str]:
        path = self.directory / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def table(self, version: int = 4) -> str:
        path = self.directory / f"table-{module.COMMANDS[version]}"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_engine: t.Callable[..., FakeEngine]) -> Machine:
    places = {"UNIT_FILE": "unit", "SCRIPT_FILE": "script"}
    text, unit = firewall_unit.SCRIPT_TEXT, firewall_unit.UNIT_TEXT
    rules = {version: str(tmp_path / f"rules.v{version}") for version in (4, 6)}
    for version, path in firewall_unit.RULES_FILES.items():
        text = text.replace(path, rules[version])
    (tmp_path / "has-ipv6").touch()
    monkeypatch.setattr(firewall_unit, "SCRIPT_TEXT", text.replace(firewall_unit.HAS_IPV6, str(tmp_path / "has-ipv6")))
    monkeypatch.setattr(firewall_unit, "UNIT_TEXT", unit)
    monkeypatch.setattr(firewall_unit, "RULES_FILES", rules)
    monkeypatch.setattr(firewall_unit, "HAS_IPV6", str(tmp_path / "has-ipv6"))
    for name, file in places.items():
        monkeypatch.setattr(firewall_unit, name, str(tmp_path / file))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Machine(tmp_path, fake_engine())


def reading(calls: list[str]) -> bool:
    return all(call.split()[1] in ("--list-rules", "show") for call in calls)


def test_the_rules_come_and_a_second_run_only_reads(machine: Machine) -> None:
    result = machine.run()
    assert (result["exit_code"], result["changed"]) == (0, True)
    for version in (4, 6):
        assert firewall.SWARM in machine.table(version)
    assert "systemctl enable --quiet flotilla-firewall.service" in machine.calls()
    again = machine.run()
    assert (again["exit_code"], again["changed"]) == (0, False)
    calls = machine.calls()
    assert reading(calls)
    assert len(calls) == 3
    assert sorted(path.name for path in machine.directory.iterdir() if "~" in path.name) == []


def test_check_mode_says_the_same_and_only_reads(machine: Machine) -> None:
    planned = machine.run(check=True)
    assert reading(machine.calls())
    assert planned["plan"] == machine.run()["plan"]


def test_without_ipv6(machine: Machine) -> None:
    (machine.directory / "has-ipv6").unlink()
    assert machine.run()["changed"]
    assert machine.table(6) == ""
    assert not machine.run()["changed"]


def test_other_peers_change_one_line(machine: Machine) -> None:
    machine.run()
    result = machine.run(peers=["10.0.0.0/24", "10.1.0.0/24"])
    assert [field["path"] for field in result["plan"][0]["fields"] if "FLOTILLA" in field["path"]] == ["IPv4 FLOTILLA-PEERS"]
    assert "10.1.0.0/24" in machine.table()


def test_names_are_looked_up(machine: Machine) -> None:
    machine.run(peers=["m1"])
    assert "-s 10.0.0.11/32 -j ACCEPT" in machine.table()
    assert "nowhere can't be resolved" in machine.run(peers=["nowhere"])["msg"]


def test_absent_leaves_nothing(machine: Machine) -> None:
    assert not machine.run(state="absent")["changed"]
    machine.run()
    result = machine.run(state="absent", peers=None)
    assert (result["exit_code"], result["plan"][0]["action"]) == (0, "remove")
    assert "FLOTILLA" not in machine.table() + machine.table(6)
    assert [name for name in ("unit", "script", "rules.v4", "rules.v6", "enabled") if (machine.directory / name).exists()] == []
    assert not machine.run(state="absent")["changed"]


def test_a_failure_brings_the_former_rules_back(machine: Machine) -> None:
    machine.run()
    before = machine.table(), (machine.directory / "rules.v4").read_text()
    result = machine.run(peers=["10.0.0.0/24", "198.51.100.0/24"])
    assert (result["exit_code"], result["changed"]) == (1, False)
    assert "line 4 failed" in result["msg"]
    assert "The former rules were restored." in result["msg"]
    assert (machine.table(), (machine.directory / "rules.v4").read_text()) == before


def test_a_first_failure_leaves_nothing(machine: Machine) -> None:
    assert machine.run(peers=["198.51.100.0/24"])["exit_code"] == 1
    assert "FLOTILLA" not in machine.table()
    assert not (machine.directory / "unit").exists()


def test_a_failure_to_restore_is_told(machine: Machine) -> None:
    machine.run()
    (machine.directory / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert "Restoring the former rules failed as well: systemctl" in machine.run(peers=["10.1.0.0/24"])["msg"]


def test_where_sshd_listens_is_not_limited(machine: Machine) -> None:
    result = machine.run(published=[{"port": 22, "sources": ["192.0.2.1"]}])
    assert "22/tcp is where sshd listens" in result["msg"]
    result = machine.run(published=[{"port": 2200, "sources": ["192.0.2.1"]}], ssh_ports=[2200])
    assert "2200/tcp is where sshd listens" in result["msg"]
    assert reading(machine.calls())


def test_a_node_of_the_swarm_is_not_cut_off(machine: Machine, fake_engine: t.Callable[..., FakeEngine]) -> None:
    nodes = [node("m1", "manager", leader=True, addr="10.0.0.1"), node("w1", addr="10.9.0.1"), node("w2", addr="10.9.0.2", state="down")]
    machine.engine = fake_engine(nodes=nodes, addr="10.0.0.1")
    result = machine.run()
    assert result["exit_code"] == 1
    assert "w1 (10.9.0.1) would be cut off" in result["msg"]
    assert "w2" not in result["msg"]
    assert "FLOTILLA" not in machine.table()
    assert machine.run(peers=["10.0.0.0/24", "10.9.0.1"])["changed"]
    assert not machine.engine.writes
    assert "this swarm uses 4789" in machine.run(peers=["10.0.0.0/8"], data_path_port=7777)["msg"]


def test_without_iptables(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("iptables", "iptables-restore", "ip6tables", "ip6tables-restore"):
        (machine.directory / "bin" / name).unlink()
    monkeypatch.setattr("ansible.module_utils.basic.get_bin_path", lambda *_args, **_more: (_ for _ in ()).throw(ValueError))
    planned = machine.run(check=True)
    assert planned["changed"]
    assert "there is no iptables" in planned["warnings"][0]
    assert "Nothing was changed" in machine.run()["msg"]
