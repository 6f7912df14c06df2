#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the unit tests of what runs on targets with Python 3.9, the oldest that targets may have, where one is installed.
# ansible-core 2.15 is the newest that Python 3.9 can install.
set -euo pipefail
venv=.venv39

find_python() {
    local candidate
    for candidate in python3.9 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.9.*/bin/python3.9; do
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if ! python=$(find_python); then
    echo "unit39: left out, for no Python 3.9 with the module venv is installed here."
    exit 0
fi
if [ ! -e "$venv/.done" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ansible-core==2.15.*' docker hypothesis pytest
    touch "$venv/.done"
fi
tests=(tests/unit/plugins/modules tests/unit/plugins/module_utils)
# Tests that read their input with the controller's half, or what stands beside it, can't load: that half needs Python 3.11.
mapfile -t with_controller < <(grep -rlE --include='test_*.py' '(plugin_utils|plugins\.action|writing_verbs|tests\.scenario)\b' "${tests[@]}")
[ ${#with_controller[@]} = 0 ] || printf 'unit39: left out, for it needs the controller: %s\n' "${with_controller[@]}"
exec "$venv/bin/python" -m pytest -q "${with_controller[@]/#/--ignore=}" "${tests[@]}"
