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
    from bench.kernels.reference import joint_histogram, map_labels, unfilter
    from bench.kernels.reference_segments import edge_map, pair_counts

__all__ = [
    "InvalidLabel",
    "choose",
    "edge_map",
    "joint_histogram",
    "map_labels",
    "native",
    "pair_counts",
    "unfilter",
    "which",
]


def native() -> ModuleType | None:
    """Return the compiled twin of `reference`, or None where it was not built."""
    try:
        from bench.kernels import _native
    except ImportError:
        return None
    return _native


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
    edge_map = _chosen.edge_map
    joint_histogram = _chosen.joint_histogram
    map_labels = _chosen.map_labels
    pair_counts = _chosen.pair_counts
    unfilter = _chosen.unfilter
