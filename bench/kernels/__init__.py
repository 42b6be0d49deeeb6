"""The hot loops over arrays, each in two equal forms: `reference.py` in NumPy says what it means, `native/` is fast.

The native form is used where it was built; `BENCH_KERNELS=reference` or `BENCH_KERNELS=native` forces one of them.
Nothing here knows files, the names of classes or metrics.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from bench.errors import UsageError
from bench.kernels import reference
from bench.kernels.reference import InvalidLabel

if TYPE_CHECKING:
    from bench.kernels.reference import filtered_ids, joint_histogram, map_labels, unfilter, value_counts
    from bench.kernels.reference_boundaries import boundary_runs
    from bench.kernels.reference_contours import contour_matches, near_other_labels
    from bench.kernels.reference_objects import box_overlaps, mask_overlaps, match, order_groups, run_areas, run_boxes
    from bench.kernels.reference_precision import weighted_precision
    from bench.kernels.reference_segments import color_ids, edge_map, pair_counts

__all__ = [
    "InvalidLabel",
    "boundary_runs",
    "box_overlaps",
    "choose",
    "color_ids",
    "contour_matches",
    "edge_map",
    "filtered_ids",
    "joint_histogram",
    "map_labels",
    "mask_overlaps",
    "match",
    "native",
    "near_other_labels",
    "order_groups",
    "pair_counts",
    "run_areas",
    "run_boxes",
    "unfilter",
    "value_counts",
    "weighted_precision",
    "which",
]


def native() -> ModuleType | None:
    """Return the compiled twin of `reference`, or None where it was not built or is older than the sources."""
    try:
        from bench.kernels import _native
    except ImportError:
        return None
    return _native if all(hasattr(_native, name) for name in reference.__all__ if name.islower()) else None


def choose(wanted: str) -> ModuleType:
    """Return the module whose loops are used.

    `wanted` is `native`, `reference`, or empty: native where it was built.

    Raises:
        UsageError: another word, or `native` where it was not built.
    """
    if wanted not in ("", "native", "reference"):
        raise UsageError(f"BENCH_KERNELS is {wanted!r}: it is native, reference, or not set")
    compiled = None if wanted == "reference" else native()
    if compiled is None and wanted == "native":
        raise UsageError(
            "BENCH_KERNELS is 'native', but the native kernels were not built: install with a C++ compiler"
        )
    return compiled or reference


_chosen = choose(os.environ.get("BENCH_KERNELS", ""))


def which() -> Literal["native", "reference"]:
    """Say which form of the kernels is in use."""
    return "reference" if _chosen is reference else "native"


if not TYPE_CHECKING:
    boundary_runs = _chosen.boundary_runs
    box_overlaps = _chosen.box_overlaps
    color_ids = _chosen.color_ids
    contour_matches = _chosen.contour_matches
    edge_map = _chosen.edge_map
    filtered_ids = _chosen.filtered_ids
    joint_histogram = _chosen.joint_histogram
    map_labels = _chosen.map_labels
    mask_overlaps = _chosen.mask_overlaps
    match = _chosen.match
    near_other_labels = _chosen.near_other_labels
    order_groups = _chosen.order_groups
    pair_counts = _chosen.pair_counts
    run_areas = _chosen.run_areas
    run_boxes = _chosen.run_boxes
    unfilter = _chosen.unfilter
    value_counts = _chosen.value_counts
    weighted_precision = _chosen.weighted_precision
