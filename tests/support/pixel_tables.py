"""Small tables of pixel counts for tests: four classes, made from pairs of label maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.classes import Class, Classes
from bench.metrics import semantic
from bench.samples import LabelMap

Array = np.ndarray[Any, Any]
Pairs = list[tuple[Array, Array]]
C = 4
CLASSES = Classes(tuple(Class(id=c, name=f"class {c}", train_id=c) for c in range(C)))


def grid(rows: list[list[int]], dtype: type[np.uint8 | np.uint16] = np.uint8) -> Array:
    """Make a label map from its rows."""
    return np.array(rows, dtype=dtype)


def table(pairs: Pairs, classes: Classes = CLASSES) -> dict[str, Array]:
    """Count (truth, prediction) pairs as images 0, 1, 2 ..."""
    parts = [
        semantic.count(LabelMap(t), LabelMap(p), classes, image=n) for n, (t, p) in enumerate(pairs)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def plain(pairs: Pairs, classes: Classes = CLASSES, **options: Any) -> semantic.SemanticScores:
    """Score pairs with weights of one."""
    return semantic.score(table(pairs, classes), np.ones((1, len(pairs))), classes, **options)


def lists(pairs: Pairs) -> list[tuple[list[list[int]], list[list[int]]]]:
    """Hand pairs to the oracles, which know lists only."""
    return [(t.tolist(), p.tolist()) for t, p in pairs]
