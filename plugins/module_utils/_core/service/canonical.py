# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two questions about a service spec. Pure."""

from __future__ import annotations

from ..timestamps import SECOND_NS as SECOND_NS
from ..timestamps import parse_seconds as parse_seconds
from .fields import MONITOR_NS as MONITOR_NS
from .spec import Json as Json
from .spec import Raw, ServiceSpec


def service_mode(spec: Raw) -> str:
    """replicated, global, replicated-job or global-job."""
    return ServiceSpec(spec).mode


def desired_count(spec: Raw) -> int:
    """How many tasks a replicated service has, or how many must complete for a job."""
    return ServiceSpec(spec).desired
