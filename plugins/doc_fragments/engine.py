# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module reaches the Docker Engine."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Address of the engine, such as V(unix:///var/run/docker.sock), V(tcp://10.0.0.5:2376) or V(ssh://root@10.0.0.5).
        With V(ssh://...) the C(ssh) of OpenSSH has to get there without a question; that host needs no Docker client.
      - An address of another host by plain TCP (V(tcp://...) without O(tls)) works, with a warning.
      - Without it the environment variable E(DOCKER_HOST) of the host on which the module runs is used.
    type: str
    default: unix:///var/run/docker.sock
  tls:
    description:
      - Speak TLS. The engine's certificate is checked unless O(validate_certs=false). E(DOCKER_TLS) is used when the option is absent.
    type: bool
    default: false
  validate_certs:
    description:
      - Refuse an engine whose certificate the authorities in O(ca_path), without it those of the system, do not vouch for. V(true) by
        itself turns O(tls) on.
      - When it is absent E(DOCKER_TLS_VERIFY) is used, and without that the value of O(tls).
      - With V(false) beside O(tls=true) any host can pass for the engine.
    type: bool
  ca_path:
    description:
      - File with the certificate of the authority. Without it C(ca.pem) in the directory E(DOCKER_CERT_PATH), where that is set.
    type: path
  client_cert:
    description:
      - File with the client's certificate. Without it C(cert.pem) in the directory E(DOCKER_CERT_PATH), where that is set.
    type: path
  client_key:
    description:
      - File with the client's key. Without it C(key.pem) in the directory E(DOCKER_CERT_PATH), where that is set.
    type: path
  timeout:
    description:
      - Seconds that one request may take. E(DOCKER_TIMEOUT) is used when the option is absent.
    type: int
    default: 60
requirements:
  - Docker SDK for Python >= 5.0.3 (C(python3-docker) in Debian and Ubuntu)
  - Docker Engine >= 20.10 (API 1.41)
"""
