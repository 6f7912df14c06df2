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
      - Without it the environment variable E(DOCKER_HOST) of the host on which the module runs is used.
    type: str
    default: unix:///var/run/docker.sock
  tls:
    description:
      - Speak TLS, without checking who answers. E(DOCKER_TLS) is used when the option is absent.
    type: bool
    default: false
  validate_certs:
    description:
      - Speak TLS, and refuse an engine whose certificate O(ca_path) does not vouch for.
      - E(DOCKER_TLS_VERIFY) is used when the option is absent.
    type: bool
    default: false
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
