# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a call that failed before it came to its deployment. Talks to the engine."""

from __future__ import annotations

import typing as t

from ..._core.stack.policy import Policy, Terms
from ..._core.stack.session import DeployError, Session
from ..._core.stack.swarm_objects import SwarmObjects
from ...errors import FlotillaError
from ..engine import EngineError, Unusable
from ..member import Member
from .deployment import Deployment
from .writer import is_outage


def give_up(member: Member, policy: Policy, params: t.Mapping[str, t.Any], error: FlotillaError) -> FlotillaError:
    """What is to be said of the error, and of the run, which earlier calls may have begun: a later one ends it in good order.

    Where this engine can't act, that is left to a call through another manager, or to a later one.
    """
    session = Session.from_result(params["session"])
    if isinstance(error, DeployError):
        return error
    passes = isinstance(error, EngineError) and is_outage(error)
    if session.began and member.engine and not passes and not isinstance(error, Unusable):
        deployment = Deployment(member.engine, policy, session, Terms.of(params), SwarmObjects())
        try:
            return deployment.stop() if session.stop else deployment.fail(error)
        except FlotillaError as failure:  # the engine went away meanwhile
            error = failure
    error.changed = session.changes() or None
    return strand(error)


def strand(error: FlotillaError) -> FlotillaError:
    """Let the controller know of an error that another manager may not meet."""
    if isinstance(error, Unusable):
        error.result = {"stranded": True}
    return error
