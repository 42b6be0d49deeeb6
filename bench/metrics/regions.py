"""Regions: windows and masks in which pixels count, such as the crops of distance-based evaluation.

A region is one more column of the counts: `pixels.count_regions` counts the regions that
`regions_of` makes, and a score is computed for the number of a region. This module knows geometry
and the ground truth of one image, but neither predictions nor scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from bench.errors import DataError, UsageError
from bench.metrics.edges import near_another_class
from bench.samples import Array, LabelMap

Window: TypeAlias = tuple[slice, slice]
Area: TypeAlias = Window | Array
"""A region of one image: rows and columns, or a mask (H, W) bool."""
Size: TypeAlias = tuple[int, int]
Crop0 = Literal["full", "base"]
CROP0: tuple[Crop0, ...] = ("full", "base")

FULL = "full"
NOWHERE: Window = (slice(0, 0), slice(0, 0))
"""A window without pixels."""
_ROWS = 1024
"""The image height for which crops and rings are given in pixels; other heights are scaled."""
_MARGIN = 100
"""Rows cut below and columns cut at both sides; the vanishing point is the middle of the rest."""


@dataclass(frozen=True)
class Plan:
    """The regions that are counted next to the full image.

    `crops` are crop factors, in pixels at 1024 rows. `crop0` defines factor 0: `full`, the full
    image, or `base`, the image without its margins. `rings` are increasing radii around the
    vanishing point, in pixels at 1024 rows. `bands` is a number of horizontal bands of equal
    height, `depths` are increasing distances in metres, and `trimaps` widths in pixels.

    Raises:
        UsageError: a value that defines no region, or the same one twice.
    """

    crops: tuple[int, ...] = ()
    crop0: Crop0 = "full"
    rings: tuple[int, ...] = ()
    bands: int = 0
    depths: tuple[float, ...] = ()
    trimaps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that define no region, or the same one twice."""
        if self.crop0 not in CROP0:
            raise UsageError(f"crop0 must be full or base, got {self.crop0!r}")
        if self.bands < 0 or self.bands == 1:
            raise UsageError(f"bands must be at least 2, or 0 for none, got {self.bands}")
        for name, low in (("crops", 0), ("rings", 1), ("depths", 0), ("trimaps", 1)):
            values = getattr(self, name)
            if any(value < low for value in values) or any(a >= b for a, b in pairwise(values)):
                raise UsageError(f"{name} must be at least {low} and increase, got {list(values)}")

    @cached_property
    def regions(self) -> Regions:
        """All regions, in the order of their numbers."""
        crops = [crop_name(factor) for factor in self.cutting]
        rings = [f"ring-{a}-{b}" for a, b in pairwise((0, *self.rings))]
        rings += [f"ring-{radius}-up" for radius in self.rings[-1:]]
        bands = [f"band-{k + 1}-of-{self.bands}" for k in range(self.bands)]
        depths = [f"depth-{a:g}-{b:g}m" for a, b in pairwise(self.depths)]
        depths += [f"depth-{distance:g}m-up" for distance in self.depths[-1:]]
        trimaps = [f"trimap-{width}px" for width in self.trimaps]
        return Regions((FULL, *crops, *rings, *bands, *depths, *trimaps))

    @property
    def cutting(self) -> tuple[int, ...]:
        """The crop factors with a region of their own: factor 0 may be the full image."""
        return tuple(factor for factor in self.crops if factor or self.crop0 == "base")

    @property
    def curve(self) -> dict[int, int]:
        """The number of the region of each crop factor, for the crop curve."""
        return {factor: self.regions.ids.get(crop_name(factor), 0) for factor in self.crops}


@dataclass(frozen=True)
class Regions:
    """Names of regions; the number of a region is its position, and 0 is the full image."""

    names: tuple[str, ...] = (FULL,)

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """The number of each name."""
        return {name: number for number, name in enumerate(self.names)}


def named(score: str, region: str) -> str:
    """Return the name of a score in a region.

    >>> named("mIoU", "crop-200"), named("mIoU", "full")
    ('mIoU@crop-200', 'mIoU')
    """
    return score if region == FULL else f"{score}@{region}"


def regions_of(
    plan: Plan, truth: LabelMap, *, ignore: int = 255, depth: Array | None = None
) -> list[tuple[str, Area]]:
    """Make every region of one image, with its name, in the order of `plan.regions`.

    The first is the full image. `depth` (H, W) is the distance in metres; pixels with NaN are in no
    bin. Boundaries of trimaps are taken on the full image, and void makes none. `ignore` is the
    value of void in the ground truth. A crop that leaves nothing of an image of this size has no
    pixels.

    Raises:
        DataError: the plan needs depth and there is none, or it has another size.
    """
    areas: list[Area] = [(slice(0, truth.size[0]), slice(0, truth.size[1]))]
    areas += [
        crop(factor, truth.size) if fits(factor, truth.size) else NOWHERE for factor in plan.cutting
    ]
    areas += _rings(plan.rings, truth.size)
    # Whole rows: the heights of bands differ by at most one row.
    cuts = [truth.size[0] * k // plan.bands for k in range(plan.bands + 1)] if plan.bands else []
    areas += [(slice(a, b), slice(0, truth.size[1])) for a, b in pairwise(cuts)]
    areas += _depths(plan.depths, depth, truth.size)
    areas += [near_another_class(truth.labels, ignore, width) for width in plan.trimaps]
    # The number of a region is its position, so both lists must have the same order.
    return list(zip(plan.regions.names, areas, strict=True))


def vanishing_point(size: Size) -> tuple[float, float]:
    """Return x and y of the fixed, approximate vanishing point, in pixels.

    It is the middle of the image without its margins, as GSCNN defines it (arXiv 1907.05740).

    >>> vanishing_point((1024, 2048))
    (1024.0, 462.0)
    """
    height, width = size
    return width / 2, (height - _MARGIN * height / _ROWS) / 2


def crop_name(factor: int) -> str:
    """Return the name of the region of a crop factor."""
    return f"crop-{factor}"


def fits(factor: int, size: Size) -> bool:
    """Return whether a crop leaves anything of an image; narrow images allow small factors only.

    >>> fits(400, (1024, 2048)), fits(400, (480, 640))
    (True, False)
    """
    above, below, side = _cuts(factor, size)
    return above + below < size[0] and 2 * side < size[1]


def crop(factor: int, size: Size) -> Window:
    """Return the window of a factor.

    The margins are cut, then `factor` above and below, and twice that at the sides. These are
    pixels at 1024 rows; every cut is scaled to the image and rounded once, halves up. Factor 0 cuts
    the margins only. With f = `factor`:

        +--------------------------------+
        |              f                 |
        |   100    +-------------+  100  |
        |    + 2f  |             |  + 2f |
        |          +-------------+       |
        |           100 + f              |
        +--------------------------------+

    >>> crop(200, (1024, 2048))
    (slice(200, 724, None), slice(500, 1548, None))

    Raises:
        UsageError: nothing is left.
    """
    height, width = size
    above, below, side = _cuts(factor, size)
    if not fits(factor, size):
        raise UsageError(
            f"crop factor {factor} leaves nothing of an image of {height}x{width} pixels (height x "
            "width); use a smaller factor"
        )
    return slice(above, height - below), slice(side, width - side)


def _cuts(factor: int, size: Size) -> tuple[int, int, int]:
    """Return how many pixels are cut above, below, and at either side."""
    cuts = factor, _MARGIN + factor, _MARGIN + 2 * factor
    above, below, side = (_scaled(cut, size[0]) for cut in cuts)
    return above, below, side


def _scaled(pixels: int, height: int) -> int:
    """Return pixels x height / 1024, rounded, halves up: floor(x + 1 / 2) in whole numbers."""
    return (2 * pixels * height + _ROWS) // (2 * _ROWS)


@lru_cache(maxsize=4)
def _rings(radii: tuple[int, ...], size: Size) -> tuple[Array, ...]:
    """Return masks of rings between radii, and of the rest; pixels are points at their centres."""
    if not radii:
        return ()
    x, y = vanishing_point(size)
    columns, rows = np.arange(size[1]) + 0.5 - x, np.arange(size[0]) + 0.5 - y
    squares = columns[None, :] ** 2 + rows[:, None] ** 2
    # Squares are compared, without roots: squares of multiples of 1 / 2048 are exact in float64, so
    # no pixel depends on rounding.
    ring = np.searchsorted(
        (np.array(radii) * size[0] / _ROWS) ** 2, squares.ravel(), side="right"
    ).reshape(size)
    return tuple(ring == k for k in range(len(radii) + 1))


def _depths(edges: tuple[float, ...], depth: Array | None, size: Size) -> Iterator[Array]:
    if not edges:
        return
    if depth is None:
        raise DataError(
            "depth bins need the distance of every pixel, and this data set gives none for "
            "this image"
        )
    if depth.shape != size:
        raise DataError(
            f"the depth map has shape {depth.shape} and the truth {size}: they must be equal"
        )
    # NaN compares as False: pixels without a distance are in no bin.
    for low, high in pairwise((*edges, None)):
        yield depth >= low if high is None else (depth >= low) & (depth < high)


__all__ = [
    "CROP0",
    "FULL",
    "Area",
    "Crop0",
    "Plan",
    "Regions",
    "crop",
    "crop_name",
    "fits",
    "named",
    "regions_of",
    "vanishing_point",
]
