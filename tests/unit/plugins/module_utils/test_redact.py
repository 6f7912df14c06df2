# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.redact import CHANGED, HIDDEN, looks_secret, redact, redact_pair, redact_text
from hypothesis import given
from hypothesis import strategies as st

SECRET = "geheim-4711"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment.MODE", SECRET),
        ("environment.LEVEL", f"x {SECRET}"),
        ("environment", {"API_KEY": SECRET, "MODE": SECRET}),
        ("environment", [f"MODE={SECRET}"]),
        ("", {"environment": {"MODE": SECRET}, "healthcheck": {"test": ["CMD", "curl", f"http://h/?t={SECRET}"]}}),
        ("environment.TZ", f"https://x:{SECRET}@h/"),
        ("labels.traefik.http.middlewares.a.basicauth.users", f"admin:$apr1${SECRET}"),
        ("labels.hook", f"https://h/x?t={SECRET}&u=1"),
        ("container_labels.app.token", SECRET),
        ("container_labels.app.db-pw", SECRET),
        ("labels.app.pin", SECRET),
        ("labels.app.pin", [SECRET]),
        ("logging.options.splunk-token", SECRET),
        ("logging.options.anything", SECRET),
        ("logging.options.tag", f"https://{SECRET}@h"),
        ("logging", {"driver": "splunk", "options": {"splunk-token": SECRET, "splunk-url": "https://log:8088"}}),
        ("volumes./data.volume_options.DriverConfig.Options.o", f"addr=10.0.0.5,username=u,password={SECRET}"),
        ("volumes./data.volume_options.DriverConfig.Options.o", f"addr=10.0.0.5,username=u,password=a,{SECRET},rw"),
        ("volumes./data", {"volume_options": {"DriverConfig": {"Name": "cifs", "Options": {"password": SECRET}}}}),
        ("volumes./data.volume_options.Labels.token", SECRET),
        ("options.o", f"rw,{SECRET}"),
        ("options.o", f"cred={SECRET},rw"),
        ("options", f"rw,password={SECRET}"),
        ("options.innocent", SECRET),
        ("driver_opts.o", f"rw,pass={SECRET}"),
        ("networks.db.driver_opts.auth_token", SECRET),
        ("networks.db.driver_opts.innocent", SECRET),
        ("command", ["serve", f"--db-password={SECRET}"]),
        ("command", ["serve", "--db-password", SECRET, "--port", "80"]),
        ("command", ["serve", "--db-pw", SECRET]),
        ("command", ["sh", "-c", f"run --token={SECRET} && PASSWORD={SECRET} other"]),
        ("command", ["sh", "-c", f"PGPASSWORD='{SECRET}' psql"]),
        ("command", ["sh", "-c", f'export DB_PW="a {SECRET}"; run']),
        ("command", ["sh", "-c", f"mysql --password {SECRET} -u x"]),
        ("command", ["curl", "-u", f"me:{SECRET}", "http://h/"]),
        ("command", ["sh", "-c", f"curl -u me:{SECRET} http://h/"]),
        ("command", ["curl", "-H", f"Authorization: Bearer {SECRET}"]),
        ("command", ["curl", "-H", f"X-Api-Key: {SECRET}"]),
        ("command", ["sh", "-c", f'echo \'{{"pin": "{SECRET}"}}\'']),
        ("command", ["run", f"postgres://app:pa@{SECRET}@db/app"]),
        ("command", ["run", f"postgres://app:pa/{SECRET}@db/app"]),
        ("command", [f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}"]),
        ("container.Healthcheck.Test", ["CMD", "curl", f"http://a:{SECRET}@localhost/"]),
        ("container.healthcheck.test", ["CMD-SHELL", f"curl http://localhost/?key={SECRET}"]),
        ("http-proxy", f"http://me:{SECRET}@proxy:3128"),
        ("https-proxy", SECRET),
        ("proxies.http-proxy", SECRET),
        ("proxies", {"https-proxy": SECRET, "no-proxy": "localhost"}),
        ("log-opts.splunk-token", SECRET),
        ("log-opts", {"loki": SECRET}),
        ("exec-opts", [f"native.x={SECRET}"]),
        ("registry-mirrors", [f"https://me:{SECRET}@mirror"]),
    ],
)
def test_what_may_be_a_secret_is_hidden(path: str, value: t.Any) -> None:
    text = json.dumps(redact(path, value))
    assert SECRET not in text and HIDDEN in text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment.TZ", "Europe/Berlin"),
        ("environment.LC_ALL", "C.UTF-8"),
        ("environment.EMPTY", ""),
        ("environment.GONE_PASSWORD", "(unset)"),
        ("image", "registry.example.org:5000/app:41@1f3a5b7c9d2e"),
        ("secrets./run/secrets/db_password.name", "app_db_password_1a2b"),
        ("labels.traefik.http.routers.a.rule", "Host(`a.example.org`) && PathPrefix(`/b`)"),
        ("labels.options.tier", "front"),
        ("volumes./data.volume_options.DriverConfig.Options.o", "addr=10.0.0.5,rw,nfsvers=4.2"),
        ("volumes./data.volume_options.DriverConfig.Options.device", ":/srv/data"),
        ("options", "rw,hard,timeo=600,_netdev"),
        ("driver_opts.encrypted", "true"),
        ("options.com.docker.network.driver.mtu", "1400"),
        ("logging.options.max-size", "10m"),
        ("log-opts", {"max-size": "10m", "max-file": "3"}),
        ("exec-opts", ["native.cgroupdriver=systemd"]),
        ("container.dns.options", ["ndots:2"]),
        ("command", ["serve", "--port", "80", "--level=info", "--secret-file", "--quiet"]),
        ("command", ["sh", "-c", "run --token-file= --port 80 --auth --quiet"]),
        ("command", ["curl", "http://a.example.org/x"]),
        ("container.healthcheck.test", ["CMD-SHELL", 'echo \'{"user": "x", "level": "info"}\'']),
        ("registry-mirrors", ["https://mirror.example.org"]),
        ("no-proxy", "localhost,.example.org"),
        ("data-root", "/srv/docker"),
        ("/srv/secret", "10.0.0.0/24(rw,sync)"),
        ("/etc/systemd/system/srv-secret.mount", "present"),
        ("replicas", 3),
        ("stop_grace_period", None),
        ("init", True),
    ],
)
def test_the_rest_is_shown_as_it_is(path: str, value: t.Any) -> None:
    assert redact(path, value) == value


def test_variables_are_shown_by_patterns_of_their_names() -> None:
    values = {"LOG_LEVEL": "debug", "LOG_SESSION": "4711", "MODE": "prod"}
    assert redact("environment", values, ["LOG_*", "MODE"]) == {"LOG_LEVEL": "debug", "LOG_SESSION": HIDDEN, "MODE": "prod"}
    assert redact("environment.MODE", "prod", ["mode"]) == HIDDEN
    assert redact("environment.MODE", "prod", ["MODE"], secret=True) == HIDDEN


def test_what_stands_beside_a_secret_is_shown() -> None:
    shown = redact("volumes./data.volume_options.DriverConfig.Options.o", f"addr=10.0.0.5,password={SECRET},vers=3.0")
    assert shown == "addr=10.0.0.5,password=(hidden),vers=3.0"
    shown = redact("labels.hook", f"https://me:{SECRET}@h.example.org/x?t={SECRET}")
    assert shown == "https://(hidden)@h.example.org/x?(hidden)"


@pytest.mark.parametrize(
    ("path", "before", "after", "shown"),
    [
        ("environment.MODE", "a", "b", (HIDDEN, CHANGED)),
        ("environment.MODE", None, "b", (None, HIDDEN)),
        ("environment.MODE", "a", None, (HIDDEN, None)),
        ("environment.MODE", "(unset)", "b", ("(unset)", HIDDEN)),
        ("options.o", "rw,pw=a,x=1", "ro,pw=b,x=1", ("rw,pw=(hidden),x=(hidden)", "ro,pw=(hidden, changed),x=(hidden)")),
        ("command", ["--pw", "a", "1"], ["--pw", "a", "2"], (["--pw", HIDDEN, "1"], ["--pw", HIDDEN, "2"])),
    ],
)
def test_a_difference_says_what_of_the_hidden_changed(path: str, before: t.Any, after: t.Any, shown: tuple[t.Any, t.Any]) -> None:
    assert redact_pair(path, before, after) == shown


PLACES = st.sampled_from(
    ["environment.{0}", "container.environment.{0}", "logging.options.{0}", "options.{0}", "driver_opts.{0}", "labels.app.{0}_password"]
)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True).filter(lambda name: not name.startswith(("TZ", "LANG", "LC_", "PATH")))


@given(PLACES, NAMES, st.text(min_size=8), st.text(min_size=8))
def test_whatever_is_planted_where_credentials_are_never_comes_out(place: str, name: str, before: str, after: str) -> None:
    shown = redact_pair(place.format(name), before, after)
    assert shown == (HIDDEN, HIDDEN if before == after else CHANGED)


SPLIT = st.text(st.characters(blacklist_characters="\"'"), min_size=6).map(lambda text: f"zq{text}qz")


@given(SPLIT)
def test_a_planted_mount_option_never_comes_out(value: str) -> None:
    shown = redact("options.o", f"addr=10.0.0.5,password={value},rw")
    assert value not in shown and shown.startswith("addr=10.0.0.5,password=(hidden)") and shown.endswith(",rw")
    assert not any(part and part in shown for part in value.split(",") if part.startswith("zq") or part.endswith("qz"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("asking http://h:9/x?token=4711 failed: 500", "asking http://h:9/x?(hidden) failed: 500"),
        ("https://me:pw@h/x and https://tok@h", "https://(hidden)@h/x and https://(hidden)@h"),
        ("connecting to ssh://root@m1 failed", "connecting to ssh://root@m1 failed"),
        ("connecting to ssh://root:pw@m1 failed", "connecting to ssh://(hidden)@m1 failed"),
        ("the option token: x stays", "the option token: x stays"),
    ],
)
def test_messages_are_free_of_the_credentials_of_urls(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("PGPASSWORD", True),
        ("MYSQL_PWD", True),
        ("REDIS_PASS", True),
        ("passphrase", True),
        ("API_TOKEN", True),
        ("SECRET_KEY_BASE", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("apiKey", True),
        ("DATABASE_URL", True),
        ("SENTRY_DSN", True),
        ("BASIC_AUTH", True),
        ("RABBITMQ_ERLANG_COOKIE", True),
        ("CREDENTIALS", True),
        ("PASSWORD1", True),
        ("KEY", True),
        ("ENCRYPTIONKEY", True),
        ("JWT", True),
        ("PW", True),
        ("DB_PW", True),
        ("CREDS", True),
        ("CONNECTION_STRING", True),
        ("DB_CONN", True),
        ("WEBHOOK", True),
        ("SALT", True),
        ("HMAC", True),
        ("PIN", True),
        ("BEARER", True),
        ("SAS", True),
        ("PEM", True),
        ("PASSKEY", True),
        ("PASSCODE", True),
        ("OTP_SEED", True),
        ("SESSION", True),
        ("dbPw", True),
        ("app.session", True),
        *((name, True) for name in "SSHKEY SSH_KEY MASTERKEY SEED WALLET_SEED SEEDPHRASE MNEMONIC PSK WIFI_PSK1 LICENSE_KEY".split()),
        *((name, True) for name in "RECOVERY_CODES KUBECONFIG PEPPER KEYSTORE PFX_B64 AESKEY".split()),
        *((name, False) for name in "SEEDS_PER_TRAY KEYBOARD HOTKEY HOST ROOT SSH_PORT ACCOUNT STORAGE".split()),
        ("SPIN", False),
        ("SHIPPING", False),
        ("CONNECTIONS", False),
        ("PWD", False),
        ("AUTHOR", False),
        ("LOG_LEVEL", False),
        ("MONKEY", False),
        ("REPLICAS", False),
        ("TZ", False),
    ],
)
def test_which_names_look_secret(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("addr=10.0.0.1,username=joe,pass=hunter2,vers=3.0", "addr=10.0.0.1,username=(hidden),pass=(hidden),vers=3.0"),
        ("pass=my word", "pass=(hidden)"),
        ("rw,hunter2", "rw,(hidden)"),
    ],
)
def test_the_options_with_which_an_engine_could_not_mount_are_hidden(options: str, shown: str) -> None:
    """The engine itself stars only what is called ``password``."""
    told = "error while mounting volume '/x': failed to mount local volume: mount //srv/s:/x, flags: 0x1, data: {}: permission denied"
    assert redact_text(told.format(options)) == told.format(shown)
