#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# usage: tests/venv.sh DIRECTORY REQUIREMENTS...
# Makes a virtual environment of a Python >= 3.11 and installs the requirements. On a bare Debian it first installs
# what virtual environments need, which takes root.
set -euo pipefail
venv=$1
shift

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

if ! works "$venv/bin/python"; then
    python=
    for candidate in python3 python3.13 python3.12 python3.11; do
        if works "$candidate"; then
            python=$candidate
            has_venv "$python" && break
        fi
    done
    [ -n "$python" ] || { echo "No Python >= 3.11 was found. Install one, such as Debian 12's python3." >&2; exit 1; }
    if ! has_venv "$python"; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "$python has no module venv. Install it, on Debian with: apt-get install $version-venv" >&2
            exit 1
        fi
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$version-venv" >/dev/null
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
for requirements in "$@"; do
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
done
