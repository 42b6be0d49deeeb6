"""The types of the options that say how predictions are counted and scored, as Python callers pass
them.

`evaluate` and `Evaluator` take each of them as a keyword; None means that it was not given. What
they mean is in `bench list metrics` and `docs/statistics.md`; values are checked in `settings.py`
and `object_settings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

Metrics: TypeAlias = str | Sequence[str]
"""`default`, `all`, or names of metrics or families: with commas between, or in a sequence."""
Crop0: TypeAlias = Literal["full", "base"]
ClassesIn: TypeAlias = Literal["truth", "union", "all"]
AreaFrom: TypeAlias = Literal["mask", "box"]
BoundaryMode: TypeAlias = Literal["gscnn", "present"]
VocForm: TypeAlias = Literal["2014", "2015"]
IntervalMethod: TypeAlias = Literal["default", "none", "percentile", "bca", "studentised"]
MaxDetections: TypeAlias = str | int | Sequence[int]
"""Such as `[1, 10, 500]`."""
IouThresholds: TypeAlias = str | float | Sequence[float]
"""Such as `[0.5, 0.75]`, or `"0.5:0.95:0.05"` for first, last and step."""
AreaRanges: TypeAlias = str | Mapping[str, tuple[float, float | None]]
"""Such as `{"small": (0, 1024), "large": (1024, None)}`, in pixels; None leaves a range open."""


def given(**options: Any) -> dict[str, Any]:
    """The options that were given.

    >>> given(regions=None, classes_in="all")
    {'classes_in': 'all'}
    """
    return {name: value for name, value in options.items() if value is not None}
