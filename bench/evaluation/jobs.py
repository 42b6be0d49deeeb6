"""A job: which images, where the predictions come from, and under which rules they are counted.

What a job asks names its run record: another model, file, split or rule is another run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from bench import baselines, runs
from bench.cards import Card
from bench.classes import LabelSpace
from bench.evaluation.causes import Asked
from bench.families import Rules
from bench.formats import HasNotices, PredictionReader, UsesFiles, layout
from bench.formats.finding import suspicions
from bench.formats.finding.grouping import key_of
from bench.models import Model
from bench.notices import Notice
from bench.samples import Prediction, Sample
from bench.samples.columns import DetectionColumns, LabelPairs, SegmentPairs, TruthColumns

PairsReader = Callable[[Sequence[Sample]], LabelPairs | SegmentPairs | None]

LATER = ("shown_from", "max_detections", "iou_thresholds", "area_ranges")
"""Rules that came after the first records."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is evaluated: the images, where predictions come from, and the rules.

    Exactly one of `model` and `read_prediction` is given. Where there is such a way, `read_columns` brings truth and
    predictions of all images in one piece, and `read_pairs` what labels or segments of some images share; either may
    answer with None. `latency` asks for the time of single predictions too. `sources` are paths and the like: they must
    agree when a run is resumed, and do not name it. `notices` are known before the first image is counted; readers may
    add more (`notices` of a prediction reader and of columns). `files` is the digest of all files that decide counts
    beside what is asked; None where nobody can tell which these are.
    """

    card: Card
    split: str
    samples: Sequence[Sample]
    name: str
    identity: dict[str, Any]
    settings: dict[str, Any]
    model: Model | None = None
    read_prediction: PredictionReader | None = None
    read_columns: Callable[[], tuple[TruthColumns, DetectionColumns] | None] | None = None
    read_pairs: PairsReader | None = None
    rules: Rules = field(default_factory=Rules)
    task: str = "semantic"
    resize: bool = False
    save_predictions: bool = False
    latency: bool = False
    sources: dict[str, Any] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    files: str | None = None

    def __repr__(self) -> str:
        """What is evaluated, on what."""
        return f"<Job {self.name} on {self.card.title} {self.split}: {self.task}, {len(self.samples)} images>"

    @property
    def asked(self) -> dict[str, Any]:
        """What names the question: another answer to any of these makes it another run."""
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
            # What pixels mean is part of the question; without such a table ids stay those of earlier versions.
            **({"values": {str(key): value for key, value in self.card.values.items()}} if self.card.values else {}),
        }

    def path(self, out: Path) -> Path:
        """Where the record of this job lies below the folder `out`."""
        return out / f"{self.card.name}-{self.split}" / _file_name(self.name) / runs.digest(self.asked)[:12]

    def clusters(self) -> list[str]:
        """The cluster of every sample, as the card's `groups` says; without groups each image stands for itself."""
        key = key_of(self.card.groups)
        return [sample.groups.get(key, sample.id) for sample in self.samples]


def stored_predictions(  # noqa: PLR0913 - what a person can say of predictions
    card: Card,
    split: str,
    samples: Sequence[Sample],
    path: Path,
    *,
    root: Path,
    task: str = "semantic",
    space: LabelSpace = "ids",
    resize: bool = False,
    rules: Rules | None = None,
    name: str | None = None,
    some: bool = False,
    notices: tuple[Notice, ...] = (),
) -> Job:
    """The job of scoring predictions that lie at `path`, in the card's layout; `some` of a split's samples, or all.

    Raises:
        PredictionError: samples without a prediction, or files of the wrong kind.
    """
    reader = layout(card)
    asked = Asked(card, root, split, path, task, len(samples))
    find = asked.explaining(partial(reader.read_predictions, card, path, task, samples, space=space))
    in_bulk = getattr(reader, "read_columns", None) if task == "instance" else None
    # Masks of results that hold boxes alone would have to be drawn, for nobody to look at.
    without_masks = {"with_masks": False} if rules is not None and rules.families == ("boxes",) else {}
    whole = partial(in_bulk, card, root, split, path, samples, **without_masks) if in_bulk else None
    files = _files_of(path)
    # What is read in bulk is not read twice, one object at a time.
    read = _WhenNeeded(find) if in_bulk else find()
    used = _used_by(read)
    warnings = suspicions.warnings_of(card, path, task, used, files=files, space=space)
    return Job(
        card=card,
        split=split,
        samples=samples,
        name=name or path.resolve().stem,
        identity={
            "kind": "predictions",
            "folder": path.resolve().name,
            "files": _files_digest(files),
            # Of some images of a split, files of the others are no surprise.
            "warnings": [each for each in warnings if not (some and each[0] == "unused-files")],
        },
        settings={"label_space": space, "resize": "nearest" if resize else "no"},
        task=task,
        read_prediction=read,
        read_columns=asked.explaining(whole) if whole else None,
        read_pairs=_pairs_reader(card, task, read),
        rules=rules or Rules(),
        resize=resize,
        sources={"data": str(root.resolve()), "predictions": str(path.resolve())},
        notices=notices,
    )


def _pairs_reader(card: Card, task: str, read: PredictionReader) -> PairsReader | None:
    """How predictions of a task are read together with their truth, where that is possible."""
    if task == "semantic":
        from bench.formats.labels import pairs as label_pairs

        return partial(label_pairs.read, read)
    if task == "panoptic":
        from bench.formats.coco import panoptic_pairs

        return partial(panoptic_pairs.read, card, read)
    return None


def _used_by(reader: object) -> Collection[Path]:
    """The files that a prediction reader reads; none where it does not say."""
    return reader.used if isinstance(reader, UsesFiles) else ()


class _WhenNeeded:
    """A reader that finds the predictions when the first of them is asked for; several threads may ask."""

    def __init__(self, find: Callable[[], PredictionReader]) -> None:
        self._find, self._lock, self._found = find, Lock(), list[PredictionReader]()

    def __call__(self, sample: Sample) -> Prediction:
        with self._lock:
            if not self._found:
                self._found.append(self._find())
        return self._found[0](sample)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the reader found odd, once it has been asked."""
        return tuple(notice for reader in self._found for notice in notices_of(reader))


def notices_of(reader: object) -> tuple[Notice, ...]:
    """What a prediction reader found odd in the stored predictions; nothing where it does not say, or is None."""
    return reader.notices if isinstance(reader, HasNotices) else ()


def made_from_truth(  # noqa: PLR0913 - what a person can say of a baseline
    card: Card,
    split: str,
    samples: Sequence[Sample],
    baseline: str,
    *,
    root: Path,
    task: str = "semantic",
    rules: Rules | None = None,
    name: str | None = None,
    notices: tuple[Notice, ...] = (),
) -> Job:
    """The job of scoring a baseline, which is made from the truth.

    Raises:
        UsageError: no such baseline.
    """
    return Job(
        card=card,
        split=split,
        samples=samples,
        name=name or baseline,
        identity={"kind": "baseline", "baseline": baseline},
        settings={},
        read_prediction=baselines.baseline(baseline, card, samples, task=task),
        task=task,
        rules=rules or Rules(),
        sources={"data": str(root.resolve())},
        notices=notices,
    )


def _named(rules: Rules) -> dict[str, Any]:
    """The rules as they name a run: those that came later only where they are not at their default, so ids stay."""
    every, plain = msgspec.to_builtins(rules), msgspec.to_builtins(Rules())
    return {key: value for key, value in every.items() if key not in LATER or value != plain[key]}


def _files_of(path: Path) -> list[Path]:
    """The file at a path, or all files below a folder, sorted."""
    return [path] if path.is_file() else [path.joinpath(*parts) for parts in sorted(_below(str(path)))]


def _below(folder: str) -> Iterator[tuple[str, ...]]:
    """The files below a folder by the parts of their paths; a path for each of a thousand masks takes too long."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from ((entry.name, *rest) for rest in _below(entry.path))
            elif entry.is_file():
                yield (entry.name,)


def _files_digest(files: Sequence[Path]) -> str:
    """Digest of the names, sizes and times of the files: other predictions in the same folder are another run."""
    state = hashlib.blake2b(digest_size=16)
    for file in files:
        status = file.stat()
        state.update(f"{file.name}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_.+" else "-" for letter in name).strip(".-") or "model"
