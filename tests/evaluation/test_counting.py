"""One way of counting: the ground truth is read once per image, in threads, and models answer every
image.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bench
from bench import masks, opening
from bench.errors import PredictionError
from bench.samples import Image, LabelMap, Rle, Sample, Truth

IMAGES = 6


class Model:
    """A model that returns all-zero label maps, `missing` of them too few in each batch."""

    identity = {"model": "zeros"}  # noqa: RUF012
    settings: dict[str, Any] = {}  # noqa: RUF012
    task = "semantic"
    batch_size = 4

    def __init__(self, missing: int = 0) -> None:
        self.missing = missing

    def predict(self, images: Sequence[Image]) -> list[LabelMap]:
        answers = [LabelMap(np.zeros(image.shape[:2], np.uint8)) for image in images]
        return (answers * 2)[: len(images) - self.missing]


class Prompted(Model):
    """A promptable model that returns one full mask too few per image."""

    identity = {"model": "prompted"}  # noqa: RUF012
    task = "prompted"
    prompted, prompt, prompts = True, "points", 2

    def predict(self, images: Sequence[Image], prompts: Any) -> list[list[Rle]]:  # type: ignore[override]
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        full = [masks.encode(np.ones(size, bool)) for size in sizes]
        return [
            [rle] * (len(prompt) - self.missing) for rle, prompt in zip(full, prompts, strict=True)
        ]


@pytest.fixture(scope="module")
def streets() -> opening.Data:
    return bench.open_data("streets", "mini", limit=IMAGES)


def watched(data: opening.Data, reads: Counter[str], readers: set[int]) -> opening.Data:
    """The data set with a count of how often each form of ground truth is read, and the threads
    that read images.
    """

    def count(form: str, read: Any) -> Any:
        def counting() -> Any:
            reads[form] += 1
            return read()

        return read and counting

    def image(sample: Sample) -> Any:
        def reading() -> Image:
            readers.add(threading.get_ident())
            return sample.image()

        return reading

    samples = [
        replace(
            sample,
            read_image=image(sample),
            truth=Truth(
                count("semantic", sample.truth.read_semantic),
                count("instances", sample.truth.read_instances),
                count("segments", sample.truth.read_segments),
            ),
        )
        for sample in data.samples
    ]
    return replace(data, samples=samples)


def test_in_memory_each_ground_truth_is_read_once_in_other_threads(streets: opening.Data) -> None:
    reads, readers = Counter[str](), set[int]()
    data = watched(streets, reads, readers)
    bench.evaluate(Model(), data, metrics=["mIoU", "boundary", "weighted"])
    assert {IMAGES} == set(reads.values())
    assert threading.get_ident() not in readers
    reads.clear()
    evaluator = bench.Evaluator(data.card, metrics=["mIoU", "boundary"])
    for sample in data.samples:
        evaluator.add(sample, np.zeros(sample.truth.semantic().size, np.uint8))
    assert 2 * IMAGES == reads["semantic"]  # once for the size of the prediction, above


@pytest.mark.parametrize("out", [None, "runs"])
def test_a_model_that_answers_too_few_images_is_refused_in_one_sentence(
    streets: opening.Data, out: str | None, tmp_path: Any
) -> None:
    message = (
        r"^\w+_000000: the model returned 3 predictions for a batch of 4 images that "
        r"starts with this one"
    )
    where = None if out is None else tmp_path / out
    with pytest.raises(PredictionError, match=message):
        bench.evaluate(Model(missing=1), streets, out=where)
    with pytest.raises(PredictionError, match=r"one per image$"):
        bench.evaluate(Model(missing=-1), streets, out=where)


def test_a_model_that_answers_too_few_prompts_is_refused_in_one_sentence(
    streets: opening.Data,
) -> None:
    assert bench.evaluate(Prompted(), streets, limit=2).scores
    with pytest.raises(
        PredictionError, match=r"the model returned \d+ masks? for the prompts of \d+ objects"
    ):
        bench.evaluate(Prompted(missing=1), streets)


def test_a_model_that_answers_nothing_about_ones_own_data_is_refused() -> None:
    pairs = [(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), int))]
    with pytest.raises(
        PredictionError,
        match=r"^image-00000000: the model returned 0 predictions for a batch of 1 im",
    ):
        bench.evaluate(Model(missing=1), pairs, classes=2)
