"""Regions: windows and masks in which pixels count, such as the crops of distance-based evaluation.

A region is one more axis of the counts: `pixels.count_regions` takes what `regions_of` makes, and every score is asked
for by the number of its region. This module knows geometry and the truth of one image, neither predictions nor scores.
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
"""A window without a pixel."""
_ROWS = 1024
"""Crops and rings are stated in pixels of an image of this height; others scale by it."""
_MARGIN = 100
"""Rows cut below and columns cut at the sides before a vanishing point is placed in the middle; none above."""


@dataclass(frozen=True)
class Plan:
    """Which regions are counted beside the full image.

    `crops` are factors in pixels at 1024 rows; `crop0` says what factor 0 means: the full image or the image without
    its margins. `rings` are growing radii around the vanishing point in pixels at 1024 rows, `bands` a number of
    horizontal bands of equal height, `depths` growing distances in metres, `trimaps` widths in pixels.
    """

    crops: tuple[int, ...] = ()
    crop0: Crop0 = "full"
    rings: tuple[int, ...] = ()
    bands: int = 0
    depths: tuple[float, ...] = ()
    trimaps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what names no region or the same one twice."""
        if self.crop0 not in CROP0:
            raise UsageError(f"crop0 is {self.crop0!r}: it is full or base")
        if self.bands < 0 or self.bands == 1:
            raise UsageError(f"bands = {self.bands}: an image is cut into 2 or more bands, or 0 for none")
        for name, low in (("crops", 0), ("rings", 1), ("depths", 0), ("trimaps", 1)):
            values = getattr(self, name)
            if any(value < low for value in values) or any(a >= b for a, b in pairwise(values)):
                raise UsageError(f"{name} = {list(values)} must grow, from {low} on")

    @cached_property
    def regions(self) -> Regions:
        """The names of all regions, in the order of their numbers."""
        crops = [crop_name(factor) for factor in self.cutting]
        rings = [f"ring-{a}-{b}" for a, b in pairwise((0, *self.rings))] + [f"ring-{r}-up" for r in self.rings[-1:]]
        bands = [f"band-{k + 1}-of-{self.bands}" for k in range(self.bands)]
        depths = [f"depth-{a:g}-{b:g}m" for a, b in pairwise(self.depths)] + [
            f"depth-{d:g}m-up" for d in self.depths[-1:]
        ]
        trimaps = [f"trimap-{width}px" for width in self.trimaps]
        return Regions((FULL, *crops, *rings, *bands, *depths, *trimaps))

    @property
    def cutting(self) -> tuple[int, ...]:
        """The crop factors that have a region of their own: factor 0 may be the full image."""
        return tuple(factor for factor in self.crops if factor or self.crop0 == "base")

    @property
    def curve(self) -> dict[int, int]:
        """The number of the region of each crop factor: the crop curve."""
        return {factor: self.regions.ids.get(crop_name(factor), 0) for factor in self.crops}


@dataclass(frozen=True)
class Regions:
    """Names of regions; the number of a region is its place, and 0 is the full image."""

    names: tuple[str, ...] = (FULL,)

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """The number of each name."""
        return {name: number for number, name in enumerate(self.names)}


def named(score: str, region: str) -> str:
    """Name a score of a region.

    >>> named("mIoU", "crop-200"), named("mIoU", "full")
    ('mIoU@crop-200', 'mIoU')
    """
    return score if region == FULL else f"{score}@{region}"


def regions_of(plan: Plan, truth: LabelMap, *, ignore: int = 255, depth: Array | None = None) -> list[tuple[str, Area]]:
    """Make every region of one image, named, in the order of `plan.regions`; the first is the full image.

    `depth` (H, W) is the distance in metres, NaN where unknown: such pixels lie in no bin. Boundaries of trimaps are
    taken on the full image; void makes none. `ignore` marks void in the truth. A crop that leaves nothing of an image
    of this size has no pixel.

    Raises:
        DataError: no depth where the plan needs it, or of another size.
    """
    areas: list[Area] = [(slice(0, truth.size[0]), slice(0, truth.size[1]))]
    areas += [crop(factor, truth.size) if fits(factor, truth.size) else NOWHERE for factor in plan.cutting]
    areas += _rings(plan.rings, truth.size)
    cuts = [truth.size[0] * k // plan.bands for k in range(plan.bands + 1)] if plan.bands else []
    areas += [(slice(a, b), slice(0, truth.size[1])) for a, b in pairwise(cuts)]
    areas += _depths(plan.depths, depth, truth.size)
    areas += [near_another_class(truth.labels, ignore, width) for width in plan.trimaps]
    return list(zip(plan.regions.names, areas, strict=True))


def vanishing_point(size: Size) -> tuple[float, float]:
    """Return x and y of the fixed, approximate vanishing point: the middle of the image without its margins.

    >>> vanishing_point((1024, 2048))
    (1024.0, 462.0)
    """
    height, width = size
    return width / 2, (height - _MARGIN * height / _ROWS) / 2


def crop_name(factor: int) -> str:
    """The name of the region of a crop factor."""
    return f"crop-{factor}"


def fits(factor: int, size: Size) -> bool:
    """Whether a crop leaves anything of an image; narrow images have room for small factors only.

    >>> fits(400, (1024, 2048)), fits(400, (480, 640))
    (True, False)
    """
    above, below, side = _cuts(factor, size)
    return above + below < size[0] and 2 * side < size[1]


def crop(factor: int, size: Size) -> Window:
    """Return the window of a factor: margins are cut, then `factor` above and below and twice that at the sides.

    Numbers are pixels at 1024 rows; every cut is scaled and rounded once, halves up. Factor 0 cuts the margins only.

    >>> crop(200, (1024, 2048))
    (slice(200, 724, None), slice(500, 1548, None))

    Raises:
        UsageError: nothing is left.
    """
    height, width = size
    above, below, side = _cuts(factor, size)
    if not fits(factor, size):
        raise UsageError(
            f"crop factor {factor} leaves nothing of an image of {height}x{width} pixels (height x width): "
            "smaller factors do"
        )
    return slice(above, height - below), slice(side, width - side)


def _cuts(factor: int, size: Size) -> tuple[int, int, int]:
    """What is cut above, below, and at either side."""
    cuts = factor, _MARGIN + factor, _MARGIN + 2 * factor
    above, below, side = (_scaled(cut, size[0]) for cut in cuts)
    return above, below, side


def _scaled(pixels: int, height: int) -> int:
    return (2 * pixels * height + _ROWS) // (2 * _ROWS)


@lru_cache(maxsize=4)
def _rings(radii: tuple[int, ...], size: Size) -> tuple[Array, ...]:
    """Masks of the rings between radii and of what lies outside; pixels are points at their centres."""
    if not radii:
        return ()
    x, y = vanishing_point(size)
    columns, rows = np.arange(size[1]) + 0.5 - x, np.arange(size[0]) + 0.5 - y
    squares = columns[None, :] ** 2 + rows[:, None] ** 2
    # Squares of multiples of 1 / 2048 are exact in float64: no pixel depends on rounding.
    ring = np.searchsorted((np.array(radii) * size[0] / _ROWS) ** 2, squares.ravel(), side="right").reshape(size)
    return tuple(ring == k for k in range(len(radii) + 1))


def _depths(edges: tuple[float, ...], depth: Array | None, size: Size) -> Iterator[Array]:
    if not edges:
        return
    if depth is None:
        raise DataError("depth bins need the distance of every pixel, and this data set gives none for this image")
    if depth.shape != size:
        raise DataError(f"the depth map has shape {depth.shape} and the truth {size}: they must be equal")
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
