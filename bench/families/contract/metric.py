"""A metric as its family declares it: name, meaning, unit, direction and range.

Everything that prints, compares, gates or ranks a score asks its metric; this module imports
nothing heavy, so that `bench list metrics` stays fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from math import isnan
from typing import Literal

Direction = Literal["higher", "lower"]
PERCENT = "%"
"""The unit of fractions of 1: they are stored as fractions and shown in percent."""


@dataclass(frozen=True)
class Metric:
    """A score that a family computes.

    `name` is its name in a record and `title` the one in tables. `unit` is `%` for fractions of 1,
    else the unit in which values are stored and shown, such as `px`. `bounds` are the lowest and
    highest possible values: intervals never leave them. `per_class` names the score of a single
    class that belongs to a mean over classes (IoU for mIoU). A `leading` metric comes first in
    tables and is compared by default.
    """

    name: str
    title: str
    _: KW_ONLY
    meaning: str
    reference: str
    unit: str
    better: Direction
    bounds: tuple[float, float]
    per_class: str | None = None
    leading: bool = False

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value is a better one."""
        return self.better == "lower"

    @property
    def scale(self) -> float:
        """What a stored value is multiplied by to be shown in the unit: 100 for percent."""
        return 100.0 if self.unit == PERCENT else 1.0

    @property
    def points(self) -> str:
        """The unit of differences: points for percent, else the unit itself."""
        return "points" if self.unit == PERCENT else self.unit

    def number(self, value: float | None, digits: int = 2) -> str:
        """A value in the unit, without it; a dash where it is not defined.

        >>> miou = fraction("mIoU", "mIoU", meaning="mean IoU", reference="PASCAL VOC devkit")
        >>> miou.number(0.61234), miou.number(None)
        ('61.23', '-')
        """
        if value is None or isnan(value):
            return "-"
        return f"{self.scale * value:.{digits}f}"

    def change(self, value: float, digits: int = 2) -> str:
        """A difference in points or in the unit, with its sign."""
        return f"{self.scale * value:+.{digits}f}"

    def ends(self, interval: Sequence[float] | None, digits: int = 2) -> str:
        """An interval in the unit; "" where there is none.

        >>> miou = fraction("mIoU", "mIoU", meaning="mean IoU", reference="PASCAL VOC devkit")
        >>> miou.ends((0.5, 0.6249))
        '[50.00, 62.49]'
        """
        if interval is None:
            return ""
        low, high = interval
        return f"[{self.scale * low:.{digits}f}, {self.scale * high:.{digits}f}]"

    def clipped(self, interval: tuple[float, float]) -> tuple[float, float]:
        """Move the two ends of an interval into the range that the metric can take.

        >>> miou = fraction("mIoU", "mIoU", meaning="mean IoU", reference="PASCAL VOC devkit")
        >>> miou.clipped((0.9, 1.1))
        (0.9, 1.0)
        """
        low, high = self.bounds
        return min(max(interval[0], low), high), min(max(interval[1], low), high)


def fraction(
    name: str,
    title: str,
    *,
    meaning: str,
    reference: str,
    better: Direction = "higher",
    per_class: str | None = None,
    leading: bool = False,
) -> Metric:
    """A metric between 0 and 1 that is shown in percent; most metrics are of this kind."""
    return Metric(
        name,
        title,
        meaning=meaning,
        reference=reference,
        unit=PERCENT,
        better=better,
        bounds=(0.0, 1.0),
        per_class=per_class,
        leading=leading,
    )
