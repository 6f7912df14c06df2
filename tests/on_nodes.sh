#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# usage: [LAB_DRIVER=uml] [FLOTILLA_LAB_RELEASE=bookworm] tests/on_nodes.sh SCENARIO...
# Runs molecule scenarios in labs. A machine that cannot hold nodes skips them; the reason is kept for the summary of the unit tests.
# The last lines name what failed: molecule's own last lines do not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH" MOLECULE_GLOB='molecule/*/molecule.yml'
mkdir -p .cache
reason=.cache/no-nodes.txt log=.cache/on-nodes.log
rm -f "$reason"

if ! python -m tests.lab check --name "check$$" --driver "${LAB_DRIVER:-container}" 2>"$reason"; then
    echo "The tests on nodes are skipped ($*): this machine cannot hold nodes."
    cat "$reason"
    exit 0
fi
rm -f "$reason"
for scenario in "$@"; do
    if ! molecule test -s "$scenario" 2>&1 | tee "$log"; then
        echo "What failed in scenario $scenario:"
        sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E -A 12 'fatal:|\[ERROR\]|^(FAILED|ERROR) |^E  ' | tail -n 60
        exit 1
    fi
done
