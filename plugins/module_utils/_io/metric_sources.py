# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a metric: over HTTP, from Prometheus, or from a command."""

from __future__ import annotations

import http.client
import json
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url

from .._core.autoscale import number_at, prometheus_value
from ..errors import FlotillaError, PlanError
from .download import show_address

MOST_BYTES = 16 * 1024 * 1024

Run = t.Callable[[list[str]], tuple[int, str, str]]


def read_metric(metric: t.Mapping[str, t.Any], run: Run) -> float:
    """The number that an option ``metric`` of the module autoscale means; ``run(argv)`` runs a command.

    Raises FlotillaError that says where it was looked for and what was there instead.
    """
    if metric["value"] is not None:
        return float(metric["value"])
    where = show_address(metric["url"]) if metric["url"] else metric["command"][0]
    try:
        if metric["command"]:
            return number_at(_output(metric["command"], run), "")
        if metric["query"]:
            query = urllib.parse.urlencode({"query": metric["query"]})
            return prometheus_value(json.loads(_fetch(metric, f"{metric['url'].rstrip('/')}/api/v1/query?{query}")))
        return number_at(json.loads(_fetch(metric, metric["url"])), metric["path"])
    except PlanError as error:
        raise FlotillaError(f"{where}: {error}") from None
    except ValueError:
        raise FlotillaError(f"{where}: the answer is not JSON") from None


def _output(command: list[str], run: Run) -> str:
    code, out, err = run(command)
    if code:
        tail = (err.strip() or out.strip()).splitlines()[-1:] or ["no output"]
        raise PlanError(f"exited {code}: {tail[0][:200]}")
    return out.strip()


def _fetch(metric: t.Mapping[str, t.Any], url: str) -> str:
    try:
        with open_url(
            url,
            headers={"Accept": "application/json", **{name: str(value) for name, value in metric["headers"].items()}},
            timeout=metric["timeout"],
            validate_certs=metric["validate_certs"],
            url_username=metric["username"] or None,
            url_password=metric["password"] or "",
            force_basic_auth=bool(metric["username"]),
        ) as answer:
            return str(answer.read(MOST_BYTES).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        raise PlanError(f"answered {error.code} {error.reason}") from None
    except (ValueError, http.client.InvalidURL):  # whose text has the address in it
        raise PlanError("can't be read: this is not a valid address") from None
    except OSError as error:
        raise PlanError(f"can't be read: {getattr(error, 'reason', error)}") from None
    except http.client.HTTPException:
        raise PlanError("can't be read: the answer is not HTTP") from None
