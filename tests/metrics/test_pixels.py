"""The pixels table: what its rows look like, what is refused, and what is added up from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pixel_tables
import pytest
import strategies
from hypothesis import given

from bench.classes import Class, Classes
from bench.errors import DataError, PredictionError
from bench.metrics import semantic
from bench.samples import LabelMap

C, CLASSES, table, plain = (
    pixel_tables.C,
    pixel_tables.CLASSES,
    pixel_tables.table,
    pixel_tables.plain,
)
grid = pixel_tables.grid
Pairs = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
PAIRS = strategies.label_pairs(C)


@given(PAIRS)
def test_weighted_confusion_is_the_sum_of_its_images(pairs: Pairs) -> None:
    weights = np.arange(len(pairs)) / 4
    parts = [
        w * semantic.confusion(table([pair]), CLASSES)
        for w, pair in zip(weights, pairs, strict=True)
    ]
    np.testing.assert_allclose(
        semantic.confusion(table(pairs), CLASSES, weights), sum(parts), rtol=1e-12
    )


def test_rare_classes_are_named_with_their_images() -> None:
    pairs = [(grid([[0, 1]]), grid([[0, 3]]))] * 9 + [(grid([[0, 2]]), grid([[0, 3]]))]
    assert [("class 1", 9), ("class 2", 1)] == semantic.rare_classes(table(pairs), CLASSES)
    assert [("class 2", 1)] == semantic.rare_classes(table(pairs), CLASSES, fewer_than=3)


# Borders


def test_rows_are_sorted_and_small() -> None:
    counts = table([(grid([[3, 0, 0, 255]]), grid([[255, 1, 0, 0]]))])
    assert {"image": "i4", "region": "i2", "truth": "i2", "predicted": "i2", "pixels": "i4"} == {
        name: column.dtype.str[1:] for name, column in counts.items()
    }
    assert [[0, 0, 3], [0, 1, 4], [1, 1, 1]] == [
        counts[name].tolist() for name in ("truth", "predicted", "pixels")
    ]


def test_image_of_void_gives_no_rows_and_no_score() -> None:
    pairs = [(grid([[255, 255]]), grid([[0, 1]]))]
    assert 0 == len(table(pairs)["pixels"])
    scores = plain(pairs)
    assert all(np.isnan(scores[name]).all() for name in (*scores.overall, *scores.per_class))


def test_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(
        PredictionError, match=r"^img: the prediction is 2x3 .* truth is 2x4.*--resize nearest"
    ):
        semantic.count(
            LabelMap(np.zeros((2, 4), np.uint8)),
            LabelMap(np.zeros((2, 3), np.uint8)),
            CLASSES,
            where="img",
        )


def test_unknown_value_in_the_truth_is_a_defect_of_the_data() -> None:
    with pytest.raises(DataError, match="the truth holds the value 7"):
        semantic.count(LabelMap(grid([[7]])), LabelMap(grid([[0]])), CLASSES)


def test_more_than_254_classes_are_counted_alike() -> None:
    wide = Classes(
        tuple(Class(id=c, name=f"class {c}", train_id=c) for c in range(300)),
        ignore=65535,
        void=(65535,),
    )
    truth, prediction = grid([[0, 299, 65535, 5]], np.uint16), grid([[0, 65535, 1, 298]], np.uint16)
    counts = semantic.count(LabelMap(truth), LabelMap(prediction), wide)
    pairs = list(zip(counts["truth"].tolist(), counts["predicted"].tolist(), strict=True))
    assert [(0, 0), (5, 298), (299, 300)] == pairs
    with pytest.raises(PredictionError, match="the value 300"):
        semantic.count(LabelMap(truth), LabelMap(grid([[0, 300, 1, 298]], np.uint16)), wide)


def test_regions_are_scored_apart() -> None:
    full = semantic.count(LabelMap(grid([[0, 1]])), LabelMap(grid([[0, 0]])), CLASSES)
    window = semantic.count(LabelMap(grid([[0]])), LabelMap(grid([[0]])), CLASSES, region=1)
    counts = {name: np.concatenate([full[name], window[name]]) for name in full}
    assert 0.5 == semantic.score(counts, np.ones((1, 1)), CLASSES)["pixel_accuracy"][0]
    assert 1.0 == semantic.score(counts, np.ones((1, 1)), CLASSES, region=1)["pixel_accuracy"][0]
