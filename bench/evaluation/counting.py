"""Counting: the ground truth and the prediction of an image become rows of counts.

Every evaluation counts with these functions: `bench run` and `bench eval`, `bench.evaluate` with or
without a record, and `Evaluator` in a loop. That is why their numbers are equal. What is counted is
the business of the families.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench import images, runs
from bench.cards import Card
from bench.errors import DataError, PredictionError, UsageError
from bench.evaluation.jobs import FromReader, Job
from bench.evaluation.keeping import Keeper
from bench.families import Family, families
from bench.families.contract.rules import Rules
from bench.runs import Tables
from bench.samples import Instances, LabelMap, Prediction, PromptedMasks, Sample, Segments, Table
from bench.samples.columns import DetectionColumns, TruthColumns

Counted = tuple[Sequence[int], Mapping[str, Table]]
"""Positions of images in the data set, and their counts by table."""


def count_image(
    card: Card,
    rules: Rules,
    chosen: Sequence[Family[Any]],
    sample: Sample,
    prediction: Prediction,
    *,
    position: int = 0,
) -> dict[str, Table]:
    """Count one image for all chosen families; its ground truth is read once for all of them.

    Raises:
        PredictionError: the prediction does not fit the image.
    """
    sample = replace(sample, truth=sample.truth.once())
    tables: dict[str, Table] = {}
    for family in chosen:
        options = family.options(rules)
        tables.update(family.count(card, options, sample, prediction, position=position))
    return tables


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts the images of a job; its methods may be called from several threads.

    `keeper` stores the predictions, if the job asks for that.
    """

    job: Job
    families: Sequence[Family[Any]]
    keeper: Keeper | None = None

    @classmethod
    def of(cls, job: Job, keeper: Keeper | None = None) -> Counter:
        """The counter for the families of a job."""
        return cls(job, families(job.rules.families), keeper)

    @property
    def pairing(self) -> list[Family[Any]]:
        """The families, if all of them can count several images at once from pairs; otherwise
        none.
        """
        source = self.job.predictions
        if not isinstance(source, FromReader) or source.read_pairs is None or source.resize:
            return []
        rules = self.job.rules
        able = all(family.counts_pairs(family.options(rules)) for family in self.families)
        return list(self.families) if able else []

    def several(self, positions: Sequence[int]) -> Counted:
        """Count several images with stored predictions, from pairs if possible, otherwise one by
        one.
        """
        source, pairing = self.job.predictions, self.pairing
        pairs = None
        if pairing and isinstance(source, FromReader) and source.read_pairs is not None:
            pairs = source.read_pairs([self.job.samples[position] for position in positions])
        if pairs is None:
            return joined([self.stored(position) for position in positions])
        tables: dict[str, Table] = {}
        for family in pairing:
            tables.update(
                family.count_pairs(self.job.card, pairs, np.array(positions, dtype=np.int32))
            )
        return positions, tables

    def stored(self, position: int) -> Counted:
        """Count one image with its stored prediction."""
        source = self.job.predictions
        if not isinstance(source, FromReader):
            raise UsageError("a job without a model needs a reader of its predictions")
        job, sample = self.job, self.job.samples[position]
        prediction = source.read(sample)
        self._keep(position, prediction)
        if source.resize:
            sample = replace(
                sample, truth=sample.truth.once()
            )  # read for its size and for counting
            prediction = _resized(prediction, sample)
        return (position,), count_image(
            job.card, job.rules, self.families, sample, prediction, position=position
        )

    def predicted(self, position: int, prediction: Prediction) -> Counted:
        """Count one image with the prediction that a model has made.

        Raises:
            DataError: image and ground truth have different sizes, so that no model could be right.
        """
        job, sample = self.job, self.job.samples[position]
        self._keep(position, prediction)
        try:
            counts = count_image(
                job.card, job.rules, self.families, sample, prediction, position=position
            )
        except PredictionError:
            refuse_unequal_image(sample, prediction)
            raise
        return (position,), counts

    def columns(self) -> tuple[TruthColumns, DetectionColumns] | None:
        """Ground truth and predictions of all images at once, if layout and families can do
        that.
        """
        source = self.job.predictions
        if not isinstance(source, FromReader) or source.read_columns is None:
            return None
        able = all("count_columns" in family.abilities for family in self.families)
        return source.read_columns() if able else None

    def whole(self, truth: TruthColumns, detections: DetectionColumns) -> Tables:
        """Count all images at once from their columns."""
        tables: Tables = {"done": {"image": np.arange(len(self.job.samples), dtype=np.int32)}}
        for family in self.families:
            options = family.options(self.job.rules)
            tables.update(family.count_columns(options, truth, detections))
        return tables

    def _keep(self, position: int, prediction: Prediction) -> None:
        if self.keeper is not None:
            self.keeper.add(position, prediction)


def _resized(prediction: Prediction, sample: Sample) -> Prediction:
    """A label map in the size of the ground truth, by nearest neighbours; other predictions as they
    are.
    """
    size = sample.truth.semantic().size if isinstance(prediction, LabelMap) else None
    if not isinstance(prediction, LabelMap) or size is None or prediction.size == size:
        return prediction
    planes = (prediction.ids, prediction.values)
    ids, values = (
        None if plane is None else images.resize_nearest(plane, size) for plane in planes
    )
    return LabelMap(images.resize_nearest(prediction.labels, size), ids, values=values)


def joined(counted: Sequence[Counted]) -> Counted:
    """The counts of several images or batches as one."""
    names = counted[0][1]
    positions = [position for batch, _ in counted for position in batch]
    return positions, {
        name: runs.concatenate([tables[name] for _, tables in counted]) for name in names
    }


def refuse_unequal_image(sample: Sample, prediction: Prediction) -> None:
    """Say that an image and its ground truth have different sizes, if that is the reason for an
    error.

    A model answers in the size of the image, so its predictions cannot fit such a ground truth.

    Raises:
        DataError: the sizes differ.
    """
    if isinstance(prediction, PromptedMasks):
        return  # prompted masks are made in the size of the ground truth
    truth: LabelMap | Instances | Segments
    if isinstance(prediction, LabelMap):
        truth = sample.truth.semantic()
    elif isinstance(prediction, Instances):
        truth = sample.truth.instances()
    else:
        truth = sample.truth.segments()
    if prediction.size != truth.size:
        image, ground_truth = (
            f"{height}x{width}" for height, width in (prediction.size, truth.size)
        )
        raise DataError(
            f"{sample.id}: the image is {image} pixels (height x width) and its ground truth "
            f"{ground_truth}: they belong to different images, or one of them was resized; "
            "bring both to one size"
        )
