"""A job: which images are evaluated, where their predictions come from, and by which rules they are
counted.

The description of a job names its run record: another model, file, split or rule makes another run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from bench import runs
from bench.cards import Card
from bench.families.contract.rules import Rules
from bench.formats import PredictionReader
from bench.formats.finding.grouping import key_of
from bench.models import Model
from bench.notices import Notice
from bench.samples import Sample
from bench.samples.columns import DetectionColumns, LabelPairs, SegmentPairs, TruthColumns

ColumnsReader: TypeAlias = Callable[[], tuple[TruthColumns, DetectionColumns] | None]
"""Reads ground truth and predictions of all images at once, or returns None if it cannot."""
PairsReader: TypeAlias = Callable[[Sequence[Sample]], LabelPairs | SegmentPairs | None]
"""Reads how often labels, or segments, of truth and prediction meet in the pixels of some
images.
"""

LATER = ("shown_from", "max_detections", "iou_thresholds", "area_ranges")
"""Rules that were added after the first records."""


@dataclass(frozen=True, eq=False)
class FromModel:
    """Predictions that a model makes during the run; `latency` asks for the time of single images
    too.
    """

    model: Model
    latency: bool = False


@dataclass(frozen=True, eq=False)
class FromReader:
    """Predictions that exist already, or follow from the ground truth: `read` returns that of a
    sample.

    `read_columns` and `read_pairs` are faster ways to read the same; either may return None, and
    then `read` is used. `resize` fits label maps of another size to the ground truth.
    """

    read: PredictionReader
    read_columns: ColumnsReader | None = None
    read_pairs: PairsReader | None = None
    resize: bool = False


@dataclass(frozen=True)
class FromLoop:
    """Predictions that a loop in Python has counted itself: nothing is left to read or to
    predict.
    """


Predictions: TypeAlias = FromModel | FromReader | FromLoop
"""Where the predictions of a job come from."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is evaluated: the images, where their predictions come from, and the rules.

    `identity` says which model it is and `settings` how it runs. `sources` are paths and the like:
    they do not name the run, but must be the same when it is resumed. `notices` are known before
    the first image is counted; readers may add more. `files` is the digest of all files that decide
    the counts, or None if they are not known, as with code of the user.
    """

    card: Card
    split: str
    samples: Sequence[Sample]
    name: str
    identity: dict[str, Any]
    settings: dict[str, Any]
    predictions: Predictions
    rules: Rules = field(default_factory=Rules)
    task: str = "semantic"
    save_predictions: bool = False
    sources: dict[str, Any] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    files: str | None = None

    def __repr__(self) -> str:
        """What is evaluated, on which data."""
        where = f"{self.card.title} {self.split}"
        return f"<Job {self.name} on {where}: {self.task}, {len(self.samples)} images>"

    @property
    def asked(self) -> dict[str, Any]:
        """Everything that names the run: if any of it differs, it is another run."""
        return {
            "schema": runs.SCHEMA,
            "dataset": self.card.name,
            "rules": _named(self.rules),
            "classes": list(self.card.classes.names),
            "split": self.split,
            "images": runs.digest([sample.id for sample in self.samples]),
            "model": {key: value for key, value in self.identity.items() if key != "warnings"},
            "task": self.task,
            "settings": self.settings,
            **self._values(),
        }

    def path(self, out: Path) -> Path:
        """The folder of this job's run record below the folder `out`."""
        parent = out / f"{self.card.name}-{self.split}" / _file_name(self.name)
        return parent / runs.digest(self.asked)[:12]

    def clusters(self) -> list[str]:
        """The cluster of every sample by the card's `groups`; without groups an image is its own
        cluster.
        """
        key = key_of(self.card.groups)
        return [sample.groups.get(key, sample.id) for sample in self.samples]

    def _values(self) -> dict[str, dict[str, Any]]:
        # What pixel values mean decides the counts. Cards without such a table do not mention it,
        # so that the ids of their runs stay those of earlier versions.
        values = {str(key): value for key, value in self.card.values.items()}
        return {"values": values} if values else {}


def _named(rules: Rules) -> dict[str, Any]:
    """The rules as they name a run: later ones only if they are not at their default, so that ids
    stay.
    """
    every, plain = msgspec.to_builtins(rules), msgspec.to_builtins(Rules())
    return {key: value for key, value in every.items() if key not in LATER or value != plain[key]}


def _file_name(name: str) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_.+" else "-" for letter in name)
    return safe.strip(".-") or "model"
