"""Small panoptic maps for tests: four classes, two of them things, generated or by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from bench.classes import Class, Classes
from bench.metrics import panoptic
from bench.samples import Segments

Array = np.ndarray[Any, Any]
Pairs = list[tuple[Segments, Segments]]
C = 4
CLASSES = Classes(
    tuple(Class(id=c + 1, name=f"class {c}", train_id=c, thing=c < 2) for c in range(C))
)
LARGEST = 6
IDS = (0, 3, 1 << 16, 7, 254, 1_000_000, (1 << 24) - 1)
"""What the small numbers 0 ... LARGEST of generated maps are called in them."""


def made(
    ids: Array | list[list[int]], classes: dict[int, int], crowd: Sequence[int] = ()
) -> Segments:
    """A map by hand: id -> class of every segment, and the ids of the crowds."""
    numbers = np.array(list(classes), dtype=np.int64)
    return Segments(
        np.asarray(ids, dtype=np.int32),
        numbers,
        np.array(list(classes.values())),
        np.isin(numbers, list(crowd)),
    )


def from_small(
    small: Array, labels: list[int], crowds: list[bool], order: Sequence[int] = range(LARGEST)
) -> Segments:
    """A map of small numbers 0 ... LARGEST with the class and crowd of each; those without a pixel
    are left out.
    """
    present = [number for number in (1 + place for place in order) if (small == number).any()]
    return Segments(
        np.array(IDS, dtype=np.int32)[small],
        np.array([IDS[number] for number in present], dtype=np.int64),
        np.array([labels[number - 1] for number in present], dtype=np.int64),
        np.array([crowds[number - 1] for number in present], dtype=bool),
    )


@st.composite
def segment_pairs(draw: st.DrawFn, images: int | None = None, *, crowds: bool = True) -> Pairs:
    """Truth and prediction of a few images: the prediction keeps a part of the truth; with void and
    crowds.
    """
    labels = st.lists(st.integers(0, C - 1), min_size=LARGEST, max_size=LARGEST)
    flags = st.lists(st.booleans(), min_size=LARGEST, max_size=LARGEST)
    pairs = []
    for _ in range(draw(st.integers(1, 4)) if images is None else images):
        shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))
        maps = hnp.arrays(
            np.int8, shape, elements=st.integers(0, LARGEST), fill=st.integers(0, LARGEST)
        )
        truth, fresh = draw(maps), draw(maps)
        kept = draw(hnp.arrays(np.bool_, shape, fill=st.just(True)))
        classes, order = draw(labels), draw(st.permutations(range(LARGEST)))
        guesses = [
            c if same else g for c, g, same in zip(classes, draw(labels), draw(flags), strict=True)
        ]
        crowd = draw(flags) if crowds else [False] * LARGEST
        prediction = np.where(kept, truth, fresh)
        pairs.append(
            (
                from_small(truth, classes, crowd, order),
                from_small(prediction, guesses, [False] * LARGEST),
            )
        )
    return pairs


def tables(pairs: Pairs, **options: Any) -> dict[str, dict[str, Array]]:
    """Count pairs as images 0, 1, 2 ..."""
    parts = [panoptic.count(t, p, CLASSES, image=n, **options) for n, (t, p) in enumerate(pairs)]
    return {
        name: {
            column: np.concatenate([part[name][column] for part in parts])
            for column in parts[0][name]
        }
        for name in parts[0]
    }


def plain(pairs: Pairs, **options: Any) -> panoptic.PanopticScores:
    """Score pairs with weights of one."""
    return panoptic.score(tables(pairs)["segments"], np.ones((1, len(pairs))), CLASSES, **options)


def lists(segments: Segments) -> tuple[list[list[int]], dict[int, tuple[int, bool]]]:
    """Hand a map to the oracle, which knows lists only."""
    columns = (segments.segment_ids.tolist(), segments.classes.tolist(), segments.crowd.tolist())
    return segments.ids.tolist(), {
        number: (label, crowd) for number, label, crowd in zip(*columns, strict=True)
    }
