# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may show of the environment of services."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  show_environment:
    description:
      - Names of variables whose values the plan may show, with wildcards such as V(LOG_*). The values of all others are hidden, but for
        C(TZ), C(LANG), C(LC_*) and C(PATH).
      - A name that looks secret, such as C(DB_PW), is hidden whatever stands here, and so is a variable that was once given in the
        C(secret_environment) of M(flotilla.swarm.service). Of a value that is shown, passwords and the queries of URLs are hidden.
    type: list
    elements: str
    default: []
"""
