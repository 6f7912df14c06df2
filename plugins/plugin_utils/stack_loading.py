# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks as plugins load them: with the directories, the templates and the vault passwords of the run."""

from __future__ import annotations

import typing as t

from .compose.load import LoadedStack
from .stack_files import directories, load_model

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every text

    def trust_as_template(value: str) -> str:
        return value


__all__ = ["load_for", "trust_as_template"]


def load_for(plugin: t.Any, options: t.Mapping[str, t.Any], template: bool, **more: t.Any) -> LoadedStack:
    """The stack that the options of ``stack`` name, its file a ``template`` or not.

    ``plugin`` is the action or lookup that asks; ``more`` goes to ``load_model``. Raises FlotillaError.
    """

    def fill_in(text: str) -> t.Any:
        return plugin._templar.template(trust_as_template(text))

    places, secrets = directories(plugin._loader.get_basedir()), plugin._loader._vault.secrets or ()
    return load_model(options, places, fill_in if template else None, secrets, **more)
