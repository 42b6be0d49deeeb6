"""What a loop has counted, as a run record that `bench show`, `compare`, `check` and boards take.

The record says what the record of `bench eval` says of the same images: the same digests of rules and truth, so that
the two can be compared.
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
"""What a record says its model is: predictions that a loop handed over."""
GIVEN = "given"
"""What a record calls clusters that the loop gave itself, where the card has no rule."""


@dataclass(frozen=True)
class About:
    """What a person says of a run: the name of its row, the split, the model, and how it ran."""

    name: str
    split: str | None = None
    model: str | Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what a record cannot hold.

        Raises:
            UsageError: the first such argument.
        """
        for what, word, needed in (("name", self.name, True), ("split", self.split, False)):
            if (needed or word is not None) and (not isinstance(word, str) or not word.strip()):
                raise UsageError(f"{what}={word!r}: a name is needed")
        for what, value in (("model", self.model), ("settings", self.settings)):
            if isinstance(value, str) and what == "model":
                continue
            if value is not None and not isinstance(value, Mapping):
                raise UsageError(f"{what}={value!r}: a dict is needed{' or a word' if what == 'model' else ''}")
            try:
                msgspec.json.encode(value)
            except TypeError as error:
                raise UsageError(f"{what}: numbers, words and lists are needed, as JSON has them ({error})") from None

    @property
    def identity(self) -> dict[str, Any]:
        """Which model it was."""
        if isinstance(self.model, Mapping):
            return {"kind": KIND, "model": self.name, **self.model}
        return {"kind": KIND, "model": self.model or self.name}


def save(evaluator: Evaluator, out: Path, about: About, *, overwrite: bool, write: bool = True) -> Run:
    """Write the record below `out`, unless another process does (`write`), and return it.

    Raises:
        RunError: there is one with other counts, and nobody said to overwrite it.
    """
    if out.expanduser().is_file():
        raise UsageError(f"out={str(out)!r}: this is a file; run records are written into a folder, new or old")
    run = record(evaluator, about, out.expanduser())
    if write:
        with runs.writing(run.path, run.tables, overwrite=overwrite) as finish:
            run = finish(run.record)
    return run


def record(evaluator: Evaluator, about: About, out: Path) -> Run:
    """The record, unwritten.

    Raises:
        UsageError: no image was counted.
        CardError: the card has no such split.
    """
    tables = evaluator.tables()
    clustered = any(tally.cluster is not None for tally in evaluator.tallies.all)
    card = replace(evaluator.card, groups=GIVEN) if clustered and evaluator.card.groups == "none" else evaluator.card
    split = about.split or card.default_split
    if card.splits:
        card.split(split)
    job = Job(
        card=card,
        split=split,
        samples=_samples(tables, key_of(card.groups)),
        name=about.name,
        identity=about.identity,
        settings=({"label_space": "ids"} if evaluator.reading.space == "ids" else {}) | dict(about.settings or {}),
        predictions=FromLoop(),
        rules=evaluator.counted,
        task=evaluator.task,
        notices=(*evaluator.notices(tables), *_notices(card, split, len(evaluator))),
    )
    return recording.record(job, tables, {"images_counted": len(evaluator)}, job.path(out))


def writes(*, gathered: bool) -> bool:
    """Whether this process writes: after a gathering, which all ranks share, the first alone."""
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
