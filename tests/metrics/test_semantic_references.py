"""Semantic scores beside the references, each run live: where they agree, and each convention on
which they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pixel_tables
import pytest
import strategies
from hypothesis import given
from oracles import semantic as oracle

from bench.classes import Class, Classes
from bench.errors import PredictionError
from bench.metrics import semantic
from bench.samples import LabelMap

C, CLASSES, table, plain, lists = (
    pixel_tables.C,
    pixel_tables.CLASSES,
    pixel_tables.table,
    pixel_tables.plain,
    pixel_tables.lists,
)
grid = pixel_tables.grid
Pairs = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def cityscapes() -> Classes:
    from cityscapesscripts.helpers.labels import labels

    return Classes(
        tuple(
            Class(x.id, x.name, None if x.ignoreInEval else x.trainId) for x in labels if x.id >= 0
        ),
        void=(),
    )


def cityscapes_result(
    folder: Path, pairs: Pairs, monkeypatch: pytest.MonkeyPatch, **changes: bool
) -> dict[str, Any]:
    """Write label ids as PNGs and run the evaluation script of Cityscapes over them."""
    monkeypatch.setattr(
        np, "in1d", np.isin, raising=False
    )  # NumPy 2.4 removed what the script calls
    script = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    from PIL import Image

    names: dict[str, list[str]] = {"truth": [], "prediction": []}
    for n, pair in enumerate(pairs):
        for kind, labels in zip(names, pair, strict=True):
            path = folder / f"{kind}_{n}.png"
            Image.fromarray(labels).save(path)
            names[kind].append(str(path))
    options = {
        "evalInstLevelScore": False,
        "JSONOutput": False,
        "quiet": True,
        "evalPixelAccuracy": False,
    }
    for name, value in (options | changes).items():
        monkeypatch.setattr(script.args, name, value)
    result: dict[str, Any] = script.evaluateImgLists(
        names["prediction"], names["truth"], script.args
    )
    return result


def generated_ids(seed: int, *, images: int = 4, present: int = 34) -> Pairs:
    """Blocky label ids with all kinds of confusion, ignored labels predicted and void in the
    truth.
    """
    generator = np.random.default_rng(seed)
    pairs = []
    for _ in range(images):
        truth = (
            generator.integers(0, present, (6, 9))
            .repeat(4, axis=0)
            .repeat(3, axis=1)
            .astype(np.uint8)
        )
        wrong = generator.integers(0, 34, truth.shape, dtype=np.uint8)
        pairs.append(
            (truth, np.where(generator.random(truth.shape) < 0.6, truth, wrong).astype(np.uint8))
        )
    return pairs


def in_train_ids(pairs: Pairs, classes: Classes) -> Pairs:
    both = []
    for truth, prediction in pairs:
        mapped = (
            classes.to_train(truth, where="truth"),
            classes.prediction_to_train(prediction, where="prediction"),
        )
        both.append((np.asarray(mapped[0]), np.asarray(mapped[1])))
    return both


@pytest.mark.parametrize(("seed", "present"), [(0, 34), (1, 34), (2, 12), (3, 25)])
def test_cityscapes_scripts_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, present: int
) -> None:
    pairs, classes = generated_ids(seed, present=present), cityscapes()
    expected = cityscapes_result(tmp_path, pairs, monkeypatch)
    mapped = in_train_ids(pairs, classes)
    assert (table(mapped, classes)["predicted"] == len(classes)).any(), (
        "the case needs ignored labels among the predictions"
    )
    actual = plain(mapped, classes, classes_in="union")
    by_class = [expected["classScores"][name] for name in classes.names]
    np.testing.assert_allclose(actual["IoU"][0], by_class, rtol=1e-12)
    np.testing.assert_allclose(actual["mIoU"][0], expected["averageScoreClasses"], rtol=1e-12)


def test_comparison_with_cityscapes_scripts_fails_where_a_prediction_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, classes = generated_ids(0), cityscapes()
    expected = cityscapes_result(tmp_path, pairs, monkeypatch)
    pairs[0][1][0, :3] = 4  # static: a label that is not scored
    pairs[0][0][0, :3] = 7
    actual = plain(in_train_ids(pairs, classes), classes, classes_in="union")
    assert abs(actual["mIoU"][0] - expected["averageScoreClasses"]) > 1e-12


def test_real_predictions_on_voc_score_as_measured_elsewhere(
    shared_data: Callable[[str], Path],
) -> None:
    folder = shared_data("voc2012_val_subset")
    from PIL import Image

    voc = Classes(tuple(Class(id=c, name=f"class {c}", train_id=c) for c in range(21)))
    pairs = []
    for path in sorted((folder / "SegmentationClass").glob("*.png")):
        truth = np.array(Image.open(path))
        prediction = Image.open(next((folder / "segnet_pred_320").glob(f"{path.stem}*.png")))
        pairs.append(
            (truth, np.array(prediction.resize(truth.shape[::-1], Image.Resampling.NEAREST)))
        )
    by_truth, by_union = plain(pairs, voc), plain(pairs, voc, classes_in="union")
    assert (12, 14) == (by_truth.scored.sum(), by_union.scored.sum())
    measured = [by_truth["pixel_accuracy"][0], by_truth["mIoU"][0], by_union["mIoU"][0]]
    np.testing.assert_allclose(measured, [0.98556, 0.8864, 0.7598], atol=5e-5)


# Conventions of the ledger


def test_void_in_the_truth_counts_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, prediction = grid([[7, 7, 0, 0]]), grid([[7, 7, 7, 26]])
    expected = cityscapes_result(tmp_path, [(truth, prediction)], monkeypatch)
    actual = plain(
        in_train_ids([(truth, prediction)], cityscapes()), cityscapes(), classes_in="union"
    )
    assert [1.0, 1.0] == [expected["classScores"]["road"], actual["IoU"][0, 0]]
    assert np.isnan([expected["classScores"]["car"], actual["IoU"][0, 13]]).all()
    assert 1.0 == oracle.voc_devkit([([[0, 255]], [[0, 1]])], 2)[0][0]


def test_predicting_a_label_that_is_not_scored_is_a_false_negative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, prediction = grid([[7, 7, 7, 7]]), grid([[7, 7, 7, 4]])
    expected = cityscapes_result(tmp_path, [(truth, prediction)], monkeypatch)
    actual = plain(
        in_train_ids([(truth, prediction)], cityscapes()), cityscapes(), classes_in="union"
    )
    assert [0.75, 0.75] == [expected["classScores"]["road"], actual["IoU"][0, 0]]


def test_predicting_void_is_an_error_in_voc() -> None:
    voc = Classes(tuple(Class(id=c, name=f"class {c}", train_id=c) for c in range(21)))
    with pytest.raises(ValueError, match="out of range"):
        oracle.voc_devkit([([[0, 1]], [[0, 255]])], 21)
    with pytest.raises(PredictionError, match="255 means void only in the ground truth"):
        voc.prediction_to_train(grid([[0, 255]]), where="a.png")


def test_predicted_values_that_are_not_a_class_are_refused_even_on_void() -> None:
    with pytest.raises(ValueError, match="out of range"):
        oracle.voc_devkit([([[0, 255]], [[0, 9]])], C)
    with pytest.raises(
        PredictionError,
        match=r"^a: the prediction holds the value 9, which is neither a class \(0-3\)",
    ):
        semantic.count(LabelMap(grid([[0, 255]])), LabelMap(grid([[0, 9]])), CLASSES, where="a")


def test_class_in_neither_truth_nor_prediction_makes_the_mean_of_voc_nan() -> None:
    pair = [(grid([[0, 1]]), grid([[0, 1]]))]
    iou, mean = oracle.voc_devkit(lists(pair), C)
    assert np.isnan(mean)
    np.testing.assert_array_equal(plain(pair, classes_in="all")["IoU"][0], iou)
    assert np.isnan(plain(pair, classes_in="all")["mIoU"][0])
    assert np.isnan(plain(pair, classes_in="all")["mean_accuracy"][0])
    assert (
        1.0
        == plain(pair, classes_in="truth")["mIoU"][0]
        == plain(pair, classes_in="union")["mIoU"][0]
    )


@pytest.mark.slow
def test_absent_class_scores_one_in_segmentation_models_pytorch() -> None:
    pair = [(grid([[0, 1]]), grid([[0, 1]]))]
    smp, stats = smp_stats(pair)
    assert [[1.0] * C] == smp.metrics.iou_score(*stats, reduction="none").tolist()
    np.testing.assert_array_equal(plain(pair)["IoU"][0], [1.0, 1.0, np.nan, np.nan])


@pytest.mark.slow
def test_mean_of_image_scores_is_another_number() -> None:
    right, wrong = grid([[0, 1, 2, 3]]), grid([[0, 1, 2, 2]])
    pairs = [(right, right), (right, right), (right, wrong)]
    smp, stats = smp_stats(pairs)
    assert float(smp.metrics.iou_score(*stats, reduction="macro")) == pytest.approx(
        plain(pairs)["mIoU"][0]
    )
    by_image = semantic.per_image(table(pairs), 3, CLASSES)["mIoU"].mean()
    assert float(smp.metrics.iou_score(*stats, reduction="macro-imagewise")) == pytest.approx(
        by_image
    )
    assert abs(by_image - plain(pairs)["mIoU"][0]) > 0.01


def smp_stats(pairs: Pairs) -> tuple[Any, Any]:
    """The counts of segmentation-models-pytorch for images of one size."""
    torch = pytest.importorskip("torch")
    smp = pytest.importorskip("segmentation_models_pytorch")
    truth, prediction = (
        torch.from_numpy(np.stack(maps).astype(np.int64)) for maps in zip(*pairs, strict=True)
    )
    return smp, smp.metrics.get_stats(prediction, truth, mode="multiclass", num_classes=C)


def test_pixel_accuracy_of_cityscapes_scripts_counts_ignored_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = grid([[7, 7, 7, 0]]), grid([[7, 7, 26, 7]])
    (theirs,) = cityscapes_result(tmp_path, [pair], monkeypatch, evalPixelAccuracy=True)[
        "perImageScores"
    ].values()
    assert (1, 1) == (theirs["nbCorrectPixels"], theirs["nbNotIgnoredPixels"])
    assert 2 / 3 == plain(in_train_ids([pair], cityscapes()), cityscapes())["pixel_accuracy"][0]


def test_class_that_is_only_predicted_scores_zero_in_the_union(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = grid([[7, 7]]), grid([[7, 26]])
    assert 0.25 == cityscapes_result(tmp_path, [ids], monkeypatch)["averageScoreClasses"]
    pair = [(grid([[0, 0]]), grid([[0, 1]]))]
    assert 0.25 == plain(pair, classes_in="union")["mIoU"][0]
    assert 0.5 == plain(pair, classes_in="truth")["mIoU"][0]


@given(strategies.label_pairs(C, images=3))
def test_mean_over_all_classes_equals_the_devkit_of_voc(pairs: Pairs) -> None:
    pairs = [(truth, np.where(prediction == 255, 0, prediction)) for truth, prediction in pairs]
    iou, mean = oracle.voc_devkit(lists(pairs), C)
    actual = plain(pairs, classes_in="all")
    np.testing.assert_allclose(actual["IoU"][0], iou, rtol=1e-12)
    np.testing.assert_allclose(actual["mIoU"][0], mean, rtol=1e-12)
