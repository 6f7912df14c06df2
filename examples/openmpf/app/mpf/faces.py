# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds faces, by OpenCV's cascade of Haar features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2

from .media import Unreadable

cv2.setNumThreads(1)
CASCADE = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


def find(path: Path) -> list[dict[str, Any]]:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise Unreadable("it is no picture that OpenCV reads")
    found = CASCADE.detectMultiScale(picture, scaleFactor=1.1, minNeighbors=10)
    return [dict(zip(("x", "y", "width", "height"), map(int, box), strict=True)) for box in found]
