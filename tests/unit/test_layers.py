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
FRAME = ("module_utils.plan", "module_utils.errors", "module_utils.redact", "module_utils.masking")


@dataclass(frozen=True)
class Layer:
    """``files`` is a pattern under plugins/; ``ours`` prefixes of our own modules; ``never`` modules of the standard library."""

    name: str
    files: str
    ours: tuple[str, ...] = ()
    theirs: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    never_called: frozenset[str] = frozenset()


CORE, IO = "module_utils._core.", "module_utils._io."
CRYPTOGRAPHY = frozenset({"bcrypt", "cryptography", "nacl", "ansible.parsing.vault"})
YAML = frozenset({"yaml", "jsonschema", "jinja2"})
ON_CONTROLLER = ("plugin_utils.", CORE, *FRAME)
LAYERS = (  # the first that matches
    Layer("module", "modules/*.py", ("module_utils.",), never=PROCESSES),
    Layer("core", "module_utils/_core/*.py", (CORE, *FRAME), never=IMPURE, never_called=IMPURE_CALLS),
    Layer("engine", "module_utils/_io/engine.py", (CORE, IO, *FRAME), frozenset({"docker", "requests"})),
    Layer("io", "module_utils/_io/*.py", (CORE, IO, *FRAME), frozenset({"ansible", "apt_pkg"})),
    Layer("runner", "module_utils/runner.py", (CORE, IO, *FRAME), frozenset({"ansible"})),
    Layer("frame", "module_utils/*.py", (CORE, *FRAME), never=IMPURE, never_called=IMPURE_CALLS),
    Layer("doc fragment", "doc_fragments/*.py", never=IMPURE),
    Layer(
        "observed action",
        "plugin_utils/observed_action.py",
        (*ON_CONTROLLER, "module_utils._io.member_host", "module_utils._io.recorded_target", "module_utils._io.target"),
        frozenset({"ansible"}),
        PROCESSES,
    ),
    Layer("loading of stacks", "plugin_utils/stack_loading.py", ON_CONTROLLER, YAML | {"ansible"}),
    Layer("managers of a run", "plugin_utils/other_managers.py", ON_CONTROLLER, frozenset({"ansible"}), PROCESSES),
    Layer("plays of callbacks", "plugin_utils/play.py", theirs=frozenset({"ansible"}), never=PROCESSES),
    Layer("several hosts at once", "plugin_utils/at_once.py", theirs=frozenset({"ansible"}), never=PROCESSES),
    Layer("controller util", "plugin_utils/*.py", ON_CONTROLLER, YAML | CRYPTOGRAPHY),
    Layer("inventory", "inventory/*.py", ("plugin_utils.", CORE, IO, *FRAME), frozenset({"ansible"}), PROCESSES),
    Layer("action", "action/*.py", (*ON_CONTROLLER, "modules.", "module_utils._io.member_host"), YAML | {"ansible"}),
    *(Layer("plugin", f"{kind}/*.py", ON_CONTROLLER, YAML | {"ansible"}) for kind in ("callback", "filter", "lookup", "test")),
)
PACKAGES = ("service", "schedule", "stack", "cluster", "host", "backup")
"""Of the core, each of which may use those before it."""


def layer_of(path: str) -> Layer:
    """The layer of a file, by its path under plugins/."""
    for layer in LAYERS:
        if fnmatch(path, layer.files):
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
            allowed = is_under(own, layer.ours)
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
        ("module_utils/_io/engine.py", "from ansible.module_utils.basic import AnsibleModule", "AnsibleModule"),
        ("module_utils/_io/host.py", "import docker", "docker"),
        ("module_utils/_io/deploy/lock.py", "import docker", "docker"),
        ("module_utils/_core/stack/order.py", "from ..._io.deploy.lock import Locks", "_io.deploy.lock.Locks"),
        ("module_utils/plan.py", "def f():\n    import os", "os"),
        ("module_utils/plan.py", "import yaml", "yaml"),
        ("module_utils/_core/service/diff.py", "from urllib.request import urlopen", "urllib.request.urlopen"),
        ("module_utils/_core/service/diff.py", "from time import time", "time.time"),
        ("module_utils/_core/service/diff.py", "from pathlib import Path", "pathlib.Path"),
        ("module_utils/_core/service/diff.py", "from ..._io.engine import Engine", "module_utils._io.engine.Engine"),
        ("module_utils/_core/service/diff.py", "text = open('/etc/hosts')", "calls open()"),
        ("module_utils/_core/service/diff.py", "import datetime\nnow = datetime.datetime.now()", "calls datetime.now()"),
        ("plugin_utils/compose/load.py", "import docker.errors", "docker.errors"),
        ("plugin_utils/compose/load.py", f"from {OURS}module_utils._io.engine import Engine", "module_utils._io.engine.Engine"),
        ("action/stack.py", "import docker", "docker"),
    ],
)
def test_the_rules_are_seen_broken(path: str, source: str, culprit: str) -> None:
    (problem,) = problems(source, path)
    assert problem.endswith(culprit) and f"plugins/{path}" in problem


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/_io/engine.py", "import docker\nfrom ..plan import FlotillaError"),
        ("module_utils/_core/service/diff.py", "import json\nfrom pathlib import PurePosixPath\nfrom ...plan import Change"),
        ("module_utils/_core/service/diff.py", "from datetime import datetime\ndatetime.fromisoformat('2026-01-01')"),
        ("modules/stack.py", f"import time\nfrom {OURS}module_utils.runner import run_module"),
    ],
)
def test_what_the_layers_allow_passes(path: str, source: str) -> None:
    assert problems(source, path) == []


def test_a_file_outside_every_layer_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no layer"):
        layer_of("strategy/linear.py")


def packages_used(source: str, path: str) -> set[str]:
    """The packages of the core that a file of the core uses, without its own."""
    own = path.split("/")[2]
    ours = [name.removeprefix(OURS) for name in imports(ast.parse(source), path)]
    found = {name.removeprefix(CORE).split(".")[0] for name in ours if name.startswith(CORE)}
    return {name for name in found if name in PACKAGES and name != own}


def may_use(path: str) -> tuple[str, ...]:
    own = path.split("/")[2]
    return PACKAGES[: PACKAGES.index(own)] if own in PACKAGES else PACKAGES


CORE_FILES = [path for path in FILES if path.startswith("module_utils/_core/")]


@pytest.mark.parametrize("path", CORE_FILES)
def test_packages_of_the_core_use_only_those_below_them(path: str) -> None:
    assert packages_used((PLUGINS / path).read_text(), path) <= set(may_use(path))


def test_a_cycle_between_packages_is_seen() -> None:
    path, source = "module_utils/_core/service/diff.py", "from ..stack.planning import plan_present"
    assert not packages_used(source, path) <= set(may_use(path))


def test_every_package_of_the_core_has_its_rank() -> None:
    assert {path.split("/")[2] for path in CORE_FILES if path.count("/") > 2} == set(PACKAGES)


def impure_names(tree: ast.Module, path: str) -> set[str]:
    """Names that a module has imported for I/O, the clock, or chance."""
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias, full in zip(node.names, imports(ast.Module([node], []), path), strict=True):
                if is_under(full, IMPURE) or full.removeprefix(OURS).startswith(IO):
                    found.add(alias.asname or alias.name)
    return found


def impure_parts_of_plan(source: str, path: str) -> list[str]:
    """What ``plan`` of a module, or a function of the module that it uses, does beyond deciding. Annotations do nothing."""
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    impure, found = impure_names(tree, path), []
    waiting, seen = ["plan"], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        body = ast.Module(functions[name].body, [])
        used = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
        used -= {node.annotation.id for node in ast.walk(body) if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name)}
        waiting += used
        found += [f"{name} uses {each}" for each in sorted(used & impure)]
        found += [f"{name} calls {each}()" for each in calls(body) if each in IMPURE_CALLS]
    return found


def steps_with_state(source: str) -> list[str]:
    """Steps of a module that are methods, which could keep things from each other."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    methods = [(each.name, part.name) for each in classes for part in each.body if isinstance(part, ast.FunctionDef)]
    return [".".join(method) for method in methods if method[1] in ("observe", "plan", "apply", "watch")]


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("modules/")])
def test_plans_only_decide_and_steps_share_nothing_in_secret(path: str) -> None:
    source = (PLUGINS / path).read_text()
    assert impure_parts_of_plan(source, path) == [] and steps_with_state(source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\ndef plan(a, b): return _look(a)\ndef _look(a): return os.listdir(a)", ["_look uses os"]),
        ("from ..module_utils._io.host import Host\ndef plan(a, b): return Host(a)", ["plan uses Host"]),
        ("import time as clock\ndef plan(a, b): return clock.time()", ["plan uses clock"]),
        ("def plan(a, b): return open(a)", ["plan calls open()"]),
        ("import os\nfrom ..module_utils._io.host import Host\ndef plan(a: Host, b): c: Host = a\ndef apply(a, b): os.remove(b)", []),
    ],
)
def test_a_plan_that_acts_is_seen(source: str, found: list[str]) -> None:
    assert impure_parts_of_plan(source, "modules/x.py") == found


def test_a_step_with_state_is_seen() -> None:
    assert steps_with_state("class Run:\n    def observe(self, a, b): self.a = a\n    def other(self): pass") == ["Run.observe"]


def knows_the_api_of_services(source: str) -> bool:
    return "TaskTemplate" in source


@pytest.mark.parametrize("path", [path for path in FILES if not path.startswith("module_utils/_core/service/")])
def test_only_one_package_knows_where_the_api_keeps_the_fields_of_a_service(path: str) -> None:
    assert not knows_the_api_of_services((PLUGINS / path).read_text()), "ask ServiceSpec for it"


def test_a_read_of_raw_services_is_seen() -> None:
    assert knows_the_api_of_services('service["Spec"]["TaskTemplate"]["Placement"]')
    assert any(knows_the_api_of_services((PLUGINS / path).read_text()) for path in FILES)
