"""Classes merged into their categories: one class table and one `pixels` table made from another.

What is merged is scored like any other table; this module knows no scores.
"""

from __future__ import annotations

import numpy as np

from bench.classes import Class, Classes
from bench.samples import Array, Table


def categories(classes: Classes) -> Classes:
    """Return the categories of the scored classes as a class table, in the order of their first class.

    A category is a `thing` where all its labels are countable, scored or not: those have an iIoU.
    """
    names = list(dict.fromkeys(entry.category for entry in classes.scored if entry.category is not None))
    countable = [all(e.thing for e in classes.entries if e.category == name and e.id >= 0) for name in names]
    entries = tuple(Class(k, name, k, thing=countable[k]) for k, name in enumerate(names))
    return Classes(entries, ignore=classes.ignore, void=())


def merge(counts: Table, classes: Classes) -> Table:
    """Turn a `pixels` table of classes into one of their categories, whose IoU `semantic.score` gives.

    A label that is not scored stays one: predicted within its category it is a miss, as in cityscapesScripts.
    """
    merged = categories(classes)
    place = np.append(place_of(classes, merged.names), len(merged))
    truth, predicted = place[counts["truth"]], place[counts["predicted"]]
    keys = np.stack([counts["image"], counts["region"], truth, predicted]).astype(np.int64)[:, truth < len(merged)]
    unique, where = np.unique(keys, axis=1, return_inverse=True)
    pixels = np.bincount(where.ravel(), counts["pixels"][truth < len(merged)], minlength=unique.shape[1])
    names = ("image", "region", "truth", "predicted")
    table = {name: column.astype(counts[name].dtype) for name, column in zip(names, unique, strict=True)}
    return {**table, "pixels": pixels.astype(np.int64)}


def place_of(classes: Classes, names: tuple[str, ...]) -> Array:
    """Return the number of the category of each scored class among `names`, (C,); K where it has none."""
    return np.array([names.index(e.category) if e.category in names else len(names) for e in classes.scored])
