"""Hypothesis strategies: small generated inputs on which laws must hold.

They import NumPy and Hypothesis, not `bench`.
"""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

Array = np.ndarray[Any, Any]
IGNORE = 255


@st.composite
def label_pairs(
    draw: st.DrawFn, classes: int, images: int | None = None
) -> list[tuple[Array, Array]]:
    """Truth and prediction of a few images, (H, W) uint8 each; both hold IGNORE now and then, and
    classes may lack.
    """
    count = draw(st.integers(1, 6)) if images is None else images
    labels = st.sampled_from([*range(classes), IGNORE])
    pairs = []
    for _ in range(count):
        shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5))
        truth = draw(hnp.arrays(np.uint8, shape, elements=labels))
        fresh = draw(hnp.arrays(np.uint8, shape, elements=labels))
        kept = draw(hnp.arrays(np.bool_, shape))
        pairs.append((truth, np.where(kept, truth, fresh).astype(np.uint8)))
    return pairs


def whole_weights(images: int, rows: int = 3) -> st.SearchStrategy[Array]:
    """Weights (B, N) of small whole numbers, as a bootstrap draws them."""
    return hnp.arrays(np.int64, (rows, images), elements=st.integers(0, 3))


def real_weights(images: int, rows: int = 3) -> st.SearchStrategy[Array]:
    """Weights (B, N) that are zero or a fraction."""
    return hnp.arrays(
        np.float64, (rows, images), elements=st.sampled_from([0.0, 0.25, 1 / 3, 0.7, 1.0, 2.5])
    )
