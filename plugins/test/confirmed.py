# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The condition on every task of a playbook that destroys."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._core.cluster.guard import refuse_unconfirmed
from ..module_utils.errors import PlanError, with_account


def confirmed(confirm: t.Any, swarm_name: t.Any, act: str = "") -> bool:
    """True, or an error that says what is missing: a condition that is only false would skip in silence."""
    try:
        refuse_unconfirmed(confirm, swarm_name, act)
    except PlanError as error:
        raise AnsibleFilterError(with_account(error)) from None
    return True


class TestModule:
    def tests(self) -> dict[str, t.Callable[..., bool]]:
        return {"confirmed": confirmed}
