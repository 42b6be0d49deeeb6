"""The counts of a loop as a run record, for `bench show`, `compare`, `check` and boards.

For the same images it has the same digests of rules and ground truth as the record of `bench eval`,
so that the two can be compared.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench import runs
from bench.errors import UsageError
from bench.evaluation import recording
from bench.evaluation.jobs import FromLoop, Job
from bench.formats.finding.grouping import key_of
from bench.notices import Notice
from bench.runs import Run, Tables
from bench.samples import Sample, Truth

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.evaluation.evaluator import Evaluator

KIND = "loop"
"""The kind of model in such a record: predictions that a loop passed."""
GIVEN = "given"
"""What a record calls clusters that the loop passed, if the card has no rule."""


@dataclass(frozen=True)
class About:
    """What the user says about a run: its name in tables, the split, the model, and how it ran."""

    name: str
    split: str | None = None
    model: str | Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what a record cannot hold.

        Raises:
            UsageError: the first such argument.
        """
        for argument, text, needed in (("name", self.name, True), ("split", self.split, False)):
            if (needed or text is not None) and (not isinstance(text, str) or not text.strip()):
                raise UsageError(f"{argument} must be a name, got {text!r}")
        for argument, value in (("model", self.model), ("settings", self.settings)):
            if isinstance(value, str) and argument == "model":
                continue
            if value is not None and not isinstance(value, Mapping):
                either = "a dict or a text" if argument == "model" else "a dict"
                raise UsageError(f"{argument} must be {either}, got {value!r}")
            try:
                msgspec.json.encode(value)
            except TypeError as error:
                raise UsageError(
                    f"{argument} must hold only what JSON can hold: numbers, texts, lists ({error})"
                ) from None

    @property
    def identity(self) -> dict[str, Any]:
        """Which model it was."""
        if isinstance(self.model, Mapping):
            return {"kind": KIND, "model": self.name, **self.model}
        return {"kind": KIND, "model": self.model or self.name}


def save(
    evaluator: Evaluator, out: Path, about: About, *, overwrite: bool, write: bool = True
) -> Run:
    """Write the record below `out`, unless another process does (`write`), and return it.

    Raises:
        RunError: there is a record with other counts, and `overwrite` is not set.
    """
    if out.expanduser().is_file():
        raise UsageError(f"out must be a folder for run records, and {str(out)!r} is a file")
    run = record(evaluator, about, out.expanduser())
    if write:
        with runs.writing(run.path, run.tables, overwrite=overwrite) as finish:
            run = finish(run.record)
    return run


def record(evaluator: Evaluator, about: About, out: Path) -> Run:
    """The record, not written yet.

    Raises:
        UsageError: no image was counted.
        CardError: the card has no such split.
    """
    tables = evaluator.tables()
    clustered = any(tally.cluster is not None for tally in evaluator.tallies.all)
    card = (
        replace(evaluator.card, groups=GIVEN)
        if clustered and evaluator.card.groups == "none"
        else evaluator.card
    )
    split = about.split or card.default_split
    if card.splits:
        card.split(split)
    job = Job(
        card=card,
        split=split,
        samples=_samples(tables, key_of(card.groups)),
        name=about.name,
        identity=about.identity,
        settings=({"label_space": "ids"} if evaluator.reading.space == "ids" else {})
        | dict(about.settings or {}),
        predictions=FromLoop(),
        rules=evaluator.counted,
        task=evaluator.task,
        notices=(*evaluator.notices(tables), *_notices(card, split, len(evaluator))),
    )
    return recording.record(job, tables, {"images_counted": len(evaluator)}, job.path(out))


def writes(*, gathered: bool) -> bool:
    """Whether this process writes: after `gather`, which all ranks share, only rank 0."""
    if not gathered or "torch" not in sys.modules:
        return True
    from torch import distributed

    return not distributed.is_initialized() or distributed.get_rank() == 0


def _samples(tables: Tables, key: str) -> list[Sample]:
    pairs = zip(tables["images"]["id"].tolist(), tables["images"]["cluster"].tolist(), strict=True)
    return [Sample(name, Truth(), groups={key: cluster}) for name, cluster in pairs]


def _notices(card: Card, split: str, count: int) -> list[Notice]:
    listed = card.splits[split].images if card.splits else None
    if listed is None or listed == count:
        return []
    what = f"{count} images were counted, and the split {split!r} of {card.title} has {listed}"
    return [Notice("split-images", f"{what}, so these are not the scores of that split", "warning")]
