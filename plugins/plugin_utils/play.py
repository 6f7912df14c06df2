# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What callbacks learn of a play when it starts."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar


def variables_of(play: t.Any, host: t.Any = None) -> tuple[dict[str, t.Any], Templar]:
    """The variables of a play, or of a host in it, and what fills in their templates."""
    variables = play.get_variable_manager().get_vars(play=play, host=host)
    return variables, Templar(loader=play.get_loader(), variables=variables)


def is_checking(play: t.Any, templar: Templar) -> bool:
    """Whether a play is in check mode. The keyword may be a template, and plays hold templates as they were written."""
    return bool(play.check_mode) and bool(boolean(templar.template(play.check_mode), strict=False))
