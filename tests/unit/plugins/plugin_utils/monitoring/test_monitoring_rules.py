# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule fires where it must and is silent where all is well, as promtool computes it."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.rules import RULES, chosen_rules, rule_file

from tests.prometheus_programs import REASON, find_program

PROMTOOL = find_program("promtool")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason=REASON.format("promtool"))
Series = dict[str, str]

DISK = '{node="w1",mountpoint="/",fstype="ext4"}'
# Rule -> what is scraped each minute where it must fire, where it must not, and the minute that is looked at.
CASES: dict[str, tuple[Series, Series, int]] = {
    "swarm_unseen": ({"up": "1x20"}, {'swarm_node_up{node="w1"}': "0x20"}, 5),
    "node_down": ({'swarm_node_up{node="w1"}': "1 0x20"}, {'swarm_node_up{node="w1"}': "1x20"}, 5),
    "quorum_without_margin": (
        {"swarm_managers": "3x20", "swarm_managers_reachable": "3 2x20"},
        {"swarm_managers": "5x20", "swarm_managers_reachable": "4x20"},
        5,
    ),
    "service_short": (
        {'swarm_service_desired_tasks{service="web"}': "3x20", 'swarm_service_running_tasks{service="web"}': "2x20"},
        {'swarm_service_desired_tasks{service="web"}': "3x20", 'swarm_service_running_tasks{service="web"}': "3 2 2 2 3x20"},
        10,
    ),
    "task_restarts": (
        {'swarm_service_task_failures_total{service="web"}': "0+1x30"},
        {'swarm_service_task_failures_total{service="web"}': "7x20 8x20"},
        25,
    ),
    "update_paused": (
        {'swarm_service_update_paused{service="web"}': "1x20"},
        {'swarm_service_update_paused{service="web"}': "0x20"},
        5,
    ),
    "target_down": ({'up{job="node",instance="w1"}': "1 0x20"}, {'up{job="node",instance="w1"}': "0 0 1x20"}, 10),
    "probe_fails": ({'probe_success{instance="http://a"}': "0x20"}, {'probe_success{instance="http://a"}': "1x20"}, 5),
    "certificate_ends": (
        {'probe_ssl_earliest_cert_expiry{instance="https://a"}': f"{13 * 86400}x200"},
        {'probe_ssl_earliest_cert_expiry{instance="https://a"}': f"{20 * 86400}x200"},
        90,
    ),
    "disk_fills": (
        {f"node_filesystem_avail_bytes{DISK}": "9x20", f"node_filesystem_size_bytes{DISK}": "100x20"},
        {
            f"node_filesystem_avail_bytes{DISK}": "11x20",
            f"node_filesystem_size_bytes{DISK}": "100x20",
            'node_filesystem_avail_bytes{node="w1",mountpoint="/run",fstype="tmpfs"}': "0x20",
            'node_filesystem_size_bytes{node="w1",mountpoint="/run",fstype="tmpfs"}': "100x20",
        },
        15,
    ),
    "inodes_run_out": (
        {f"node_filesystem_files_free{DISK}": "4x20", f"node_filesystem_files{DISK}": "100x20"},
        {f"node_filesystem_files_free{DISK}": "0x20", f"node_filesystem_files{DISK}": "0x20"},  # btrfs counts none
        15,
    ),
    "memory_short": (
        {'node_memory_MemAvailable_bytes{node="w1"}': "4x20", 'node_memory_MemTotal_bytes{node="w1"}': "100x20"},
        {'node_memory_MemAvailable_bytes{node="w1"}': "6x20", 'node_memory_MemTotal_bytes{node="w1"}': "100x20"},
        15,
    ),
    "gpu_lost": (
        {'DCGM_FI_DEV_GPU_TEMP{node="w1",gpu="0"}': "40x60", 'DCGM_FI_DEV_GPU_TEMP{node="w1",gpu="1"}': "40x30 stale"},
        {'DCGM_FI_DEV_GPU_TEMP{node="w1",gpu="0"}': "40x60", 'DCGM_FI_DEV_GPU_TEMP{node="w1",gpu="1"}': "40x60"},
        50,
    ),
    "gpu_at_limit": ({'DCGM_FI_DEV_GPU_TEMP{gpu="0"}': "89x20"}, {'DCGM_FI_DEV_GPU_TEMP{gpu="0"}': "80x20"}, 15),
    "gpu_memory_full": (
        {'DCGM_FI_DEV_FB_USED{gpu="0"}': "99x20", 'DCGM_FI_DEV_FB_FREE{gpu="0"}': "1x20"},
        {'DCGM_FI_DEV_FB_USED{gpu="0"}': "90x20", 'DCGM_FI_DEV_FB_FREE{gpu="0"}': "10x20"},
        15,
    ),
    "backup_old": ({"flotilla_backup_timestamp_seconds": "0x2000"}, {"flotilla_backup_timestamp_seconds": f"{86400}x2000"}, 27 * 60),
    "drift_found": (
        {'flotilla_drift_changes{instance="m1"}': "2x20", 'flotilla_drift_timestamp_seconds{instance="m1"}': "200x20"},
        {
            'flotilla_drift_changes{instance="m1"}': "0x20",
            'flotilla_drift_timestamp_seconds{instance="m1"}': "200x20",
            'flotilla_drift_changes{instance="m2"}': "2x20",  # an older plan through another manager
            'flotilla_drift_timestamp_seconds{instance="m2"}': "100x20",
        },
        5,
    ),
    "run_failed": ({'flotilla_run_failed{playbook="site"}': "1x20"}, {'flotilla_run_failed{playbook="site"}': "0x20"}, 5),
    "run_unfinished": (
        {
            'flotilla_run_began_timestamp_seconds{playbook="site",instance="m1"}': "200x100",
            'flotilla_run_ended_timestamp_seconds{playbook="site",instance="m2"}': "100x100",
        },
        {
            'flotilla_run_began_timestamp_seconds{playbook="site",instance="m1"}': "200x100",
            'flotilla_run_ended_timestamp_seconds{playbook="site",instance="m1"}': "100x30 300x70",
        },
        70,
    ),
}


def case(name: str, series: Series, minute: int, count: int) -> dict[str, t.Any]:
    samples = [{"labels": "{}", "value": count}] if count else []
    expr = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}],
    }


def promtool(tmp_path: Path, tests: list[dict[str, t.Any]], given: t.Mapping[str, t.Any]) -> str:
    """What promtool says against the tests; nothing where they pass."""
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rule_file(given)))
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_each_rule_has_a_case() -> None:
    assert sorted(CASES) == sorted(RULES)


@needs_promtool
def test_rules_fire_where_they_must(tmp_path: Path) -> None:
    assert promtool(tmp_path, [case(name, fires, minute, 1) for name, (fires, _silent, minute) in CASES.items()], {}) == ""


@needs_promtool
def test_rules_are_silent_where_all_is_well(tmp_path: Path) -> None:
    assert promtool(tmp_path, [case(name, silent, minute, 0) for name, (_fires, silent, minute) in CASES.items()], {}) == ""


@needs_promtool
def test_a_node_that_leaves_leaves_no_alert(tmp_path: Path) -> None:
    left = case("node_down", {'swarm_node_up{node="w1"}': "0x10 stale", 'swarm_node_up{node="w2"}': "1x20"}, 15, 0)
    assert promtool(tmp_path, [left], {}) == ""


@needs_promtool
def test_all_gpus_of_a_node_may_be_lost(tmp_path: Path) -> None:
    gone = case("gpu_lost", {'DCGM_FI_DEV_GPU_TEMP{node="w1",gpu="0"}': "40x30 stale", "up": "1x60"}, 50, 1)
    assert promtool(tmp_path, [gone], {}) == ""


@needs_promtool
def test_what_is_said_names_node_and_number(tmp_path: Path) -> None:
    expected = {
        "exp_labels": {"severity": "critical", "node": "w1", "mountpoint": "/", "fstype": "ext4"},
        "exp_annotations": {"summary": "/ of w1 has 3 % left", "cure": "Run prune.yml, or give it more room"},
    }
    tests = case("disk_fills", {f"node_filesystem_avail_bytes{DISK}": "3x20", f"node_filesystem_size_bytes{DISK}": "100x20"}, 15, 1)
    tests["alert_rule_test"] = [{"eval_time": "15m", "alertname": "disk_fills", "exp_alerts": [expected]}]
    assert promtool(tmp_path, [tests], {"disk_fills": {"threshold": 5, "severity": "critical"}}) == ""


@needs_promtool
def test_a_rule_of_the_inventory_fires(tmp_path: Path) -> None:
    own = {"queue_long": {"expr": "queue_length > $threshold", "threshold": 10, "for": "1m", "summary": "The queue is long"}}
    assert promtool(tmp_path, [case("queue_long", {"queue_length": "11x10"}, 5, 1)], own) == ""


def test_what_an_inventory_says_of_rules() -> None:
    rules = chosen_rules({"node_down": None, "disk_fills": {"threshold": "20", "for": "1m"}, "own": {"expr": "up"}})
    assert "node_down" not in rules
    assert (rules["disk_fills"].threshold, rules["disk_fills"].hold) == (20.0, "1m")
    assert "* 100 < 20" in rules["disk_fills"].as_prometheus("disk_fills")["expr"]
    assert rules["own"].expr == "up"
    assert rule_file(dict.fromkeys(RULES)) == {"groups": []}
