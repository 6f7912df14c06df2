# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with OpenMPF's parts on it: its playbooks, its jobs, and its database."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import urllib.request
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from .certificates import Signed
from .system import System, result_of

SCENARIO = System(inventory="inventories/openmpf-lab")
done, lab, look, nodes_of = SCENARIO.done, SCENARIO.lab, SCENARIO.look, SCENARIO.nodes_of
on, play, sdk = SCENARIO.on, SCENARIO.play, SCENARIO.sdk
FACES = "openmpf_ocv-face-detection"
SHARE = "/srv/openmpf"
Json = dict[str, Any]


def login() -> tuple[str, str]:
    """Name and password of the operator, from the file that role secrets made."""
    return SCENARIO.secret("operator.username"), SCENARIO.secret("operator.password")


def jobs(port: int = 8080, scheme: str = "http", context: ssl.SSLContext | None = None, who: tuple[str, str] | None = None) -> Json:
    """How many jobs there are in each state, as the workflow manager tells."""
    request = urllib.request.Request(f"{scheme}://{SCENARIO.address('m1')}:{port}/rest/jobs")
    credentials = base64.b64encode(":".join(who or login()).encode()).decode()
    request.add_header("Authorization", f"Basic {credentials}")
    with urllib.request.urlopen(request, timeout=20, context=context) as answer:
        return dict(json.load(answer))


def complete() -> int:
    """Jobs that ended well."""
    return int(jobs()["jobs"].get("COMPLETE", 0))


def start_proof(number: int) -> subprocess.Popen[str]:
    """Begin to post a picture this many times, and to wait for the jobs."""
    return SCENARIO.start_job("openmpf_client", "python", "-m", "mpf.prove", f"--jobs={number}", "--wait=400")


def proof(job: subprocess.Popen[str]) -> Json:
    """What became of them, at its end."""
    return result_of(job, "faces")


def declared() -> Json:
    """The stack of the inventory, templates as they are written."""
    (stack,) = SCENARIO.declared("stacks")["stacks_present"]
    return dict(stack)


def keystore(signed: Signed, password: str) -> bytes:
    key = load_pem_private_key(signed.key.encode(), None)
    certificate = x509.load_pem_x509_certificate(signed.certificate.encode())
    # A PEM file may hold keys of kinds that PKCS 12 can't; this one is ours.
    return pkcs12.serialize_key_and_certificates(b"mpf", key, certificate, None, BestAvailableEncryption(password.encode()))  # type: ignore[arg-type]
