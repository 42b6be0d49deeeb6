"""Label maps that loops have at hand: arrays, tensors, lists and pictures of Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

import bench
from bench.errors import InputError, PredictionError, UsageError
from bench.evaluation.evaluator import Evaluator

RNG = np.random.default_rng(8)
TRUTH = RNG.integers(0, 3, (4, 10, 12))
FOUND = np.where(RNG.random(TRUTH.shape) < 0.7, TRUTH, 0)


def scored(truth: Any, prediction: Any, classes: Any = 3, **options: Any) -> dict[str, float]:
    evaluator = Evaluator(classes, **options)
    evaluator.update(truth=truth, prediction=prediction)
    return evaluator.scores()


PLAIN = scored(TRUTH, FOUND)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x[:, None],
        lambda x: x[..., None],
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.uint8),
        list,
        lambda x: x.tolist(),
        lambda x: [{"labels": each} for each in x],
        lambda x: [Image.fromarray(each.astype(np.uint8)) for each in x],
    ],
    ids=range(8),
)
def test_label_maps_come_in_many_forms(form: Any) -> None:
    assert PLAIN == scored(form(TRUTH), form(FOUND)) == scored(TRUTH, form(FOUND))


@pytest.mark.parametrize(
    "form",
    [lambda x: x, lambda x: x[..., None], lambda x: x[None], lambda x: x[None, None]],
    ids=range(4),
)
def test_one_image_is_a_batch_of_one(form: Any) -> None:
    assert scored(TRUTH[:1], FOUND[:1]) == scored(form(TRUTH[0]), form(FOUND[0]))


def test_tensors_of_every_type_are_taken() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    truth, found = torch.from_numpy(TRUTH), torch.from_numpy(FOUND)
    for kind in (torch.uint8, torch.int32, torch.bfloat16, torch.float16):
        assert PLAIN == scored(truth.to(kind), found.to(kind))
    assert PLAIN == scored(truth, found.float().requires_grad_())
    evaluator = Evaluator(3)
    evaluator.update(truth=truth, prediction=found, id=torch.arange(4))
    assert ["0", "1", "2", "3"] == evaluator.tables()["images"]["id"].tolist()
    logits = torch.nn.functional.one_hot(found, 3).permute(0, 3, 1, 2).float()
    with pytest.raises(
        UsageError,
        match=r"\(4, 3, 10, 12\), \(N, C, H, W\): take the argmax over the classes first",
    ):
        scored(truth, logits)
    with pytest.raises(
        UsageError,
        match=r"logits \(C, H, W\), take the argmax over the classes first, x.argmax\(0\)",
    ):
        scored(truth[0], logits[0])
    assert PLAIN == scored(truth, logits.argmax(1))


@pytest.mark.parametrize("value", [-100, -1, 255, 7])
def test_values_that_do_not_count_are_told(value: int) -> None:
    hidden = RNG.random(TRUTH.shape) < 0.2
    masked = np.where(hidden, value, TRUTH)
    expected = scored(np.where(hidden, 255, TRUTH), FOUND)
    assert (
        expected
        == scored(masked, FOUND, ignore=value)
        == scored(masked, np.where(hidden, value, FOUND), ignore=value)
    )
    other = 254 if value == 255 else 255
    with pytest.raises(
        UsageError, match=rf"the truth: the label {other} .* nor {value} \(ignored\)"
    ):
        scored(np.where(hidden, other, TRUTH), FOUND, ignore=value)
    both = np.where(hidden & (FOUND > 0), other, masked)
    assert expected == scored(both, FOUND, ignore=[np.int64(value), other])


def test_a_class_that_does_not_count_is_taken_from_the_truth_alone() -> None:
    """As torchmetrics and mmsegmentation have it: pixels of class 0 do not count, predictions of it
    elsewhere do.
    """
    scores = scored(TRUTH, FOUND, ignore=0)
    counts = TRUTH > 0
    ious = [
        ((TRUTH == c) & (FOUND == c) & counts).sum()
        / (((TRUTH == c) | (FOUND == c)) & counts).sum()
        for c in (1, 2)
    ]
    assert abs(scores["mIoU"] - np.mean(ious)) < 1e-12
    assert abs(scores["pixel_accuracy"] - (TRUTH == FOUND)[counts].mean()) < 1e-12


def test_masks_of_two_classes_may_be_bool() -> None:
    assert scored(TRUTH > 0, FOUND > 0, 2) == scored(
        (TRUTH > 0) * 1, (FOUND > 0) * 1, ["rest", "cell"]
    )
    with pytest.raises(PredictionError, match=r'list both, such as \["background", "cell"\]'):
        scored(TRUTH * 0, TRUTH > 0, ["cell"])


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (
            TRUTH,
            FOUND[:, :5],
            r"it has 5 x 12 pixels, the truth 10 x 12 \(height x width\): resize one of the two",
        ),
        (TRUTH, FOUND / 2, r"labels must be whole numbers, got 0.5; take the argmax"),
        (TRUTH, np.full(TRUTH.shape, np.nan), "got nan"),
        (
            TRUTH - 100 * (TRUTH == 1),
            FOUND,
            "the label -99 .*; pass ignore=-99 if such pixels do not count",
        ),
        (TRUTH, FOUND[:3], "got 4 truths and 3 predictions; pass one of each per image"),
        (TRUTH[0], np.zeros((10, 12, 3), np.uint8), "1 truth and 10 predictions"),
        ([np.array([["a"]])], [np.array([["b"]])], "labels must be whole numbers, got <U1"),
        ([[[0, 1], [0]]], [[[0, 1], [0, 1]]], "rows of unequal length"),
    ],
)
def test_labels_that_are_none_are_refused_without_flags(
    truth: Any, prediction: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message) as raised:
        scored(truth, prediction)
    assert "--" not in str(raised.value)


def test_arguments_of_other_tasks_are_refused() -> None:
    for options, message in (
        ({"ignore": "x"}, "ignore must be a whole number such as -100, or a list of them, got 'x'"),
        ({"ignore": 1.5}, r"ignore must be a whole number .* got 1\.5"),
        ({"ignore": []}, r"ignore must be a whole number .* got \[\]"),
        ({"ignore": -100, "task": "instance"}, "ignore=-100 is only for label maps; .*iscrowd"),
        (
            {"ignore": -100, "task": "panoptic"},
            "ignore=-100 is only for label maps; .*pixels of id 0",
        ),
        ({"label_space": "raw"}, "label_space='raw'"),
        ({"groups": "patient"}, "groups='patient'"),
        ({"metrics": ["PQ"]}, "metrics='PQ': needs panoptic predictions"),
    ):
        with pytest.raises(UsageError, match=message):
            bench.Evaluator(3, **options)
