# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts that come with the role, and what an inventory makes of them. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

Json = dict[str, t.Any]
THRESHOLD = "$threshold"
DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|nfs.*|9p"'


@dataclass(frozen=True)
class Rule:
    """``threshold`` fills the place of ``$threshold`` in ``expr``; ``hold`` is how long it must be true before anybody is told."""

    expr: str
    summary: str
    hold: str = "5m"
    severity: str = "warning"
    threshold: float | None = None
    cure: str = ""

    def as_prometheus(self, name: str) -> Json:
        """The rule as Prometheus reads it; its alert has its name."""
        value = "" if self.threshold is None else f"{self.threshold:g}"
        annotations = {"summary": self.summary.replace(THRESHOLD, value)} | ({"cure": self.cure} if self.cure else {})
        return {
            "alert": name,
            "expr": self.expr.replace(THRESHOLD, value),
            "for": self.hold,
            "labels": {"severity": self.severity},
            "annotations": annotations,
        }


RULES: t.Mapping[str, Rule] = {
    "swarm_unseen": Rule(
        "absent(swarm_node_up)",
        "No manager tells how the swarm fares: it has no leader, or the exporter runs on none",
        "3m",
        "critical",
        cure="Run status.yml; without a leader start managers, or run recover.yml",
    ),
    "node_down": Rule(
        "swarm_node_up == 0",
        "Node {{ $labels.node }} is down",
        "1m",
        "critical",
        cure="Start it, or run remove_node.yml or replace_node.yml",
    ),
    "quorum_without_margin": Rule(
        "swarm_managers_reachable - floor(swarm_managers / 2) - 1 < 1 and swarm_managers > 2",
        "No more manager may fail: {{ $value }} beyond the quorum are reachable",
        "1m",
        "critical",
        cure="Start the manager that is away, or replace it",
    ),
    "service_short": Rule(
        "swarm_service_running_tasks < swarm_service_desired_tasks",
        "{{ $labels.service }} runs {{ $value }} tasks, which is fewer than it should",
        "5m",
        "critical",
        cure="Run status.yml for the cause",
    ),
    "task_restarts": Rule(
        "increase(swarm_service_task_failures_total[15m]) > $threshold",
        "Tasks of {{ $labels.service }} failed {{ $value | humanize }} times in 15 minutes",
        "0s",
        threshold=3,
        cure="Run logs.yml for the service",
    ),
    "update_paused": Rule(
        "swarm_service_update_paused == 1",
        "The update of {{ $labels.service }} is paused",
        "1m",
        cure="Deploy what works, or run rollback.yml",
    ),
    "target_down": Rule(
        "up == 0",
        "{{ $labels.instance }} of {{ $labels.job }} can't be scraped",
        "5m",
        cure="The page of targets in Prometheus tells why",
    ),
    "probe_fails": Rule("probe_success == 0", "{{ $labels.instance }} does not answer as it should", "2m", "critical"),
    "certificate_ends": Rule(
        "(probe_ssl_earliest_cert_expiry - time()) / 86400 < $threshold",
        "The certificate of {{ $labels.instance }} ends in {{ $value | humanize }} days",
        "1h",
        threshold=14,
    ),
    "disk_fills": Rule(
        f"node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}} * 100 < $threshold",
        "{{ $labels.mountpoint }} of {{ $labels.node }} has {{ $value | humanize }} % left",
        "10m",
        threshold=10,
        cure="Run prune.yml, or give it more room",
    ),
    "inodes_run_out": Rule(
        f"node_filesystem_files_free{{{DISKS}}} / (node_filesystem_files{{{DISKS}}} > 0) * 100 < $threshold",
        "{{ $labels.mountpoint }} of {{ $labels.node }} has {{ $value | humanize }} % of its inodes left",
        "10m",
        threshold=5,
    ),
    "memory_short": Rule(
        "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < $threshold",
        "{{ $labels.node }} has {{ $value | humanize }} % of its memory left",
        "10m",
        threshold=5,
    ),
    "gpu_lost": Rule(
        "count by (node) (max_over_time(DCGM_FI_DEV_GPU_TEMP[6h])) - (count by (node) (DCGM_FI_DEV_GPU_TEMP) or "
        "0 * count by (node) (max_over_time(DCGM_FI_DEV_GPU_TEMP[6h]))) > 0",
        "{{ $labels.node }} has lost {{ $value }} GPUs within six hours",
        "2m",
        "critical",
        cure="Look for Xid in the kernel's messages of the node; a GPU that fell off the bus needs a reboot",
    ),
    "gpu_at_limit": Rule(
        "DCGM_FI_DEV_GPU_TEMP > $threshold",
        "GPU {{ $labels.gpu }} of {{ $labels.node }} is at {{ $value }} °C",
        "10m",
        threshold=88,
    ),
    "gpu_memory_full": Rule(
        "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) * 100 > $threshold",
        "The memory of GPU {{ $labels.gpu }} of {{ $labels.node }} is used to {{ $value | humanize }} %",
        "10m",
        threshold=98,
    ),
    "backup_old": Rule(
        "(time() - max(flotilla_backup_timestamp_seconds)) / 3600 > $threshold",
        "The last backup of the swarm is {{ $value | humanize }} hours old",
        "0s",
        "critical",
        threshold=26,
        cure="Run backup.yml",
    ),
    "drift_found": Rule(
        "flotilla_drift_changes > 0 and on (instance) (flotilla_drift_timestamp_seconds == scalar(max(flotilla_drift_timestamp_seconds)))",
        "site.yml would make {{ $value }} changes",
        "0s",
        cure="Run plan.yml, then site.yml",
    ),
    "run_failed": Rule(
        "flotilla_run_failed > 0",
        "{{ $value }} tasks of the last run of {{ $labels.playbook }} by {{ $labels.by }} failed",
        "0s",
        cure="Run it again, and do as its messages say",
    ),
    "run_unfinished": Rule(
        "max by (playbook) (flotilla_run_began_timestamp_seconds) > on (playbook) max by (playbook) (flotilla_run_ended_timestamp_seconds)",
        "The last run of {{ $labels.playbook }} has not come to its end",
        "1h",
        cure="Run it again; what was done before is left alone",
    ),
}
KEYS = ("expr", "for", "severity", "summary", "threshold", "cure")
"""What an inventory may say of a rule."""


def chosen_rules(given: t.Mapping[str, t.Any]) -> dict[str, Rule]:
    """The rules of the role, less those that are null, changed by those that are mappings, and the inventory's own."""
    rules = {name: rule for name, rule in RULES.items() if name not in given or given[name] is not None}
    for name, changes in given.items():
        if changes is not None:
            rules[name] = _changed(rules.get(name) or Rule("", name), changes)
    return rules


def _changed(rule: Rule, changes: t.Mapping[str, t.Any]) -> Rule:
    known = {"hold" if key == "for" else key: value for key, value in changes.items() if value is not None}
    if "threshold" in known:
        known["threshold"] = float(known["threshold"])
    return replace(rule, **known)


def rule_file(given: t.Mapping[str, t.Any]) -> Json:
    rules = [rule.as_prometheus(name) for name, rule in chosen_rules(given).items()]
    return {"groups": [{"name": "flotilla", "rules": rules}] if rules else []}
