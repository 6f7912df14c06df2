# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells people by webhook or mail what a run did."""

from __future__ import annotations

DOCUMENTATION = r"""
name: notify
type: notification
short_description: Tells people by webhook or mail what a run did
version_added: 0.1.0
author: Flotilla contributors (@flotilla-swarm)
description:
  - At the end of a run, and on demand at its start, it sends what was changed or planned, or the cause of a failure, with the time it took.
  - C(notify_webhook) is an address that takes a POST with JSON. C(text) in it is what chats show, such as Slack, Mattermost, Rocket.Chat
    and Teams; C(playbook), C(swarm), C(event), C(failed), C(changes) and C(seconds) are for programs.
  - C(notify_email) sends mail; a mapping of C(to), an address or a list, C(from), C(host), C(port), 25 without it, C(username), C(password)
    and C(tls), which asks for STARTTLS and is V(true) without it.
  - C(notify_events) lists which runs are told of, of V(started), V(failed), V(planned), V(changed) and V(unchanged). Without it they are
    V(changed) and V(failed).
  - These are variables of the inventory, so that they can be in the vault; those of the first host count, or what C(-e) gives. Addresses
    and passwords are never shown. Where nobody can be told, a warning says why, and the run goes on.
requirements:
  - To be enabled, by C(callbacks_enabled = flotilla.swarm.notify) in C(ansible.cfg) or E(ANSIBLE_CALLBACKS_ENABLED).
"""

import json
import os
import smtplib
import time
import typing as t
from email.message import EmailMessage

from ansible.errors import AnsibleError
from ansible.module_utils.urls import open_url
from ansible.plugins.callback import CallbackBase
from ansible_collections.flotilla.swarm.plugins.plugin_utils.glance import cause_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.notification import Email, Run, Settings, message, read_settings
from ansible_collections.flotilla.swarm.plugins.plugin_utils.play import is_checking, variables_of
from ansible_collections.flotilla.swarm.plugins.plugin_utils.run_plan import RunPlan, gather

from ..module_utils.errors import FlotillaError
from ..module_utils.redact import redact_text

TIMEOUT = 10
NAMES = ("notify_webhook", "notify_email", "notify_events", "swarm_name")


def post(url: str, body: t.Mapping[str, t.Any]) -> None:
    """Send JSON. Raises OSError."""
    headers = {"Content-Type": "application/json"}
    open_url(url, data=json.dumps(body).encode(), headers=headers, method="POST", timeout=TIMEOUT, follow_redirects="none")


def mail(settings: Email, text: str) -> None:
    """Send a letter whose subject is the first line of the text. Raises OSError."""
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = text.splitlines()[0], settings.sender, ", ".join(settings.to)
    letter.set_content(text)
    with smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT) as server:
        if settings.tls:
            server.starttls()
        if settings.username:
            server.login(settings.username, settings.password)
        server.send_message(letter)


class CallbackModule(CallbackBase):
    """Gathers what happens, and tells of it when the statistics are printed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "flotilla.swarm.notify"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings: Settings | None = None
        self._playbook = self._swarm = ""
        self._checking = False
        self._plan = RunPlan()  # of its own: the callback that prints one need not be enabled
        self._failed: dict[str, str] = {}
        self._began = time.monotonic()

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self._playbook = os.path.splitext(os.path.basename(playbook._file_name))[0]

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if self._settings is None:
            self._settings = self._read(play)
            self._tell(Run(self._playbook, self._swarm))
        if self._settings.tells_anybody:
            self._checking = is_checking(play, variables_of(play)[1])

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if result._result.get("changed"):
            task = result._task
            self._plan.note(result._host.get_name(), task.get_name(), bool(task.run_once), result._result, self._checking)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._failed[result._host.get_name()] = redact_text(cause_of(result._result))

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._failed[result._host.get_name()] = redact_text(cause_of(result._result))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        # What was rescued did not fail.
        lost = {*stats.failures, *stats.dark}
        failed = {host: self._failed.get(host, "it failed") for host in sorted(lost)}
        changes = gather(self._plan.results)
        self._tell(Run(self._playbook, self._swarm, self._plan.is_planned, changes, failed, time.monotonic() - self._began))

    def _read(self, play: t.Any) -> Settings:
        """What the inventory says. A play alone knows no variables of groups, so those of a host are taken."""
        hosts = play.get_variable_manager()._inventory.get_hosts("all", ignore_limits=True)
        variables, templar = variables_of(play, hosts[0] if hosts else None)
        try:
            known = {name: templar.template(variables[name]) for name in NAMES if name in variables}
            self._swarm = str(known.get("swarm_name") or "")
            return read_settings(known)
        except (FlotillaError, AnsibleError) as error:
            self._warn(str(error))
            return Settings()

    def _tell(self, run: Run) -> None:
        settings = self._settings or Settings()
        if run.event not in settings.events:
            return
        body = message(run)
        if settings.webhook:
            self._try("notify_webhook", post, settings.webhook, body)
        if settings.email:
            self._try("notify_email", mail, settings.email, body["text"])

    def _try(self, name: str, send: t.Callable[..., None], *what: t.Any) -> None:
        try:
            send(*what)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            self._warn(f"{name}: {getattr(error, 'reason', None) or getattr(error, 'strerror', None) or type(error).__name__}")

    def _warn(self, why: str) -> None:
        self._display.warning(f"Nobody is told of this run: {redact_text(why)}.")
