#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# usage: worker.sh [OPTION OF ray start]...
# A worker that ends its tasks before it stops: `ray start` alone drops them.
set -u
head=head:6379

node_id() {
    local raylet
    raylet=$(grep -lx raylet /proc/[0-9]*/comm) && tr '\0' '\n' <"${raylet%comm}cmdline" | sed -n 's/^--node_id=//p'
}

# A node that has just begun to join is not known yet, hence more than once. Where the head is gone there is nobody to end a task for.
drain() {
    local id
    echo "draining: no more tasks, and those that run may end"
    while id=$(node_id) && [ -n "$id" ]; do
        timeout 60 ray drain-node --address="$head" --node-id="$id" \
            --reason=DRAIN_NODE_REASON_PREEMPTION --reason-message="the swarm stops this worker" || exit
        sleep 5
    done
    echo "drained"
    exit 0
}

trap drain TERM
ray start --block --address="$head" --node-name="$NODE_NAME" --metrics-export-port=8080 "$@" &
wait $!
