# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flotilla.swarm.plugins.module_utils.plan import Field, short_hash
from ansible_collections.flotilla.swarm.plugins.module_utils.stack.veil import veil, veil_fields

SECRET = "geheim-4711"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment.DB_PASSWORD", SECRET),
        ("environment", {"API_KEY": SECRET, "MODE": "prod"}),
        ("environment.DATABASE", f"postgres://app:{SECRET}@db/app"),
        ("environment.JAVA_OPTS", f"-Xmx1g -Ddb.password={SECRET} -Dx=y"),
        ("labels.traefik.http.middlewares.a.basicauth.users", f"admin:$apr1${SECRET}"),
        ("container_labels.app.token", SECRET),
        ("logging.options.splunk-token", SECRET),
        ("logging", {"driver": "splunk", "options": {"splunk-token": SECRET, "splunk-url": "https://log:8088"}}),
        ("volumes./data.volume_options.DriverConfig.Options.o", f"addr=10.0.0.5,username=u,password={SECRET}"),
        ("volumes./data", {"volume_options": {"DriverConfig": {"Name": "cifs", "Options": {"password": SECRET}}}}),
        ("networks.db.driver_opts.auth_token", SECRET),
        ("command", ["serve", f"--db-password={SECRET}"]),
        ("command", ["serve", "--db-password", SECRET, "--port", "80"]),
        ("command", ["sh", "-c", f"run --token={SECRET} && PASSWORD={SECRET} other"]),
        ("command", ["sh", "-c", f"PGPASSWORD='{SECRET}' psql"]),
        ("command", ["sh", "-c", f'export DB_PASSWORD="a {SECRET}"; run']),
        ("command", ["sh", "-c", f"mysql --password {SECRET} -u x"]),
        ("environment.CONFIG", f'{{"user": "x", "password": "{SECRET}"}}'),
        ("environment.DATABASE", f"postgres://app:pa@{SECRET}@db/app"),
        ("container.Healthcheck.Test", ["CMD", "curl", f"http://a:{SECRET}@localhost/"]),
    ],
)
def test_what_may_be_a_secret_is_a_hash(path: str, value: t.Any) -> None:
    shown = json.dumps(veil(path, value))
    assert SECRET not in shown and "sha256:" in shown


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("environment.MODE", "prod"),
        ("environment.GONE_PASSWORD", "(unset)"),
        ("secrets./run/secrets/db_password.name", "app_db_password_1a2b"),
        ("labels.traefik.http.routers.a.rule", "Host(`a.example.org`) && PathPrefix(`/b`)"),
        ("volumes./data.volume_options.DriverConfig.Options.o", "addr=10.0.0.5,rw,nfsvers=4.2"),
        ("command", ["serve", "--port", "80", "--level=info", "--secret-file", "--quiet"]),
        ("command", ["sh", "-c", "run --token-file= --port 80 --auth --quiet"]),
        ("environment.CONFIG", '{"user": "x", "level": "info"}'),
        ("environment.SITES", "http://a.example.org/x,http://b.example.org:80/y"),
        ("replicas", 3),
        ("stop_grace_period", None),
    ],
)
def test_the_rest_is_shown_as_it_is(path: str, value: t.Any) -> None:
    assert veil(path, value) == value


def test_what_else_stands_beside_a_secret_is_shown() -> None:
    shown = veil("volumes./data.volume_options.DriverConfig.Options.o", f"addr=10.0.0.5,password={SECRET},vers=3.0")
    assert shown.startswith("addr=10.0.0.5,password=sha256:") and shown.endswith(",vers=3.0")


def test_a_variable_is_shown_without_the_sign_that_says_that_it_is_set() -> None:
    fields = (Field("environment.MODE", "=dev", "==x"), Field("environment.TOKEN", "(unset)", f"={SECRET}"))
    assert veil_fields(fields) == (
        Field("environment.MODE", "dev", "=x"),
        Field("environment.TOKEN", "(unset)", short_hash(SECRET)),
    )
