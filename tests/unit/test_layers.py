# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may depend on what among the plugins, held by reading their imports and calls."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
OURS = "ansible_collections.flotilla.swarm.plugins."

# I/O, other processes, the clock and chance: none of it is for code that decides.
IMPURE = frozenset(
    "asyncio ctypes fcntl getpass glob grp http io logging mmap multiprocessing os pathlib platform pwd random secrets select "
    "shutil signal socket socketserver sqlite3 ssl subprocess sys tempfile threading time urllib.request".split()
)
IMPURE_CALLS = frozenset("open print input exec eval breakpoint __import__ datetime.now datetime.utcnow datetime.today date.today".split())
PROCESSES = frozenset({"subprocess", "socket", "multiprocessing"})
NAMES = (
    "runner", "apart", "download", "exposure_probe", "host_io", "member_host",
    "member", "metric", "overlay_probe", "port_probe", "wire_tap",
)
WORLDS = tuple(f"module_utils.{name}" for name in NAMES)
# The halves of modules that talk to the engine or to a metric's source: too long for the module's own file.
ACTING_STACK = ("deployment", "job_run", "lock", "logs", "observe", "service_move", "service_run", "undo", "writer")
ACTING = ("module_utils.archive", "module_utils.drain_watch", *(f"module_utils.stack.{name}" for name in ACTING_STACK))
IMPURE_UTILS = (*WORLDS, *ACTING, "module_utils.apt_cache", "module_utils.engine", "module_utils.ssh_tunnel")


def files(modules: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name.replace('.', '/')}.py" for name in modules)


@dataclass(frozen=True)
class Layer:
    """``files`` are patterns under plugins/; ``ours`` prefixes of our own modules; ``never`` modules of the standard library."""

    name: str
    files: tuple[str, ...]
    ours: tuple[str, ...] = ()
    theirs: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    never_ours: tuple[str, ...] = ()
    never_called: frozenset[str] = frozenset()


CRYPTOGRAPHY = frozenset({"bcrypt", "cryptography", "nacl", "ansible.parsing.vault"})
YAML = frozenset({"yaml", "jsonschema", "jinja2"})
LAYERS = (  # the first that matches
    Layer("module", ("modules/*.py",), ("module_utils.",), never=PROCESSES, never_ours=("module_utils.host_io",)),
    Layer(
        "engine",
        ("module_utils/engine.py",),
        tuple(f"module_utils.{name}" for name in ("connection", "plan", "ssh_tunnel")),
        frozenset({"docker", "requests"}),
    ),
    Layer("transport", ("module_utils/ssh_tunnel.py",), ("module_utils.plan",)),
    Layer("apt", ("module_utils/apt_cache.py",), ("module_utils.plan",), frozenset({"apt_pkg"})),
    Layer("world", files(WORLDS), ("module_utils.",), frozenset({"ansible"}), frozenset({"subprocess"})),
    Layer("acting util", files(ACTING), ("module_utils.",), never=PROCESSES | {"os"}, never_ours=WORLDS),
    Layer(
        "pure util",
        ("module_utils/*.py",),
        ("module_utils.",),
        never=IMPURE,
        never_ours=IMPURE_UTILS,
        never_called=IMPURE_CALLS,
    ),
    Layer("doc fragment", ("doc_fragments/*.py",), never=IMPURE),
    Layer("controller util", ("plugin_utils/*.py",), ("plugin_utils.", "module_utils."), YAML | CRYPTOGRAPHY, never_ours=IMPURE_UTILS),
    Layer("inventory", ("inventory/*.py",), ("plugin_utils.", "module_utils."), frozenset({"ansible"}), PROCESSES),
    Layer(
        "plugin",
        ("action/*.py", "callback/*.py", "filter/*.py", "lookup/*.py", "test/*.py"),
        ("plugin_utils.", "module_utils."),
        YAML | {"ansible"},
        never_ours=IMPURE_UTILS,
    ),
)


def layer_of(path: str) -> Layer:
    """The layer of a file, by its path under plugins/."""
    for layer in LAYERS:
        if any(fnmatch(path, pattern) for pattern in layer.files):
            return layer
    raise AssertionError(f"plugins/{path} is in no layer of the design")


def imports(tree: ast.AST, path: str) -> Iterator[str]:
    """Full dotted names of everything imported, whether at the top, in a function or for type checking only."""
    package = OURS.split(".")[:-1] + path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[str]:
    """Names that are called: ``open``, and ``datetime.now`` for any ``x.datetime.now()``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ".".join(ast.unparse(node.func).split(".")[-2:])


def is_under(name: str, prefixes: tuple[str, ...] | frozenset[str]) -> bool:
    return any(f"{name}.".startswith(f"{prefix.rstrip('.')}.") for prefix in prefixes)


def problems(source: str, path: str) -> list[str]:
    """What a file under plugins/ uses against the rules of its layer."""
    layer, tree = layer_of(path), ast.parse(source)
    found = []
    for name in imports(tree, path):
        if name.startswith(OURS):
            own = name.removeprefix(OURS)
            allowed = is_under(own, layer.ours) and not is_under(own, layer.never_ours)
        elif name.split(".")[0] in sys.stdlib_module_names:
            allowed = not is_under(name, layer.never) or name.startswith("pathlib.Pure")
        else:
            allowed = is_under(name, layer.theirs)
        if not allowed:
            found.append(f"{layer.name} plugins/{path} imports {name}")
    found += [f"{layer.name} plugins/{path} calls {name}()" for name in calls(tree) if name in layer.never_called]
    return found


FILES = sorted(str(path.relative_to(PLUGINS)) for path in PLUGINS.rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_plugins_use_only_what_their_layer_may(path: str) -> None:
    assert problems((PLUGINS / path).read_text(), path) == []


@pytest.mark.parametrize(
    ("path", "source", "culprit"),
    [
        ("modules/stack.py", "import docker", "docker"),
        ("modules/stack.py", "import subprocess", "subprocess"),
        ("modules/stack.py", "from ansible.module_utils.basic import AnsibleModule", "ansible.module_utils.basic.AnsibleModule"),
        ("modules/stack.py", f"from {OURS}modules.swarm import main", "modules.swarm.main"),
        ("modules/stack.py", "from .swarm import main", "modules.swarm.main"),
        ("modules/stack.py", f"from {OURS}plugin_utils.compose import load", "plugin_utils.compose.load"),
        ("module_utils/engine.py", "from ansible.module_utils.basic import AnsibleModule", "AnsibleModule"),
        ("module_utils/host_io.py", "import docker", "docker"),
        ("module_utils/stack/lock.py", "import docker", "docker"),
        ("module_utils/stack/diff.py", "from .lock import take_lock", "module_utils.stack.lock.take_lock"),
        ("module_utils/plan.py", "def f():\n    import os", "os"),
        ("module_utils/plan.py", "import yaml", "yaml"),
        ("module_utils/stack/diff.py", "from urllib.request import urlopen", "urllib.request.urlopen"),
        ("module_utils/stack/diff.py", "from time import time", "time.time"),
        ("module_utils/stack/diff.py", "from pathlib import Path", "pathlib.Path"),
        ("module_utils/stack/diff.py", "from ..engine import Engine", "module_utils.engine.Engine"),
        ("module_utils/stack/diff.py", "text = open('/etc/hosts')", "calls open()"),
        ("module_utils/stack/diff.py", "import datetime\nnow = datetime.datetime.now()", "calls datetime.now()"),
        ("plugin_utils/compose/load.py", "import docker.errors", "docker.errors"),
        ("plugin_utils/compose/load.py", f"from {OURS}module_utils.engine import Engine", "module_utils.engine.Engine"),
        ("action/stack.py", "import docker", "docker"),
    ],
)
def test_the_rules_are_seen_broken(path: str, source: str, culprit: str) -> None:
    (problem,) = problems(source, path)
    assert problem.endswith(culprit) and f"plugins/{path}" in problem


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/engine.py", "import docker\nfrom .plan import FlotillaError"),
        ("module_utils/stack/diff.py", "import json\nfrom pathlib import PurePosixPath\nfrom ..plan import Change"),
        ("module_utils/stack/diff.py", "from datetime import datetime\ndatetime.fromisoformat('2026-01-01')"),
        ("modules/stack.py", f"import time\nfrom {OURS}module_utils.runner import run_module"),
    ],
)
def test_what_the_layers_allow_passes(path: str, source: str) -> None:
    assert problems(source, path) == []


def test_a_file_outside_every_layer_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no layer"):
        layer_of("strategy/linear.py")
