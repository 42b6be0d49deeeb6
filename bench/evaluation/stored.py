"""Jobs without a model: stored predictions in the data set's layout, and baselines made from the
ground truth.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from bench import baselines
from bench.cards import Card
from bench.classes import LabelSpace
from bench.evaluation.causes import Asked
from bench.evaluation.jobs import ColumnsReader, FromReader, Job, PairsReader
from bench.families import families
from bench.families.contract.rules import Rules
from bench.formats import HasNotices, PredictionReader, UsesFiles, layout
from bench.formats.finding import suspicions
from bench.notices import Notice
from bench.samples import Prediction, Sample


def stored_predictions(  # noqa: PLR0913 - everything that a user can say about predictions
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
    """The job of scoring the predictions at `path`, in the card's layout; `some`: only a part of
    the split.

    Raises:
        PredictionError: samples without a prediction, or files of the wrong kind.
    """
    reader = layout(card)
    rules = rules or Rules()
    asked = Asked(card, root, split, path, task, len(samples))
    find = asked.explaining(
        partial(reader.read_predictions, card, path, task, samples, space=space)
    )
    columns = _columns_reader(card, root, split, path, samples, task=task, rules=rules)
    files = _files_of(path)
    # What is read in bulk is not read a second time, one object after the other.
    read: PredictionReader = _WhenNeeded(find) if columns else find()
    warnings = suspicions.warnings_of(card, path, task, _used_by(read), files=files, space=space)
    return Job(
        card=card,
        split=split,
        samples=samples,
        name=name or path.resolve().stem,
        identity={
            "kind": "predictions",
            "folder": path.resolve().name,
            "files": _files_digest(files),
            # With a part of the split, files of its other images are expected.
            "warnings": [
                warning for warning in warnings if not (some and warning[0] == "unused-files")
            ],
        },
        settings={"label_space": space, "resize": "nearest" if resize else "no"},
        predictions=FromReader(
            read,
            read_columns=asked.explaining(columns) if columns else None,
            read_pairs=_pairs_reader(card, task, read),
            resize=resize,
        ),
        rules=rules,
        task=task,
        sources={"data": str(root.resolve()), "predictions": str(path.resolve())},
        notices=notices,
    )


def made_from_truth(  # noqa: PLR0913 - everything that a user can say about a baseline
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
    """The job of scoring a baseline such as `shuffled` or `eroded=2`, which is made from the ground
    truth.

    Raises:
        UsageError: there is no such baseline.
    """
    return Job(
        card=card,
        split=split,
        samples=samples,
        name=name or baseline,
        identity={"kind": "baseline", "baseline": baseline},
        settings={},
        predictions=FromReader(baselines.baseline(baseline, card, samples, task=task)),
        task=task,
        rules=rules or Rules(),
        sources={"data": str(root.resolve())},
        notices=notices,
    )


def notices_of(reader: object) -> tuple[Notice, ...]:
    """What a prediction reader has noticed in the stored predictions; nothing if it has no
    notices.
    """
    return reader.notices if isinstance(reader, HasNotices) else ()


def _columns_reader(
    card: Card,
    root: Path,
    split: str,
    path: Path,
    samples: Sequence[Sample],
    *,
    task: str,
    rules: Rules,
) -> ColumnsReader | None:
    """How the layout reads all objects at once, if it can."""
    reader = layout(card)
    if task != "instance" or not reader.reads_columns:
        return None
    # Masks would be drawn from boxes and then not used.
    boxes_alone = not any(family.needs_masks for family in families(rules.families))
    options = {"with_masks": False} if boxes_alone else {}
    return partial(reader.read_columns, card, root, split, path, samples, **options)


def _pairs_reader(card: Card, task: str, read: PredictionReader) -> PairsReader | None:
    """How predictions of a task are read together with their ground truth, where that is
    possible.
    """
    if task == "semantic":
        from bench.formats.labels import pairs as label_pairs

        return partial(label_pairs.read, read)
    if task == "panoptic":
        from bench.formats.coco import panoptic_pairs

        return partial(panoptic_pairs.read, card, read)
    return None


def _used_by(reader: object) -> Collection[Path]:
    """The files that a prediction reader uses, as far as it lists them."""
    return reader.used if isinstance(reader, UsesFiles) else ()


class _WhenNeeded:
    """A reader that looks for the predictions at its first call; it may be called from several
    threads.
    """

    def __init__(self, find: Callable[[], PredictionReader]) -> None:
        self._find, self._lock = find, Lock()
        self._reader: PredictionReader | None = None

    def __call__(self, sample: Sample) -> Prediction:
        with self._lock:
            if self._reader is None:
                self._reader = self._find()
        return self._reader(sample)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices of the reader, once it has been used."""
        return notices_of(self._reader)


def _files_of(path: Path) -> list[Path]:
    """The file at a path, or all files below a folder, sorted."""
    if path.is_file():
        return [path]
    return [path.joinpath(*parts) for parts in sorted(_below(str(path)))]


def _below(folder: str) -> Iterator[tuple[str, ...]]:
    """The parts of the paths of all files below a folder; with thousands of masks, `Path.rglob` is
    too slow.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from ((entry.name, *rest) for rest in _below(entry.path))
            elif entry.is_file():
                yield (entry.name,)


def _files_digest(files: Sequence[Path]) -> str:
    """Digest of names, sizes and times of the files: other predictions in the same folder are
    another run.
    """
    state = hashlib.blake2b(digest_size=16)
    for file in files:
        status = file.stat()
        state.update(f"{file.name}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return state.hexdigest()
