# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live swarm as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm
short_description: Nodes of a live Docker Swarm as an inventory
version_added: 0.1.0
description:
  - Asks a manager for the nodes and makes each a host, with its address as C(ansible_host) and what the managers know of it as
    C(swarm_node).
  - A node chooses its host name. One that is called C(localhost), C(all), or by what is no host name becomes the host C(node-ID).
  - Groups are C(swarm_managers) and C(swarm_workers), C(swarm_label_NAME) for each label that is neither empty nor C(false),
    C(swarm_availability_VALUE) and C(swarm_state_VALUE).
  - The name of the file ends in C(swarm.yml) or C(swarm.yaml).
author:
  - Flotilla contributors (@flotilla-swarm)
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [flotilla.swarm.swarm]
  docker_host:
    description: Address of a manager, such as V(ssh://root@10.0.0.5), V(tcp://10.0.0.5:2376) or V(unix:///var/run/docker.sock).
    type: str
    default: unix:///var/run/docker.sock
    env:
      - name: DOCKER_HOST
  tls:
    description: Speak TLS. The engine's certificate is checked unless O(validate_certs=false).
    type: bool
    default: false
    env:
      - name: DOCKER_TLS
  validate_certs:
    description:
      - Refuse an engine whose certificate the authorities in O(ca_path), without it those of the system, do not vouch for. V(true) by
        itself turns O(tls) on. Without the option it is the value of O(tls).
    type: bool
    env:
      - name: DOCKER_TLS_VERIFY
  ca_path:
    description: File with the certificate of the authority. Without it C(ca.pem) in the directory E(DOCKER_CERT_PATH), where that is set.
    type: path
  client_cert:
    description: File with the client's certificate. Without it C(cert.pem) in that directory.
    type: path
  client_key:
    description: File with the client's key. Without it C(key.pem) in that directory.
    type: path
  timeout:
    description: Seconds that one request may take.
    type: int
    default: 60
  group_prefix:
    description: What the names of the groups begin with.
    type: str
    default: swarm_
requirements:
  - Docker SDK for Python on the controller; for V(ssh://...) the C(ssh) of OpenSSH, which must get there without a question
"""

EXAMPLES = r"""
# inventories/live/swarm.yml
plugin: flotilla.swarm.swarm
docker_host: ssh://root@10.0.0.5
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/flotilla
keyed_groups:
  - key: swarm_node.engine_version
    prefix: engine
groups:
  has_gpu: "'gpu' in swarm_node.labels"
"""

import os
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.flotilla.swarm.plugins.plugin_utils.swarm_hosts import read_hosts

from ..module_utils._core.connection import read_tls, warn_of_plain
from ..module_utils._io.engine import Engine
from ..module_utils.errors import FlotillaError

CONNECTION = ("docker_host", "tls", "validate_certs", "ca_path", "client_cert", "client_key", "timeout")
CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "flotilla.swarm.swarm"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("swarm.yml", "swarm.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        key = self.get_cache_key(path)
        may_read = cache and self.get_option("cache")
        nodes = self._cache.get(key) if may_read else None
        if nodes is None:
            nodes = self._ask()
            if self.get_option("cache"):
                self._cache[key] = nodes
        self._fill(nodes)

    def _ask(self) -> Any:
        try:
            given = {name: self.get_option(name) for name in CONNECTION}
            folder = os.environ.get("DOCKER_CERT_PATH")
            kept = {name: os.path.join(folder, file) for name, file in CERTIFICATES.items() if not given[name]} if folder else {}
            warning = warn_of_plain(given["docker_host"], read_tls(given["tls"], given["validate_certs"]))
            if warning:
                self.display.warning(warning)
            engine = Engine.connect(**{**given, **kept})
            return engine.get("/nodes", doing=f"listing the nodes through {self.get_option('docker_host')}")
        except FlotillaError as error:
            raise AnsibleParserError(str(error)) from None

    def _fill(self, nodes: Any) -> None:
        strict, prefix = self.get_option("strict"), self.get_option("group_prefix")
        for host in read_hosts(nodes):
            self.inventory.add_host(host.name)
            for name, value in host.variables.items():
                # a node tells its host name and engine labels itself, and ansible-core before 2.19 takes any text for a template
                self.inventory.set_variable(host.name, name, wrap_var(value))
            for group in host.groups:
                self.inventory.add_child(self.inventory.add_group(f"{prefix}{group}"), host.name)
            variables = self.inventory.get_host(host.name).get_vars()
            self._set_composite_vars(self.get_option("compose"), variables, host.name, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict=strict)
