"""Decide where a new record goes if its folder already holds one.

A record with equal counts is replaced. Other ground truth makes a second record beside the first.
Other counts for the same ground truth are an error, unless the caller overwrites.

This module compares counts; it does not know how they were made or what they mean.
"""

from __future__ import annotations

import filecmp
import hashlib
from pathlib import Path

import numpy as np

from bench import runs
from bench.errors import RunError
from bench.runs import Record, Tables
from bench.samples import Array, Table

STORED = ("predictions", "baseline")
"""Kinds of models that predict the same every time: if their counts differ, the ground truth
does."""


def choose_folder(path: Path, staged: Path, tables: Tables, record: Record) -> Path:
    """The folder for a record that belongs at `path`; `staged` is the file of its counts.

    It is `path`, unless a record there was counted against other ground truth; then it is a folder
    beside it, named after the counts.

    Raises:
        RunError: the counts differ although the ground truth is the same.
    """
    existing = path / "counts.npz"
    # Equal tables make equal files, and comparing bytes is much faster than reading tables.
    if not existing.is_file() or filecmp.cmp(existing, staged, shallow=False):
        return path
    try:
        old = runs.read(path)
    except RunError:
        return path  # a damaged record may be replaced
    changed = describe_difference(old.tables, tables)
    if not changed:
        return path
    if record.model.get("kind") in STORED or _has_other_truth(old.record, record):
        counts = hashlib.blake2b(staged.read_bytes(), digest_size=16).hexdigest()
        return path.with_name(runs.digest([path.name, counts])[: len(path.name)])
    cause = ""
    if record.model.get("kind", "model") == "model" and old.record.bench == record.bench:
        cause = (
            " (if the model has changed, let its loader return its identity "
            "(docs/models.md), or pass another --name)"
        )
    raise RunError(
        f"{path} holds other counts for the same model and data: {changed}{cause}; --overwrite "
        "replaces it"
    )


def _has_other_truth(old: Record, new: Record) -> bool:
    shared = old.tables.keys() & new.tables.keys()
    return any(old.tables[name].truth != new.tables[name].truth for name in shared)


def describe_difference(old: Tables, new: Tables) -> str:
    """Describe where two sets of tables differ; "" if they are equal.

    A table that only the new counts have was added by a later version of bench; it is not a
    difference.
    """
    if not set(old) <= set(new):
        return f"its tables are {', '.join(sorted(old))}; the new ones are {', '.join(sorted(new))}"
    ids = new["images"]["id"]
    if not np.array_equal(old["images"]["id"], ids):
        return "its images are different"
    if not np.array_equal(old["images"]["cluster"], new["images"]["cluster"]):
        return "its images are grouped into different clusters"
    for name in sorted(set(old) - {"images"}):
        if set(old[name]) != set(new[name]):
            return f"its table {name} has different columns"
        images = _differing_images(old[name], new[name], len(ids))
        if images.size:
            first = ids[images[0]]
            return f"the {name} of {images.size} of {len(ids)} images differ, starting with {first}"
    return ""


def _differing_images(old: Table, new: Table, count: int) -> Array:
    """Positions of the images whose rows are not the same."""
    # Rows are sorted by image, so the rows of image n are starts[n]:starts[n + 1].
    bounds = np.arange(count + 1)
    old_starts = np.searchsorted(old["image"], bounds)
    new_starts = np.searchsorted(new["image"], bounds)
    differ = np.zeros(count, dtype=bool)
    for n in range(count):
        old_rows = slice(old_starts[n], old_starts[n + 1])
        new_rows = slice(new_starts[n], new_starts[n + 1])
        differ[n] = not all(_equal(old[name][old_rows], new[name][new_rows]) for name in new)
    return np.flatnonzero(differ)


def _equal(before: Array, after: Array) -> bool:
    floats = before.dtype.kind == "f" and after.dtype.kind == "f"
    return np.array_equal(before, after, equal_nan=floats)
