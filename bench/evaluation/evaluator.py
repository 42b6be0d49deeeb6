"""Scores inside a training loop: counts image by image or batch by batch, merged across processes, in memory alone.

The loop hands over truth and prediction; they are counted by the very functions of `bench run`. This module knows no
model, no data set, no table for people and no significance.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import given, scoring
from bench.cards import Card, load_card
from bench.classes import Class, Classes
from bench.errors import UsageError
from bench.evaluation.choosing import rules_for
from bench.evaluation.result import Result
from bench.families import Rules, families
from bench.runs import Tables
from bench.samples import Prediction, Sample, Table, Truth

Counts = dict[str, Table]


class Evaluator:
    """Counts predictions against truth, one image or one batch at a time, and scores them with intervals.

    Images with ids are put in the order of their ids, and one that comes twice counts once: the scores depend neither
    on the order of updates nor on how images are spread over processes.

    >>> evaluator = Evaluator(["road", "car"])
    >>> evaluator.update(truth=np.array([[0, 0, 1, 1]]), prediction=np.array([[0, 1, 1, 1]]))
    >>> round(evaluator.result()["mIoU"], 4)
    0.5833
    """

    def __init__(
        self,
        classes: Card | Classes | str | Path | Sequence[str] | int,
        *,
        task: str = "semantic",
        metrics: str = "default",
        **settings: Any,
    ) -> None:
        """Take a card (or its name), a class table, names of classes, or how many there are.

        `task` is semantic, instance or panoptic; `metrics` and `settings` (`classes_in`, `interval` ...) as in
        `bench run`.

        Raises:
            UsageError: a task or metric that is unknown or does not fit.
        """
        if task not in given.TASKS:
            raise UsageError(f"the task {task!r} is none of {', '.join(given.TASKS)}")
        self.card = _card(classes, task)
        self.task = task
        self.rules: Rules = rules_for(self.card, task, metrics=metrics, **settings)
        self._named: dict[str, Counts] = {}
        self._unnamed: list[Counts] = []

    def __len__(self) -> int:
        """Number of images."""
        return len(self._named) + len(self._unnamed)

    def update(self, *, truth: Any, prediction: Any, id: Any = None) -> None:  # noqa: A002 - what people call it
        """Count one image, or a batch: (N, H, W) labels, or lists; `docs/models.md` tells the forms of each task.

        `id` is the image's id, or a list of them; arrays of NumPy and tensors of torch are taken alike.

        Raises:
            UsageError: a truth of another form, batches of unequal length, or an id that comes again with other counts.
            PredictionError: a prediction of another form or size, or with a class that is none.
        """
        truths, predictions = given.batch(truth, self.task), given.batch(prediction, self.task)
        ids = [id] if isinstance(id, str) else [None] * len(truths) if id is None else list(id)
        if not len(truths) == len(predictions) == len(ids):
            raise UsageError(f"{len(truths)} truths, {len(predictions)} predictions and {len(ids)} ids: one of each")
        for one, found, name in zip(truths, predictions, ids, strict=True):
            where = str(name) if name is not None else f"image {len(self)}"
            real: Any = given.truth(one, self.task, self.card.classes, where=where)
            form = {"semantic": "read_semantic", "instance": "read_instances", "panoptic": "read_segments"}[self.task]
            sample = Sample(where, Truth(**{form: lambda real=real: real}))
            self.add(sample, given.prediction(found, self.task, self.card.classes, where=where), named=name is not None)

    def add(self, sample: Sample, prediction: Prediction, *, named: bool = True) -> None:
        """Count one image of a data set."""
        counts: Counts = {}
        for each in families(self.rules.families):
            counts.update(each.count(self.card, self.rules, sample, prediction, 0))
        self._keep(sample.id if named else None, counts)

    def merge(self, other: Evaluator) -> Evaluator:
        """Take in what another one has counted; an image that both have counts once. Returns itself.

        Raises:
            UsageError: other classes, task or rules, or other counts for the same id.
        """
        if (self.card.classes, self.task, self.rules) != (other.card.classes, other.task, other.rules):
            raise UsageError("two evaluators of other classes, tasks or metrics cannot be merged")
        for name, counts in other._named.items():
            self._keep(name, counts)
        self._unnamed += other._unnamed
        return self

    def gather(self) -> Evaluator:
        """The merge of all ranks of torch.distributed, on every rank; itself where nothing is distributed."""
        # Who has not loaded torch is not distributed by it.
        if "torch" not in sys.modules:
            return self
        from torch import distributed

        if not (distributed.is_available() and distributed.is_initialized()):
            return self
        everyone: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(everyone, (self._named, self._unnamed))
        whole = self._empty()
        for named, unnamed in everyone:
            part = self._empty()
            part._named, part._unnamed = named, unnamed
            whole.merge(part)
        return whole

    def reset(self) -> None:
        """Forget all images."""
        self._named, self._unnamed = {}, []

    def scores(self) -> dict[str, float]:
        """Name -> value, NaN where a score is not defined."""
        return self.result().scores

    def result(self) -> Result:
        """Scores with intervals.

        Raises:
            UsageError: no image was counted.
        """
        return Result(scoring.score(self.tables(), self.card.classes, self.rules), self.card.title, len(self))

    def tables(self) -> Tables:
        """The counts as a run record holds them, images in the order of their ids, then those without one.

        Raises:
            UsageError: no image was counted.
        """
        if not len(self):
            raise UsageError("no image was counted: call update(truth=..., prediction=...) first")
        names = sorted(self._named)
        parts = [*(self._named[name] for name in names), *self._unnamed]
        ids = np.array([*names, *(f"image-{number:08d}" for number in range(len(self._unnamed)))])
        found: Tables = {"images": {"id": ids, "cluster": ids}}
        for table in parts[0]:
            rows = [len(part[table]["image"]) for part in parts]
            columns = {name: np.concatenate([part[table][name] for part in parts]) for name in parts[0][table]}
            positions = np.repeat(np.arange(len(parts)), rows).astype(columns["image"].dtype)
            found[table] = {**columns, "image": positions}
        return found

    def _keep(self, name: str | None, counts: Counts) -> None:
        if name is None:
            self._unnamed.append(counts)
        elif _same(self._named.setdefault(name, counts), counts):
            return
        else:
            raise UsageError(f"the image {name!r} comes twice, with other counts: give each image an id of its own")

    def _empty(self) -> Evaluator:
        found = object.__new__(Evaluator)
        found.__dict__.update(self.__dict__, _named={}, _unnamed=[])
        return found


def _card(classes: Card | Classes | str | Path | Sequence[str] | int, task: str) -> Card:
    if isinstance(classes, Card):
        return classes
    if isinstance(classes, str | Path):
        return load_card(classes)
    if isinstance(classes, int):
        classes = [f"class {number}" for number in range(classes)]
    if not isinstance(classes, Classes):
        # Nobody said which classes are countable: objects are things wherever there are objects.
        thing = task == "instance"
        classes = Classes(tuple(Class(n, name, n, thing=thing) for n, name in enumerate(classes)))
    return Card(name="own", title="own data", layout="pairs", tasks=(task,), classes=classes, splits={})


def _same(one: Mapping[str, Table], other: Mapping[str, Table]) -> bool:
    return all(
        np.array_equal(column, other[table][name], equal_nan=column.dtype.kind == "f")
        for table, columns in one.items()
        for name, column in columns.items()
    )
