# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a stack file holds, loading it ends in a model or in an error that is meant to be read.

FLOTILLA_FUZZ is the number of documents, 300 unless set. The known cases, where they are, are among those that are mutated.
"""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.module_utils._core.stack.convert import convert
from ansible_collections.flotilla.swarm.plugins.module_utils.errors import FlotillaError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.errors import ComposeError
from ansible_collections.flotilla.swarm.plugins.plugin_utils.compose.load import load_stack
from corpus import find_cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FLOTILLA_FUZZ", "300"))
VERSIONED = """
version: "3.9"
x-log: &log {driver: json-file, options: {max-size: 10m, max-file: 3}}
services:
  web: &web
    image: "nginx:${TAG:-1}"
    command: sh -c "echo $$HOME"
    ports: ["80", "8080:80", "53:53/udp", {target: 1, published: 2, mode: host}]
    volumes: ["data:/d:ro", "./rel:/r", {type: tmpfs, target: /t, tmpfs: {size: 5}}]
    environment: [A=1, B, "C=x=y"]
    healthcheck: {test: curl x, interval: 1m30s, retries: 3}
    logging: *log
    networks: {front: {aliases: [w]}, back: }
    secrets: [s, {source: s, target: /t, mode: 0440}]
    ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}
    extra_hosts: ["h:1.2.3.4"]
    deploy:
      replicas: 2
      update_config: {parallelism: 0, delay: 10s, order: start-first, max_failure_ratio: 0.5}
      resources:
        limits: {cpus: "0.5", memory: 1G}
        reservations: {memory: 5M, generic_resources: [{discrete_resource_spec: {kind: gpu, value: 1}}]}
      placement: {constraints: [node.role == manager], preferences: [{spread: node.labels.z}]}
  job: {<<: *web, ports: [], depends_on: [web], deploy: {mode: replicated-job}}
networks: {front: {driver_opts: {encrypted: ""}, ipam: {config: [{subnet: 10.9.0.0/24}]}}, back: {external: true, name: shared}}
volumes: {data: {driver_opts: {type: nfs}}}
secrets: {s: {external: {name: real}}}
"""
SPEC = """
name: proj
services:
  base: {image: b, environment: {A: 1}, profiles: [x]}
  web:
    extends: base
    image: i
    depends_on: {db: {condition: service_healthy}}
    ports: [{target: 80, published: "8080"}]
    gpus: all
    configs: [c]
    command: !override [a]
  db: {image: "pg:${V:-${W:+q}}", deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 2}]}}}}
configs: {c: {content: "x $$y"}}
"""
TEXTS = [VERSIONED, SPEC, *(Path(file).read_text() for case in find_cases() for file in case.files)]
SNIPPETS = [
    "", " ", "\n", "\t", ":", ": ", "- ", "${", "}", "$", "$$", "${A:-", "&a ", "*a", "<<: *a", "!reset ", "!override ", "!!int ",
    "[", "]", "{", "}", '"', "'", "null", "~", "true", "-1", "0", "1e400", "99999999999999999999", ".nan", "2024-01-02", "0x",
    "|\n", "\x00", "\ufeff", "é", "\ud83d\ude00", "x-a: ", "services:", "extends: web", "include: a.yml", "---\n",
    "...\n", "%YAML 9.9\n",
]  # fmt: skip
LEAVES: st.SearchStrategy[t.Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(SNIPPETS),
    st.sampled_from(["1s", "1m", "/a", "a:b", "a:/b", "x:y:z", "80:80", "1-3:4-6", "on-failure:3", "global", "volume", "bind"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)

# What every file that a document names holds: variables, another document.
FILES = st.lists(st.sampled_from(["A", "B", "=", "'", '"', "$", "{", "}", "\\", "\n", " ", "#", "export ", "é"]), max_size=20).map(
    lambda parts: "".join(parts).encode()
)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """A stack file with a few bits of it cut out, doubled or replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from([*SNIPPETS, text[start:end] * 2])) + text[end:]
    return text


@st.composite
def mutated_trees(draw: st.DrawFn) -> str:
    """A stack file that is sound YAML, with values of any kind at a few of its paths."""
    tree = yaml.load(draw(st.sampled_from([VERSIONED, SPEC.replace("!override", "")])), yaml.SafeLoader)
    for _ in range(draw(st.integers(1, 3))):
        node = tree
        while isinstance(node, (dict, list)) and node:
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            if not isinstance(node[key], (dict, list)) or draw(st.integers(0, 3)) == 0:
                node[key] = draw(VALUES)
                break
            node = node[key]
    return json.dumps(tree)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(mutated_texts(), mutated_trees()), st.sampled_from(["error", "blank"]), st.binary(max_size=9) | FILES)
def test_any_document_ends_in_a_model_or_in_our_error(text: str, undefined: str, file: bytes) -> None:
    try:
        loaded = load_stack(
            content=text, project_dir="/nowhere", env={"A": "1", "HOME": "/home/me"}, undefined=undefined, read=lambda path: file
        )
    except ComposeError as error:
        assert str(error)
        return
    model = json.loads(json.dumps(loaded.model))
    try:
        convert("stk", model, content_names=True)
    except FlotillaError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a: " * 3000 + "b",
        "services: {a: {image: '" + "${A:-" * 500 + "}" * 500 + "'}}",
        "x-0: &x0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(f"x-{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        "services: {a: {image: i, command: " + "'\\\"" * 100 + "}}",
        "x: &a {<<: *a}",
        "? [a]\n: b",
    ],
    ids=["deep lists", "deep maps", "deep variables", "many aliases", "open quotes", "own alias", "list as key"],
)
def test_hostile_documents_are_refused(text: str) -> None:
    with pytest.raises(ComposeError):
        load_stack(content=text)
