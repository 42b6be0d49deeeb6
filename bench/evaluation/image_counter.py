"""From the truth and the prediction of one image, as a loop passes them, to its counts."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bench import inputs
from bench.cards import Card
from bench.errors import UsageError
from bench.evaluation import updates
from bench.evaluation.countable import countable
from bench.evaluation.counting import count_image
from bench.evaluation.tallies import Handed, Tally
from bench.families import families
from bench.families.contract.rules import Rules
from bench.formats.finding.grouping import key_of
from bench.samples import Prediction, Sample, Table, Truth

_READ = {"semantic": "read_semantic", "instance": "read_instances", "panoptic": "read_segments"}
"""The field of `Truth` that reads the ground truth of a task."""


@dataclass(frozen=True, eq=False)
class ImageCounter:
    """Counts single images by the rules of an evaluator.

    With `may_drop`, metric families that cannot be counted from what the loop passed are left out;
    otherwise the user chose them by name, and they are an error.
    """

    card: Card
    task: str
    rules: Rules
    reading: inputs.Reading
    may_drop: bool

    def tally(
        self,
        truth: Any,
        prediction: Any,
        *,
        where: str,
        cluster: Any,
        size: inputs.Size | None,
        before: AbstractSet[Handed],
    ) -> Tally:
        """The counts of one image with its cluster.

        `where` names the image in messages; `size` is (height, width) if the loop passed it;
        `before` is what the images so far were made of.

        Raises:
            UsageError: a wrong form of ground truth, or another form than that of images before.
            PredictionError: a wrong form or size of a prediction, or an unknown class.
        """
        if isinstance(truth, Sample | Truth):
            sample = truth if isinstance(truth, Sample) else Sample(where, truth)
            # The size, the check and every family need the truth: its files are read only once.
            sample = replace(sample, truth=sample.truth.once())
            made = self._prediction(prediction, where, self._truth_of(sample).size)
            handed: Handed = "whole"
            if cluster is None and self.card.groups != "none":
                cluster = sample.groups.get(key_of(self.card.groups))
        else:
            sample, made, handed = self._from_arrays(truth, prediction, where, size)
        counts = self._counts(sample, made, handed, before)
        return Tally(counts, handed, None if cluster is None else str(cluster))

    def families(self, handed: Handed) -> tuple[str, ...]:
        """The families that can be counted from what the loop passed.

        Raises:
            UsageError: a metric that was chosen by name cannot be counted.
        """
        return countable(self.rules.families, handed, may_drop=self.may_drop)

    def _truth_of(self, sample: Sample) -> Any:
        """The ground truth for the task: a label map, instances or segments."""
        return getattr(sample.truth, _READ[self.task].removeprefix("read_"))()

    def _from_arrays(
        self, truth: Any, prediction: Any, where: str, size: inputs.Size | None
    ) -> tuple[Sample, Any, Handed]:
        """A sample whose truth is already in memory, the prediction, and what both are made of."""
        if size is None and self.task == "instance":
            # Polygons of the truth have no size of their own; masks of the prediction have one.
            size = inputs.size_of(prediction)
        real: Any = inputs.truth(
            truth, self.task, self.card.classes, where=where, size=size, reading=self.reading
        )
        made: Any = self._prediction(prediction, where, real.size)
        handed = updates.handed_as(real, made)
        if handed == "boxes":
            # One side has boxes only, so masks of the other side have nothing to overlap with.
            real, made = inputs.without_masks(real), inputs.without_masks(made)
        return Sample(where, Truth(**{_READ[self.task]: lambda: real})), made, handed

    def _prediction(self, prediction: Any, where: str, size: inputs.Size) -> Any:
        return inputs.prediction(
            prediction,
            self.task,
            self.card.classes,
            where=where,
            size=size,
            against="the truth",
            reading=self.reading,
        )

    def _counts(
        self, sample: Sample, prediction: Prediction, handed: Handed, before: AbstractSet[Handed]
    ) -> dict[str, Table]:
        """The tables of the families that can be counted, which must be the same for all images.

        Images without objects fit every family, so they contradict no other image.
        """
        wanted = self.families(handed)
        wanted_before = {self.families(form) for form in before - {"nothing"}}
        if handed != "nothing" and wanted_before - {wanted}:
            raise UsageError(f"{sample.id}: {updates.other_than_before(handed, before)}")
        rules = msgspec.structs.replace(self.rules, families=wanted)
        return count_image(self.card, rules, families(wanted), sample, prediction)
