"""Scores inside a training loop: count image by image or batch by batch, in memory, and merge
processes.

The loop passes ground truth and predictions, which are counted by the same functions as in `bench
run`. This module knows neither models nor files.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench import inputs, scoring
from bench.argument_names import for_python
from bench.classes import LABEL_SPACES, LabelSpace
from bench.errors import InputError, UsageError, did_you_mean
from bench.evaluation import class_tables, updates
from bench.evaluation.choosing import rules_for
from bench.evaluation.image_counter import ImageCounter
from bench.evaluation.naming import image_id
from bench.evaluation.raw import RawFiles, values_of
from bench.evaluation.result import Result
from bench.evaluation.rule_options import (
    AreaFrom,
    AreaRanges,
    BoundaryMode,
    ClassesIn,
    Crop0,
    IntervalMethod,
    IouThresholds,
    MaxDetections,
    Metrics,
    VocForm,
    given,
)
from bench.evaluation.tallies import Tallies
from bench.families.contract.rules import Rules, Source
from bench.notices import Notice
from bench.runs import Tables
from bench.samples import Sample
from bench.scoring.selecting import selected

if TYPE_CHECKING:
    from bench.runs import Run


class Evaluator:
    """Counts predictions against truth, one image or one batch at a time, and scores them with
    intervals.

    Images with ids are put in the order of their ids, and one that comes twice counts once: the
    scores depend neither on the order of updates nor on how images are spread over processes.

    >>> import numpy as np
    >>> evaluator = Evaluator(["road", "car"])
    >>> evaluator.update(truth=np.array([[0, 0, 1, 1]]), prediction=np.array([[0, 1, 1, 1]]))
    >>> round(evaluator.result()["mIoU"], 4)
    0.5833
    """

    @for_python
    def __init__(  # noqa: PLR0913 - everything that a caller can choose
        self,
        classes: class_tables.ClassesLike,
        *,
        task: str = "semantic",
        metrics: Metrics = "default",
        ignore: int | Sequence[int] | None = None,
        label_space: LabelSpace = "train-ids",
        groups: str | None = None,
        regions: str | None = None,
        crop0: Crop0 | None = None,
        boundary_ratio: float | None = None,
        boundary_mode: BoundaryMode | None = None,
        classes_in: ClassesIn | None = None,
        area_from: AreaFrom | None = None,
        voc_form: VocForm | None = None,
        shown_from: float | None = None,
        max_detections: MaxDetections | None = None,
        iou_thresholds: IouThresholds | None = None,
        area_ranges: AreaRanges | None = None,
        interval: IntervalMethod | None = None,
    ) -> None:
        """Take a card (or its name), a class table, names of classes, or how many there are.

        `task` is semantic, instance or panoptic; `metrics` and `settings` (`classes_in`, `interval`
        ...) as in `bench run`. `ignore` are values of true label maps that do not count, such as
        -100 (by default, those of the card); `label_space` says whether labels are train ids, 0 to
        C-1, or the ids of the card; `groups` is the rule by which ids of images belong together (by
        default, that of the card).

        Raises:
            UsageError: classes, a task, metric or setting that is unknown or does not fit.
        """
        settings = given(
            regions=regions,
            crop0=crop0,
            boundary_ratio=boundary_ratio,
            boundary_mode=boundary_mode,
            classes_in=classes_in,
            area_from=area_from,
            voc_form=voc_form,
            shown_from=shown_from,
            max_detections=max_detections,
            iou_thresholds=iou_thresholds,
            area_ranges=area_ranges,
            interval=interval,
        )
        if task not in inputs.TASKS:
            raise UsageError(f"--task must be one of {', '.join(inputs.TASKS)}, got {task!r}")
        if label_space not in LABEL_SPACES:
            hint = did_you_mean(str(label_space), LABEL_SPACES)
            raise UsageError(f"label_space={label_space!r}: {hint}")
        self.card = class_tables.card_of(classes, task, groups=groups)
        self.task = task
        self.rules: Rules = rules_for(self.card, task, metrics=metrics, **settings)
        self.reading = inputs.Reading(
            label_space,
            values_of(ignore, task),
            RawFiles.of(self.card) if task == "semantic" and label_space == "ids" else None,
            open=True,
        )
        self._metrics = metrics.split(",") if isinstance(metrics, str) else tuple(metrics)
        self._counter = ImageCounter(
            self.card,
            task,
            self.rules,
            self.reading,
            # Groups of metrics keep what can be counted; metrics chosen by name are all needed.
            may_drop=metrics in ("default", "all"),
        )
        self.tallies = Tallies(self.card.layout)
        self._gathered = False

    def __len__(self) -> int:
        """Number of images."""
        return len(self.tallies)

    def __repr__(self) -> str:
        """What is counted, and of how many images."""
        many = f"{len(self)} image{'s' * (len(self) != 1)}"
        return (
            f"<Evaluator of {self.card.title}: {self.task}, {len(self.card.classes)} "
            f"classes, {many}>"
        )

    @for_python
    def update(
        self,
        *,
        truth: Any,
        prediction: Any,
        id: Any = None,  # noqa: A002 - what people call it
        cluster: Any = None,
        size: inputs.Size | None = None,
    ) -> None:
        """Count one image or a batch: (N, H, W) labels, or lists; `docs/python.md` lists the forms
        of each task.

        Args:
            truth: the ground truth, as NumPy arrays, torch tensors, lists or dicts.
            prediction: the prediction, in the same forms.
            id: the id of the image, or a list of ids.
            cluster: the patient, video or place of the image, or a list of them; without it the
                card's rule reads it from the ids.
            size: (height, width) of the images, needed only for polygons of the ground truth.

        Raises:
            UsageError: a wrong form of ground truth, batches of unequal length, or an id that comes
                again with other counts.
            PredictionError: a wrong form or size of a prediction, or an unknown class.
        """
        ids, size = updates.listed(id), updates.sides(size)
        clusters = updates.listed(cluster)
        try:
            images = updates.images(truth, prediction, ids, clusters, task=self.task)
        except InputError as error:
            raise UsageError(f"image {len(self)}: {error}") from None
        for image in images:
            self._count(*image, size)

    @for_python
    def add(self, sample: Sample, prediction: Any, *, named: bool = True) -> None:
        """Count one image of a data set that `bench.open_data` returned, with the cluster of the
        data set.

        Raises:
            PredictionError: a wrong form or size of a prediction, or an unknown class.
        """
        self._count(sample, prediction, sample.id if named else None, None, None)

    @for_python
    def merge(self, other: Evaluator) -> Evaluator:
        """Add the images of another evaluator and return this one; an image in both counts once.

        Raises:
            UsageError: other classes, task or rules, or other counts for the same id.
        """
        if not isinstance(other, Evaluator):
            raise UsageError(f"other must be an Evaluator, got {type(other).__name__}")
        if (self.card.classes, self.task, self.rules) != (
            other.card.classes,
            other.task,
            other.rules,
        ):
            raise UsageError("evaluators of different classes, tasks or metrics cannot be merged")
        self.tallies.merge(other.tallies)
        return self

    def gather(self) -> Evaluator:
        """The merged evaluator of all ranks of torch.distributed, on every rank; itself in a single
        process.
        """
        # Without torch loaded there are no ranks.
        if "torch" not in sys.modules:
            return self
        from torch import distributed

        if not (distributed.is_available() and distributed.is_initialized()):
            return self
        of_ranks: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(of_ranks, self.tallies)
        whole = object.__new__(Evaluator)
        whole.__dict__.update(self.__dict__, tallies=Tallies(self.card.layout), _gathered=True)
        for tallies in of_ranks:
            whole.tallies.merge(tallies)
        return whole

    def reset(self) -> None:
        """Forget all images."""
        self.tallies = Tallies(self.card.layout)

    def scores(self) -> dict[str, float]:
        """Name -> value, NaN if a score is not defined.

        Raises:
            UsageError: no image was counted.
        """
        return self.result().scores

    def compute(self) -> dict[str, float]:
        """The same as `scores`, under the name that other libraries use for it."""
        return self.scores()

    @for_python
    def result(self) -> Result:
        """Scores with intervals.

        Raises:
            UsageError: no image was counted.
        """
        tables = self.tables()
        source = Source(kind="loop", space=self.reading.space)
        scored = scoring.score(tables, self.card.classes, self.counted, source=source)
        notices = [*scored.warnings, *self.notices(tables)]
        names = selected(self.counted, self._metrics)
        return Result(replace(scored, warnings=notices), self.card.title, len(self), selected=names)

    @for_python
    def save(
        self,
        out: str | Path = "runs",
        *,
        name: str,
        split: str | None = None,
        model: str | Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> Run:
        """Write a run record below the folder `out`, as `bench run` does, and return it.

        `name` is the name in tables; `model` says which model it was (a text, or a dict such as
        architecture, weights and epoch) and `settings` how it ran; both are shown and name the
        record. A record of the same name with other counts is replaced only with `overwrite`. After
        `gather` only rank 0 writes.

        Raises:
            UsageError: no image was counted, or an argument of another type.
            RunError: there is such a record with other counts.
        """
        from bench.evaluation import saving

        about = saving.About(name, split, model, settings)
        return saving.save(
            self,
            Path(out),
            about,
            overwrite=overwrite,
            write=saving.writes(gathered=self._gathered),
        )

    @for_python
    def tables(self) -> Tables:
        """The counts in the form of a run record, images in the order of their ids, then those
        without one.

        Raises:
            UsageError: no image was counted.
        """
        if not len(self):
            raise UsageError("no image was counted: call update(truth=..., prediction=...) first")
        return self.tallies.tables(self.tallies.clusters(self.card.groups))

    @property
    def counted(self) -> Rules:
        """The rules with only the families for which all images were counted."""
        kept = [set(self._counter.families(form)) for form in self.tallies.handed]
        common = set(self.rules.families).intersection(*kept)
        return msgspec.structs.replace(
            self.rules, families=tuple(name for name in self.rules.families if name in common)
        )

    def _count(
        self, truth: Any, prediction: Any, name: Any, cluster: Any, size: inputs.Size | None
    ) -> None:
        where = image_id(str(name), self.card) if name is not None else f"image {len(self)}"
        tally = self._counter.tally(
            truth,
            prediction,
            where=where,
            cluster=cluster,
            size=size,
            before=self.tallies.handed,
        )
        self.tallies.keep(None if name is None else where, tally)

    def notices(self, tables: Tables) -> list[Notice]:
        """Notices about metrics that could not be counted, and intervals that are too narrow."""
        left_out = [name for name in self.rules.families if name not in self.counted.families]
        return updates.notices(
            self.card, self.rules, tables, left_out, boxes_alone="boxes" in self.tallies.handed
        )
