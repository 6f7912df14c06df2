# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the dashboards in the documentation."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.flotilla.swarm.plugins.plugin_utils.monitoring.dashboards import DASHBOARDS, Panel

from tests.dashboard_picture import Series, ceiling, draw, name_of, told

PICTURE = Path(__file__).parents[2] / "docs/pictures/monitoring.svg"
LINE = Series("web", [(0.0, 0.0), (50.0, 300.0), (100.0, 150.0)])


def test_the_picture_has_each_panel_of_its_dashboards_and_is_small() -> None:
    text = PICTURE.read_text()
    assert len(text) < 200_000
    titles = [panel.title for name in ("swarm", "node", "service") for panel in DASHBOARDS[name]]
    assert [html.unescape(title) for title in re.findall(r'font-size="12" font-weight="600">([^<]+)<', text)] == titles
    assert len(ElementTree.fromstring(text).findall(".//{*}polyline")) > len(titles)


def test_a_line_goes_from_the_begin_to_the_end_and_up_to_the_next_round_number() -> None:
    drawn = draw({"swarm": [(Panel("Tasks & more", {"{{service}}": "up"}), [LINE])]}, 0, 100)
    root = ElementTree.fromstring(drawn)
    (line,) = root.findall(".//{*}polyline")
    assert line.attrib["points"] == "58,118.0 267,65.2 476,91.6"  # of 500, which stands at 30
    assert "Tasks & more" in [each.text for each in root.findall(".//{*}text")]


def test_names_that_do_not_fit_are_counted() -> None:
    many = [Series(f"a-service-with-a-long-name-{number}", [(0.0, 1.0)]) for number in range(20)]
    texts = [each.text or "" for each in ElementTree.fromstring(draw({"swarm": [(Panel("Many", {}), many)]}, 0, 100)).findall(".//{*}text")]
    shown = [each for each in texts if each.startswith("a-service")]
    assert 3 <= len(shown) < 20 and f"and {20 - len(shown)} more" in texts


@pytest.mark.parametrize(
    ("value", "unit", "words", "top"),
    [
        (0.42, "percentunit", "42 %", 0.5),
        (3 * 2**20, "bytes", "3 MiB", 5 * 2**20),
        (1500, "Bps", "1.5 kB/s", 2000),
        (61, "celsius", "61 °C", 100),
        (0, "short", "0", 1),
    ],
)
def test_numbers_have_their_unit_and_axes_a_round_end(value: float, unit: str, words: str, top: float) -> None:
    assert told(value, unit) == words and ceiling(value, unit) == pytest.approx(top)


def test_a_legend_is_filled_with_labels() -> None:
    assert name_of("{{node}} {{gpu}}", {"node": "w1", "gpu": "0"}) == "w1 0"
    assert name_of("{{alertname}}", {}) == "(none)" and len(name_of("x" * 99, {})) == 30
