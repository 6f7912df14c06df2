# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of the swarm's edge, out of the variables of role ``edge``: its services, and the configuration of Traefik in it. Pure."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ..module_utils._core.stack.edge import EDGE_LABEL, ROUTES_LABEL, TRUST, VIA
from .compose.interpolate import escaped

Json = dict[str, t.Any]
Options = t.Mapping[str, t.Any]

AUTH, AUTH_PORT, DASHBOARD = "auth", 4180, "api@internal"
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
HTTP_PORT, HTTPS_PORT, INTERNAL_PORT = 80, 443, 8082
_STATIC, _DYNAMIC = "/etc/traefik/edge.yml", "/etc/traefik/routes.yml"
_AUTHORITY, _STORE = "/etc/traefik/acme_ca.pem", "/acme"
_OIDC_CA = "/etc/oauth2-proxy/ca.pem"
_SECRETS = "/run/secrets"
# A client that still connects while the proxy is told to stop is served for so long; what is under way then has the rest to end.
_ACCEPTS, _ENDS, _KILLED = "5s", "20s", "30s"
# What the proxy reads to find services, tasks, their nodes and networks. All else of the engine's API would make it root.
_READS = "_ping|version|info|services|tasks|nodes|networks"
_HAPROXY = f"""\
global
  maxconn 200
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend api
  bind :2375
  http-request deny unless {{ method GET HEAD }}
  http-request deny unless {{ path_reg ^(/v[0-9.]+)?/({_READS})(/[A-Za-z0-9_.-]+)?$ }}
  default_backend engine
backend engine
  server engine unix@/var/run/docker.sock
"""


@dataclass(frozen=True)
class EdgeStack:
    """``content`` is what a stack file would hold, without a secret; ``env`` has those, by the names that ``content`` reads them by."""

    content: Json
    env: dict[str, str] = field(default_factory=dict, repr=False)


def full_host(host: str, domain: str) -> str:
    """``grafana`` is a host of the domain, a name with dots is one as it stands, and ``@`` is the domain itself."""
    if host in ("", "@"):
        return domain
    return host if "." in host else f"{host}.{domain}"


def auth_kind(auth: Options) -> str:
    return str(auth.get("kind") or "none")


def routes_of(options: Options) -> list[Json]:
    """What the edge itself routes: ``host`` in full, ``service``, ``port`` and ``auth``. Those of labels are known to the swarm alone."""
    domain = str(options["domain"])
    routes = [
        {
            "host": full_host(str(route["host"]), domain),
            "service": route["service"],
            "port": int(route["port"]),
            "auth": bool(route.get("auth")),
        }
        for route in options.get("routes") or []
    ]
    if options.get("dashboard"):
        routes.append({"host": full_host(str(options["dashboard"]), domain), "service": "", "port": 0, "auth": True})
    if auth_kind(options.get("auth") or {}) == "oidc":
        host = full_host(str(options["auth"].get("host") or AUTH), domain)
        routes.append({"host": host, "service": f"{options['stack']}_{AUTH}", "port": AUTH_PORT, "auth": False})
    return routes


def edge_stack(options: Options) -> EdgeStack:
    """``options`` are the variables of the role without their prefix."""
    env: dict[str, str] = {}
    services = {"traefik": _traefik(options, env), "api": _api(options)}
    configs = {"static": _text(static_config(options)), "routes": _text(dynamic_config(options)), "api": {"content": _HAPROXY}}
    acme, auth = options.get("acme") or {}, options.get("auth") or {}
    if acme.get("ca_certificate"):
        configs["acme_ca"] = {"content": acme["ca_certificate"]}
    trusted = [pair["certificate"] for pair in options.get("certificates") or []]
    trusted += [acme["ca_certificate"]] if acme.get("ca_certificate") else []
    if trusted:
        # No service needs it: whoever asks the routes does.
        configs[TRUST] = {"content": "\n".join(trusted), "labels": {EDGE_LABEL: TRUST}}
    networks: Json = {name: {"external": True, "name": name} for name in (options["network"], *(options.get("networks") or ()))}
    networks[f"{options['stack']}_api"] = {"name": f"{options['stack']}_api", "internal": True}
    if auth_kind(auth) == "oidc":
        services[AUTH] = _auth(options, env)
        networks[f"{options['stack']}_{AUTH}"] = {"name": f"{options['stack']}_{AUTH}"}
        if auth.get("ca_certificate"):
            configs["oidc_ca"] = {"content": auth["ca_certificate"]}
    content: Json = {"services": services, "networks": networks, "configs": configs}
    if env:
        content["secrets"] = {name.lower(): {"environment": name} for name in env}
    if acme:
        content["volumes"] = {"acme": {"name": options["volume"]}}
    return EdgeStack(escaped(content), env)


def static_config(options: Options) -> Json:
    """What Traefik reads when it starts."""
    acme = options.get("acme") or {}
    ends_tls: Json = {"certResolver": "acme"} if acme else {}
    to_https = {"entryPoint": {"to": "websecure", "scheme": "https"}}
    lives = {"lifeCycle": {"requestAcceptGraceTimeout": _ACCEPTS, "graceTimeOut": _ENDS}}
    config: Json = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {"address": f":{HTTP_PORT}", "http": {"redirections": to_https}, "transport": lives},
            "websecure": {
                "address": f":{HTTPS_PORT}",
                "asDefault": True,
                "http": {"tls": ends_tls, "middlewares": ["via@file", "retry@file"]},
                "transport": lives,
            },
            "internal": {"address": f":{INTERNAL_PORT}"},
        },
        "ping": {"entryPoint": "internal"},
        "log": {"level": "INFO", "format": "json"},
        # A task that has gone without a word is given up after this, and the next one is asked.
        "serversTransport": {"forwardingTimeouts": {"dialTimeout": "3s"}},
        "providers": {
            "file": {"filename": _DYNAMIC, "watch": False},
            "swarm": {
                "endpoint": f"tcp://{options['stack']}_api:2375",
                "exposedByDefault": False,
                "network": options["network"],
                "refreshSeconds": 5,
                "httpClientTimeout": "10s",
            },
        },
    }
    if options.get("metrics", True):
        config["metrics"] = {"prometheus": {"entryPoint": "internal", "addRoutersLabels": True}}
    if options.get("access_log", True):
        # Queries may carry what is nobody else's, such as the code that comes back from a login.
        config["accessLog"] = {"format": "json", "fields": {"queryParameters": {"defaultMode": "drop"}}}
    if options.get("dashboard"):
        config["api"] = {"dashboard": True}
    if acme:
        config["certificatesResolvers"] = {"acme": {"acme": _resolver(acme)}}
    return config


def _resolver(acme: Options) -> Json:
    challenge = acme.get("challenge") or "http"
    resolver: Json = {"email": acme["email"], "storage": f"{_STORE}/acme.json", "caServer": acme.get("ca_server") or LETS_ENCRYPT}
    if acme.get("ca_certificate"):
        resolver["caCertificates"] = [_AUTHORITY]
    if acme.get("lifetime_hours"):
        resolver["certificatesDuration"] = int(acme["lifetime_hours"])
    if challenge == "http":
        resolver["httpChallenge"] = {"entryPoint": "web"}
    elif challenge == "tls":
        resolver["tlsChallenge"] = {}
    else:
        resolver["dnsChallenge"] = {"provider": acme.get("dns_provider") or ""}
    return resolver


def dynamic_config(options: Options) -> Json:
    """The routes, what stands before them, and the certificates that were given."""
    auth = options.get("auth") or {}
    middlewares: Json = {
        # Tells an answer of a route, whoever gave it, from the one that there is no route.
        "via": {"headers": {"customResponseHeaders": {"Via": VIA}}},
        "retry": {"retry": {"attempts": 4, "initialInterval": "100ms"}},
    }
    gate = _gate(options["stack"], auth)
    if gate:
        middlewares[AUTH] = gate
    routers, services = {}, {}
    for route in routes_of(options):
        name = route["host"].replace("*", "any").replace(".", "-")
        routers[name] = {
            "rule": f"Host(`{route['host']}`)",
            "entryPoints": ["websecure"],
            "service": name if route["service"] else DASHBOARD,
        }
        if route["auth"]:
            routers[name]["middlewares"] = [AUTH]
        if route["service"]:
            # Each request finds the tasks of the moment, with a virtual address or without.
            servers = [{"url": f"http://tasks.{route['service']}:{route['port']}"}]
            services[name] = {"loadBalancer": {"servers": servers}}
    http: Json = {"middlewares": middlewares}
    http.update({key: value for key, value in (("routers", routers), ("services", services)) if value})
    tls: Json = {"options": {"default": {"minVersion": "VersionTLS12"}}}
    files = [
        {"certFile": f"{_SECRETS}/certificate_{index}", "keyFile": f"{_SECRETS}/key_{index}"}
        for index, _pair in enumerate(options.get("certificates") or [])
    ]
    if files:
        tls.update({"certificates": files, "stores": {"default": {"defaultCertificate": files[0]}}})
    return {"http": http, "tls": tls}


def _gate(stack: str, auth: Options) -> Json:
    """The middleware ``auth``."""
    kind = auth_kind(auth)
    if kind == "basic":
        return {"basicAuth": {"usersFile": f"{_SECRETS}/users", "removeHeader": True}}
    if kind == "forward":
        return {"forwardAuth": {"address": auth["address"], "authResponseHeaders": list(auth.get("response_headers") or [])}}
    if kind == "oidc":
        headers = ["X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"]
        return {"forwardAuth": {"address": f"http://{stack}_{AUTH}:{AUTH_PORT}/", "authResponseHeaders": headers}}
    return {}


def _traefik(options: Options, env: dict[str, str]) -> Json:
    acme, host_mode = options.get("acme") or {}, options["port_mode"] == "host"
    secrets: list[Json] = []

    def secret(name: str, text: str) -> None:
        env[name] = text
        secrets.append({"source": name.lower(), "target": name.lower(), "mode": 0o400})

    for index, pair in enumerate(options.get("certificates") or []):
        secret(f"CERTIFICATE_{index}", pair["certificate"])
        secret(f"KEY_{index}", pair["key"])
    auth = options.get("auth") or {}
    if auth_kind(auth) == "basic":
        secret("USERS", "".join(f"{user}\n" for user in auth["users"]))
    environment = {}
    for name, value in (acme.get("environment") or {}).items():
        secret(f"ACME_{name}", str(value))
        environment[f"{name}_FILE"] = f"{_SECRETS}/acme_{name.lower()}"
    configs = [{"source": "static", "target": _STATIC}, {"source": "routes", "target": _DYNAMIC}]
    if acme.get("ca_certificate"):
        configs.append({"source": "acme_ca", "target": _AUTHORITY})
    networks = [options["network"], *(options.get("networks") or ()), f"{options['stack']}_api"]
    networks += [f"{options['stack']}_{AUTH}"] if auth_kind(auth) == "oidc" else []
    deploy = _deploy(options)
    deploy["labels"] = {EDGE_LABEL: options["network"], ROUTES_LABEL: json.dumps(routes_of(options), sort_keys=True)}
    if options.get("metrics", True):
        deploy["labels"]["prometheus-port"] = str(INTERNAL_PORT)
    service: Json = {
        "image": options["image"],
        "command": [f"--configFile={_STATIC}"],
        "configs": configs,
        "networks": networks,
        "ports": [{"target": port, "published": port, "mode": "host" if host_mode else "ingress"} for port in (HTTP_PORT, HTTPS_PORT)],
        "healthcheck": {
            "test": ["CMD", "traefik", "healthcheck", f"--configFile={_STATIC}"],
            "interval": "5s",
            "timeout": "4s",
            "retries": 3,
            "start_period": "15s",
        },
        "stop_grace_period": _KILLED,
        "logging": {"driver": "json-file", "options": {name: str(value) for name, value in (options.get("log_rotation") or {}).items()}},
        "deploy": deploy,
    }
    if environment:
        service["environment"] = environment
    if secrets:
        service["secrets"] = secrets
    if acme:
        service["volumes"] = [{"type": "volume", "source": "acme", "target": _STORE}]
    return service


def _deploy(options: Options) -> Json:
    """One on each node that the constraint allows; one in all where it keeps certificates in a volume, which two must not write to."""
    return {
        **({"mode": "replicated", "replicas": 1} if options.get("acme") else {"mode": "global"}),
        "endpoint_mode": "dnsrr" if options["port_mode"] == "host" else "vip",
        "placement": {"constraints": [options["constraint"]]},
        "restart_policy": {"condition": "any", "delay": "5s"},
        # The port of a node is free when the task before has left it.
        "update_config": {"parallelism": 1, "order": "stop-first", "delay": "5s", "failure_action": "rollback"},
        "rollback_config": {"parallelism": 1, "order": "stop-first"},
    }


def _api(options: Options) -> Json:
    """Lets the proxy, which the world talks to, read a few lists of a manager's engine, and nothing else of it."""
    return {
        "image": options["api_image"],
        # The socket belongs to root.
        "user": "0:0",
        "configs": [{"source": "api", "target": "/usr/local/etc/haproxy/haproxy.cfg"}],
        "networks": [f"{options['stack']}_api"],
        "volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock", "read_only": True}],
        "deploy": {
            "mode": "global",
            "endpoint_mode": "dnsrr",
            "placement": {"constraints": ["node.role == manager"]},
            "restart_policy": {"condition": "any", "delay": "5s"},
            "update_config": {"parallelism": 1, "failure_action": "rollback"},
        },
    }


def _auth(options: Options, env: dict[str, str]) -> Json:
    auth = options["auth"]
    env["OAUTH2_PROXY"] = oauth2_proxy_config(options)
    secrets = [{"source": "oauth2_proxy", "target": "oauth2_proxy", "mode": 0o444}]
    emails = _single_emails(auth)
    if emails:
        env["EMAILS"] = "".join(f"{email}\n" for email in emails)
        secrets.append({"source": "emails", "target": "emails", "mode": 0o444})
    service = {
        "image": options["auth_image"],
        "command": [f"--config={_SECRETS}/oauth2_proxy"],
        "secrets": secrets,
        "networks": [f"{options['stack']}_{AUTH}"],
        "deploy": {
            "replicas": 2,
            "endpoint_mode": "dnsrr",
            "restart_policy": {"condition": "any", "delay": "5s"},
            "update_config": {"parallelism": 1, "order": "start-first", "failure_action": "rollback"},
        },
    }
    if auth.get("ca_certificate"):
        service["configs"] = [{"source": "oidc_ca", "target": _OIDC_CA}]
    return service


def oauth2_proxy_config(options: Options) -> str:
    """The file of oauth2-proxy, in TOML, whose texts are written as those of JSON."""
    auth, domain = options["auth"], str(options["domain"])
    emails = _single_emails(auth)
    domains = [email.removeprefix("*@") for email in auth["emails"] if email.startswith("*")]
    settings: Json = {
        "provider": "oidc",
        "oidc_issuer_url": auth["issuer"],
        "client_id": auth["client_id"],
        "client_secret": auth["client_secret"],
        "cookie_secret": auth["cookie_secret"],
        "cookie_domains": [f".{domain}"],
        "whitelist_domains": [f".{domain}"],
        "cookie_secure": True,
        "redirect_url": f"https://{full_host(str(auth.get('host') or AUTH), domain)}/oauth2/callback",
        "scope": "openid email profile" + (" groups" if auth.get("groups") else ""),
        "email_domains": domains,
        "http_address": f"0.0.0.0:{AUTH_PORT}",
        # It stands behind the edge, which asks it, so that its own answer to who may pass is an empty page.
        "reverse_proxy": True,
        "upstreams": ["static://202"],
        "set_xauthrequest": True,
        "skip_provider_button": True,
    }
    if emails:
        settings["authenticated_emails_file"] = f"{_SECRETS}/emails"
    if auth.get("groups"):
        settings["allowed_groups"] = list(auth["groups"])
    if auth.get("ca_certificate"):
        settings["provider_ca_files"] = [_OIDC_CA]
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def _single_emails(auth: Options) -> list[str]:
    return [email for email in auth["emails"] if not email.startswith("*")]


def _text(config: Json) -> Json:
    """A file of JSON, which is YAML as well."""
    return {"content": json.dumps(config, indent=2, sort_keys=True) + "\n"}
