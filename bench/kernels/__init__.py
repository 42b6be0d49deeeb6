"""The hot loops over arrays, each in two equal forms: `reference.py` in NumPy says what it means,
`native/` is fast.

The native form is used where it was built; `BENCH_KERNELS=reference` or `BENCH_KERNELS=native`
forces one of them. Which it is, is settled when the first loop is asked for: until then importing
this loads no NumPy. Nothing here knows files, the names of classes or metrics.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.kernels.reference import InvalidLabel as InvalidLabel
    from bench.kernels.reference import joint_histogram, map_labels, value_counts
    from bench.kernels.reference_boundaries import boundary_runs
    from bench.kernels.reference_contours import contour_matches, near_other_labels
    from bench.kernels.reference_masks import labels_under
    from bench.kernels.reference_objects import (
        box_overlaps,
        mask_overlaps,
        match,
        order_groups,
        run_areas,
        run_boxes,
    )
    from bench.kernels.reference_png import (
        filtered_ids,
        filtered_mask,
        filtered_pair_counts,
        unfilter,
    )
    from bench.kernels.reference_precision import trapezoid_areas, weighted_precision
    from bench.kernels.reference_segments import color_ids, edge_map, pair_counts, value_pairs

__all__ = [
    "InvalidLabel",
    "boundary_runs",
    "box_overlaps",
    "choose",
    "color_ids",
    "contour_matches",
    "edge_map",
    "filtered_ids",
    "filtered_mask",
    "filtered_pair_counts",
    "joint_histogram",
    "labels_under",
    "map_labels",
    "mask_overlaps",
    "match",
    "native",
    "near_other_labels",
    "order_groups",
    "pair_counts",
    "run_areas",
    "run_boxes",
    "trapezoid_areas",
    "unfilter",
    "value_counts",
    "value_pairs",
    "weighted_precision",
    "which",
]

_LOOPS = sorted({*__all__} - {"InvalidLabel", "choose", "native", "which"})
FORM = 3
"""What the compiled functions take and give. A build of another form is older than these sources,
and is not used.
"""
_READERS = ("read_coco_results", "read_coco_truth")
"""Readers without a form in `reference`: `bench/formats/coco/unusual.py` is their specification."""


def native() -> ModuleType | None:
    """Return the compiled form of `reference`, or None if it was not built or is older than the
    sources.
    """
    try:
        from bench.kernels import _native
    except ImportError:
        return None
    fits = getattr(_native, "FORM", 1) == FORM
    return (
        _native if fits and all(hasattr(_native, name) for name in (*_LOOPS, *_READERS)) else None
    )


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
            "BENCH_KERNELS is 'native', but the native kernels were not built: install with a "
            "C++ compiler"
        )
    if compiled is None:
        from bench.kernels import reference

        return reference
    return compiled


@cache
def _chosen() -> ModuleType:
    return choose(os.environ.get("BENCH_KERNELS", ""))


def which() -> Literal["native", "reference"]:
    """Say which form of the kernels is in use."""
    return "reference" if _chosen().__name__.endswith("reference") else "native"


def __getattr__(name: str) -> Any:
    """Settle which form of a loop is used, the first time that it is asked for."""
    if name not in (*_LOOPS, "InvalidLabel"):
        raise AttributeError(
            f"module 'bench.kernels' has no attribute {name!r}; it offers {', '.join(__all__)}"
        )
    value = getattr(_chosen() if name in _LOOPS else import_module("bench.kernels.reference"), name)
    globals()[name] = value
    return value
