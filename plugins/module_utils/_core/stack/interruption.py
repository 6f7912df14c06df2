# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to say of a run that was stopped in the middle: what is half done, and the two ways from there. Pure."""

from __future__ import annotations

import json

from .session import REMOVED, UPDATED, Session


def tell_interruption(session: Session) -> str:
    """Such as ``interrupted by SIGINT, and gave its lock back. Begun: app_web (1/2 updated). ...``"""
    text = f"interrupted by {session.stop}, and gave its lock back"
    half = [f"{name} ({session.seen[name]})" if session.seen.get(name) else name for name in session.touched]
    rest = [name for name in session.planned if name not in session.touched]
    if half:
        text += f". Begun: {', '.join(half)}"
    if half and rest:
        text += f". Not begun: {', '.join(rest)}"
    if session.unheard:
        text += ". What it did in the call in which it was cut off is not known"
    return f"{text}. The same command finishes it{f'; {_way_back(session)}' if session.changes() else ''}."


def _way_back(session: Session) -> str:
    updated = [name for name, item in session.touched.items() if item.act == UPDATED]
    others = [name for name, item in session.touched.items() if item.act not in (UPDATED, REMOVED)]
    if updated and not others and not session.made and not session.removed:
        return f"ansible-playbook playbooks/rollback.yml -e '{json.dumps({'services_names': updated})}' undoes it"
    return "ansible-playbook playbooks/deploy.yml with the files and variables of before undoes it"
