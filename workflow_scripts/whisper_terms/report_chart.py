"""The chart of the report: terms heard against errors on speech without terms.

Only the geometry is here, in units of the picture; the template draws and escapes it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from whisper_terms.report_measures import Evaluation
from whisper_terms.report_text import display_width

WIDTH, HEIGHT = 540, 370
LEFT, RIGHT, TOP, BOTTOM = 44, 524, 34, 322
LABEL_HEIGHT, LABEL_COLUMN = 13, 6.9
# Where a label may stand: this far below the baseline of its point, the nearest first.
LABEL_OFFSETS = [offset for step in range(0, 140, 14) for offset in (-8 - step, 18 + step)]


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether two rectangles share a point."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


# Where the values are drawn.
FRAME = Box(LEFT, TOP, RIGHT, BOTTOM)


@dataclass(frozen=True)
class Label:
    """A text and where its baseline starts (or, if `anchor` is "end", ends)."""

    text: str
    x: float
    y: float
    anchor: str = "start"


@dataclass(frozen=True)
class Point:
    """A system: its place, the ends of its intervals, its label, and its kind.

    The kind is "base", "chosen" or "other". `leader` says that the label stands away from the
    point and needs a line.
    """

    x: float
    y: float
    across: tuple[float, float]
    upright: tuple[float, float]
    kind: str
    label: Label
    leader: bool


@dataclass(frozen=True)
class Chart:
    """What to draw.

    Attributes:
        points: the systems.
        x_ticks, y_ticks: the axes' numbers.
        errors: which errors stand upwards.
        width, height, frame: its measures in pixels.
    """

    points: list[Point]
    x_ticks: list[Label]
    y_ticks: list[Label]
    errors: str
    width: int = WIDTH
    height: int = HEIGHT
    frame: Box = FRAME


class _Values(NamedTuple):
    """A measure with its interval, as fractions."""

    value: float
    low: float
    high: float


def chart(evaluation: Evaluation) -> Chart | None:
    """The chart, or None where fewer than two systems have both measures.

    Upwards stands the error rate on the set without terms if there is exactly one in which anything
    is said, else the error rate outside the terms.
    """
    free_sets = [
        one
        for one in evaluation.free_sets
        if evaluation.value(evaluation.base, one, "cer") is not None
    ]
    alone = len(free_sets) == 1
    y_set = free_sets[0] if alone else evaluation.main_set
    values = {}
    for system in evaluation.systems:
        across = _values(evaluation, system, evaluation.main_set, "term_recall")
        upright = _values(evaluation, system, y_set, "cer" if alone else "u_cer")
        if across and upright:
            values[system] = across, upright
    if len(values) < 2:
        return None
    ticks = _ticks(max(upright.high for _, upright in values.values()))
    top = ticks[-1]
    return Chart(
        points=_points(evaluation, values, top),
        x_ticks=[Label(f"{100 * x:.0f}", _x(x), BOTTOM + 18) for x in _ticks(1.0)],
        y_ticks=[Label(f"{100 * y:.6g}", LEFT - 8, _y(y, top)) for y in ticks],
        errors=f"errors in “{y_set}”, where no term is said"
        if alone
        else "errors outside the terms",
    )


def _values(evaluation: Evaluation, system: str, test_set: str, name: str) -> _Values | None:
    value, low, high = (
        evaluation.value(system, test_set, name + end) for end in ("", "_low", "_high")
    )
    if value is None:
        return None
    return _Values(value, value if low is None else low, value if high is None else high)


def _ticks(largest: float) -> list[float]:
    """Round values from 0 to at least `largest` (a fraction), at most seven."""
    largest = max(largest, 0.001)
    magnitude = 10 ** math.floor(math.log10(largest / 5))
    step = next(m * magnitude for m in (1, 2, 5, 10) if largest / (m * magnitude) <= 5.001)
    return [step * i for i in range(math.ceil(largest / step - 0.001) + 1)]


def _x(share: float) -> float:
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _y(share: float, top: float) -> float:
    return round(BOTTOM - share / top * (BOTTOM - TOP), 1)


def _points(
    evaluation: Evaluation, values: dict[str, tuple[_Values, _Values]], top: float
) -> list[Point]:
    kinds = {evaluation.base: "base", evaluation.chosen: "chosen"}
    places = {
        system: (_x(across.value), _y(upright.value, top))
        for system, (across, upright) in values.items()
    }
    ends = {
        system: (
            (_x(across.low), _x(across.high)),
            (_y(upright.high, top), _y(upright.low, top)),
        )
        for system, (across, upright) in values.items()
    }
    bars = [box for system, (x, y) in places.items() for box in _bars(x, y, *ends[system])]
    dots = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in places.values()]
    labels: list[Box] = []
    points = []
    for system, (x, y) in places.items():
        label, box = _place(system, x, y, [dots + labels + bars, dots + labels, labels])
        labels.append(box)
        leader = abs(label.y - y) > 20
        points.append(
            Point(x, y, *ends[system], kinds.get(system, "other"), label, leader),
        )
    return points


def _bars(
    x: float, y: float, across: tuple[float, float], upright: tuple[float, float]
) -> tuple[Box, Box]:
    return Box(across[0], y - 1, across[1], y + 1), Box(x - 1, upright[0], x + 1, upright[1])


def _place(text: str, x: float, y: float, obstacles: Sequence[Sequence[Box]]) -> tuple[Label, Box]:
    """A place for a label that meets no obstacle: of the first list, else of the second, …"""
    width = display_width(text) * LABEL_COLUMN
    candidates = []
    for offset in LABEL_OFFSETS:
        for anchor, edge in (("start", x + 8), ("end", x - 8)):
            left = edge if anchor == "start" else edge - width
            baseline = y + offset - 1 if offset < 0 else y + offset
            box = Box(left, baseline - LABEL_HEIGHT + 2, left + width, baseline + 3)
            if box.left >= 0 and box.right <= WIDTH and box.top >= TOP and box.bottom <= BOTTOM:
                candidates.append((Label(text, round(edge, 1), round(baseline, 1), anchor), box))
    for boxes in obstacles:
        for label, box in candidates:
            if not any(box.meets(other) for other in boxes):
                return label, box
    return candidates[0] if candidates else (Label(text, x + 8, y - 9), Box(x, y, x, y))
