#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks what runs inside Ansible with the oldest ansible-core that is supported and with the newest that a Python here can install.
set -euo pipefail

find_python() {
    local version candidate
    for version in "$@"; do
        for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/"python$version"; do
            if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
                echo "$candidate"
                return
            fi
        done
    done
    echo "unit-cores: none of Python $* with the module venv is installed here." >&2
    return 1
}

check() { # NAME PYTHON ANSIBLE-CORE
    local venv=.venv-core-$1 playbook
    if [ ! -e "$venv/.done" ]; then
        rm -rf "$venv"
        "$2" -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$3" --requirement requirements.txt hypothesis pytest
        touch "$venv/.done"
    fi
    "$venv/bin/python" -c 'import ansible.release, platform; print("ansible-core", ansible.release.__version__, "on Python", platform.python_version())'
    for playbook in site.yml playbooks/*.yml; do
        "$venv/bin/ansible-playbook" --syntax-check --inventory inventories/prod "$playbook" >/dev/null
    done
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --ignore tests/unit/plugins/action/test_action_stack_corpus.py \
        tests/unit/plugins/{action,callback,filter,inventory,lookup,modules} tests/unit/test_roles.py \
        tests/unit/test_hostile_python.py
}

check oldest "$(find_python 3.11 3.12)" 'ansible-core==2.17.*'
check newest "$(find_python 3.14 3.13 3.12)" ansible-core
