# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for oauth2-proxy in the lab: reads its configuration file, and answers as it does to an edge that asks who may pass.

A request with a session gets 202 with X-Auth-Request-Email, one without is sent to the provider. The provider sends the client back to
/oauth2/callback, where the code is exchanged for who it is, over TLS, by the client's secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import ssl
import sys
import time
import tomllib
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

COOKIE, LIFE = "_oauth2_proxy", 3600
CONFIG: dict[str, Any] = tomllib.loads(Path(sys.argv[1].removeprefix("--config=")).read_text())
TLS = ssl.create_default_context(cadata="".join(Path(path).read_text() for path in CONFIG.get("provider_ca_files", [])) or None)


def sign(content: dict[str, Any]) -> str:
    text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    return f"{text}.{hmac.new(CONFIG['cookie_secret'].encode(), text.encode(), hashlib.sha256).hexdigest()}"


def opened(signed: str) -> dict[str, Any]:
    """What was signed, empty if it was not, or too long ago."""
    text, _dot, _mark = signed.partition(".")
    try:
        content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
        known = hmac.compare_digest(sign(content), signed) and content["until"] > time.time()
    except (ValueError, KeyError):
        return {}
    return content if known else {}


def is_allowed(email: str) -> bool:
    single = CONFIG.get("authenticated_emails_file")
    domains = CONFIG["email_domains"]
    return "*" in domains or email.rpartition("@")[2] in domains or bool(single and email in Path(single).read_text().split())


def ask(url: str, data: dict[str, str] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, urllib.parse.urlencode(data).encode() if data else None)
    if data:
        pair = f"{CONFIG['client_id']}:{CONFIG['client_secret']}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    with urllib.request.urlopen(request, context=TLS, timeout=10) as answer:
        return dict(json.load(answer))


def provider() -> dict[str, Any]:
    return ask(CONFIG["oidc_issuer_url"].rstrip("/") + "/.well-known/openid-configuration")


class Login(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/oauth2/callback":
            return self.callback(dict(urllib.parse.parse_qsl(url.query)))
        session = opened(self.cookies().get(COOKIE, ""))
        if session and is_allowed(session.get("email", "")):
            return self.answer(202, {"X-Auth-Request-Email": session["email"], "X-Auth-Request-User": session["email"]})
        forwarded = {name: self.headers.get(f"X-Forwarded-{name}", "") for name in ("Proto", "Host", "Uri")}
        back = f"{forwarded['Proto']}://{forwarded['Host']}{forwarded['Uri']}"
        return self.to_provider(back)

    def to_provider(self, back: str) -> None:
        host = urllib.parse.urlsplit(back).hostname or ""
        if not any(host.endswith(domain) for domain in CONFIG["whitelist_domains"]):
            return self.answer(403, {})
        query = {
            "response_type": "code",
            "client_id": CONFIG["client_id"],
            "redirect_uri": CONFIG["redirect_url"],
            "scope": CONFIG["scope"],
            "state": sign({"back": back, "until": time.time() + LIFE, "nonce": secrets.token_hex(8)}),
        }
        return self.answer(302, {"Location": f"{provider()['authorization_endpoint']}?{urllib.parse.urlencode(query)}"})

    def callback(self, given: dict[str, str]) -> None:
        state = opened(given.get("state", ""))
        if not state or "code" not in given:
            return self.answer(403, {})
        ends = provider()
        code = {"grant_type": "authorization_code", "code": given["code"], "redirect_uri": CONFIG["redirect_url"]}
        token = ask(ends["token_endpoint"], code)["id_token"].split(".")[1]
        email = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))).get("email", "")
        if not is_allowed(email):
            return self.answer(403, {})
        session = sign({"email": email, "until": time.time() + LIFE})
        cookie = f"{COOKIE}={session}; Domain={CONFIG['cookie_domains'][0]}; Path=/; Secure; HttpOnly; SameSite=Lax"
        return self.answer(302, {"Location": state["back"], "Set-Cookie": cookie})

    def cookies(self) -> dict[str, str]:
        pairs = (pair.strip().partition("=") for pair in self.headers.get("Cookie", "").split(";"))
        return {name: value for name, _equals, value in pairs}

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()


if __name__ == "__main__":
    host, _colon, port = CONFIG["http_address"].rpartition(":")
    http.server.ThreadingHTTPServer((host, int(port)), Login).serve_forever()
