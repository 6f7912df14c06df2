# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task sends to each host: its module with all that this imports, also through others, whether it is used or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
FRAME = "ansible.builtin.ping"
MOST_BYTES = 180_716
"""Beyond FRAME, which brings what Ansible sends with every module. What few modules need belongs into a file that only they import."""

# In a process of its own: Ansible finds collections otherwise than the tests do.
BUILD = """
import json, sys
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

def payload(module):
    given = {"ansible_python_interpreter": "/usr/bin/python3"}
    return len(modify_module(
        module_name=module,
        module_path=module_loader.find_plugin_with_context(module).plugin_resolved_path,
        module_args={},
        templar=Templar(DataLoader(), variables=given),
        task_vars=given,
        module_compression="ZIP_DEFLATED",
    ).b_module_data)

init_plugin_loader([sys.argv[1]])
json.dump({module: payload(module) for module in sys.argv[2:]}, sys.stdout)
"""


def test_no_module_sends_much_that_it_does_not_need() -> None:
    command = [sys.executable, "-c", BUILD, str(ROOT / "collections"), FRAME, *(f"flotilla.swarm.{name}" for name in MODULES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)
    frame = sent.pop(FRAME)
    assert len(sent) == len(MODULES)
    assert {name: size - frame for name, size in sent.items() if size - frame > MOST_BYTES} == {}
