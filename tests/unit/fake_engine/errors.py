# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as the Engine API gives them: a status and ``{"message": ...}``."""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]

_GRPC_STATUS = {
    "AlreadyExists": 409,
    "FailedPrecondition": 400,
    "InvalidArgument": 400,
    "NotFound": 404,
    "PermissionDenied": 403,
    "Unavailable": 503,
    "Unimplemented": 501,
    "Unknown": 500,
}

OUT_OF_SEQUENCE = "rpc error: code = Unknown desc = update out of sequence"
NO_LEADER = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. "
    "Make sure more than half of the managers are online."
)
NOT_IN_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'
)
IS_WORKER = (
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on "
    "a manager node or promote the current node to a manager."
)
LOCKED = 'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.'
ALREADY_IN_SWARM = 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.'
NOT_PART = "This node is not part of a swarm"


class ApiError(Exception):
    """What a handler raises to answer with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def rpc(code: str, text: str) -> ApiError:
    """An error that comes from swarmkit over gRPC, with the status that the engine maps it to."""
    return ApiError(_GRPC_STATUS[code], f"rpc error: code = {code} desc = {text}")
