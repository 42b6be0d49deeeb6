"""Classes merged into their categories: the class table and the `pixels` table of categories.

Merged tables are scored like any other. This module does not know scores.
"""

from __future__ import annotations

import numpy as np

from bench.classes import Class, Classes
from bench.samples import Array, Table


def categories(classes: Classes) -> Classes:
    """Return the categories of the scored classes as a class table, ordered by their first class.

    A category is a `thing` if all its labels are countable, scored or not. Such categories have an
    iIoU.

    >>> car = Class(0, "car", 0, thing=True, category="vehicle")
    >>> sky = Class(1, "sky", 1, category="sky")
    >>> [(entry.name, entry.thing) for entry in categories(Classes((car, sky))).scored]
    [('vehicle', True), ('sky', False)]
    """
    names = list(
        dict.fromkeys(entry.category for entry in classes.scored if entry.category is not None)
    )
    # All labels decide, scored or not: a caravan is part of the category vehicle.
    labels = {
        name: [entry for entry in classes.entries if entry.category == name and entry.id >= 0]
        for name in names
    }
    entries = tuple(
        Class(k, name, k, thing=all(entry.thing for entry in labels[name]))
        for k, name in enumerate(names)
    )
    return Classes(entries, ignore=classes.ignore, void=())


def merge(counts: Table, classes: Classes) -> Table:
    """Turn a `pixels` table of classes into one of their categories, for `semantic.score`.

    A label that is not scored stays unscored: predicted within its category it is a miss, as in
    cityscapesScripts. Pixels of true classes without a category are left out.
    """
    merged = categories(classes)
    # Column C of the counts, a label that is not scored, becomes column K.
    category = np.append(category_of(classes, merged.names), len(merged))
    truth, predicted = category[counts["truth"]], category[counts["predicted"]]
    has_category = truth < len(merged)
    keys = np.stack([counts["image"], counts["region"], truth, predicted]).astype(np.int64)[
        :, has_category
    ]
    unique, group = np.unique(keys, axis=1, return_inverse=True)
    pixels = np.bincount(group.ravel(), counts["pixels"][has_category], minlength=unique.shape[1])
    names = ("image", "region", "truth", "predicted")
    table = {
        name: column.astype(counts[name].dtype) for name, column in zip(names, unique, strict=True)
    }
    return {**table, "pixels": pixels.astype(np.int64)}


def category_of(classes: Classes, names: tuple[str, ...]) -> Array:
    """Return the position in `names` of the category of each scored class, (C,); K for none."""
    return np.array(
        [
            names.index(entry.category) if entry.category in names else len(names)
            for entry in classes.scored
        ]
    )
