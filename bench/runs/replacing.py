"""What happens where a record of the same question lies already: only one with equal counts is replaced unasked.

Other ground truth makes a record of its own, beside the first one, so that both can be looked at.

This module compares counts and knows neither how they were made nor what they mean.
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
"""Kinds of models whose answers are the same each time: where their counts differ, the ground truth does."""


def place_for(path: Path, staged: Path, tables: Tables, record: Record) -> Path:
    """Where to put a record that is meant for `path`; `staged` are its counts, written.

    That is `path`, unless a record lies there that was counted against other ground truth; then it is a folder beside
    it, whose name follows from the counts.

    Raises:
        RunError: the counts differ though the ground truth does not; the message says where, and how to replace them.
    """
    there = path / "counts.npz"
    # The same tables make the same file, and comparing bytes takes a fraction of the time of reading tables.
    if not there.is_file() or filecmp.cmp(there, staged, shallow=False):
        return path
    try:
        old = runs.read(path)
    except RunError:
        return path  # a damaged record is no loss
    found = difference(old.tables, tables)
    if not found:
        return path
    if record.model.get("kind") in STORED or _other_truth(old.record, record):
        counts = hashlib.blake2b(staged.read_bytes(), digest_size=16).hexdigest()
        return path.with_name(runs.digest([path.name, counts])[: len(path.name)])
    cause = ""
    if record.model.get("kind", "model") == "model" and old.record.bench == record.bench:
        hint = "let its loader return its identity (docs/models.md), or say another --name"
        cause = f" (if another model answers now, {hint})"
    raise RunError(
        f"{path} holds other counts for the same question: {found}{cause}; --overwrite replaces it "
        "(overwrite=True from Python)"
    )


def _other_truth(old: Record, new: Record) -> bool:
    shared = old.tables.keys() & new.tables.keys()
    return any(old.tables[name].truth != new.tables[name].truth for name in shared)


def difference(old: Tables, new: Tables) -> str:
    """Where two sets of tables differ, in words; nothing where they are equal.

    The families of a question are fixed, so a table that only the new counts have came with a later version of bench:
    it adds to the same counts and is no difference.
    """
    if not set(old) <= set(new):
        return f"it holds the tables {', '.join(sorted(old))}, and these are {', '.join(sorted(new))}"
    ids = new["images"]["id"]
    if not np.array_equal(old["images"]["id"], ids):
        return "its images are others"
    if not np.array_equal(old["images"]["cluster"], new["images"]["cluster"]):
        return "its images are grouped in other clusters"
    for name in sorted(set(old) - {"images"}):
        if set(old[name]) != set(new[name]):
            return f"its table {name} has other columns"
        images = _differing(old[name], new[name], len(ids))
        if images.size:
            return f"the {name} of {images.size} of {len(ids)} images differ, {ids[images[0]]} the first of them"
    return ""


def _differing(old: Table, new: Table, count: int) -> Array:
    """Positions of the images whose rows are not the same."""
    cuts = [np.searchsorted(table["image"], np.arange(count + 1)) for table in (old, new)]
    pairs = [(old[name], new[name]) for name in new]
    alike = [
        all(_equal(before[a:b], after[c:d]) for before, after in pairs)
        for a, b, c, d in zip(cuts[0][:-1], cuts[0][1:], cuts[1][:-1], cuts[1][1:], strict=True)
    ]
    return np.flatnonzero(~np.array(alike, dtype=bool))


def _equal(before: Array, after: Array) -> bool:
    return np.array_equal(before, after, equal_nan=before.dtype.kind == "f" and after.dtype.kind == "f")
