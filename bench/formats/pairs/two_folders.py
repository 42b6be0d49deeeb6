"""Two folders of label maps without a card: what their classes are is read from the values of both.

The truth and the predictions have the same names below their folders; suffixes may differ. Notices
say what was assumed. Files are found and read as in layout `pairs`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import images, kernels
from bench.cards import Card, Split
from bench.classes import Class, Classes
from bench.errors import DataError, PredictionError, UsageError
from bench.formats.finding import folders
from bench.formats.labels.files import LabelFiles, label_files
from bench.formats.labels.readers import PredictedLabels, TrueLabels
from bench.formats.pairs import data_set as pairs
from bench.formats.pairs.assumed_classes import WHITE, Labels, Values
from bench.images.values import LARGEST
from bench.notices import Notice
from bench.samples import Sample, Truth

SPLIT = "all"
_BY_CARD = (
    "classes in colours need a card with colors = true and their colours "
    "(datasets/README.md says how)"
)


@dataclass(frozen=True, eq=False)
class TwoFolders:
    """What was made of two folders: a card, the images, and what was assumed."""

    card: Card
    samples: Sequence[Sample]
    notices: tuple[Notice, ...]


def find(truth: Path) -> list[str]:
    """The ids of the label maps in a folder, which are their paths below it without suffix.

    Raises:
        DataError: no such folder, or no label map in it.
    """
    if not truth.is_dir():
        state = "a file" if truth.exists() else "missing"
        raise DataError(
            f"--truth {truth}: expected a folder of label maps, one for every image, but it is "
            f"{state}"
        )
    names = list(folders.files_below(truth))
    if not names:
        lossy = any(folders.files_below(truth, (".jpg", ".jpeg")))
        hint = ", but JPEGs, whose compression changes labels: store PNGs" if lossy else ""
        raise DataError(
            f"--truth {truth}: there is no label map (PNG, TIFF, BMP, GIF, WebP, NPY) in it{hint}"
        )
    return names


def read(
    truth: Path,
    predictions: Path | None,
    names: Sequence[str],
    *,
    classes: str | None = None,
    ignore: str | None = None,
) -> TwoFolders:
    """Make a data set of the label maps of these names; `predictions` is None for baselines.

    `classes` are names separated by commas, or their number; `ignore` are values that do not count.

    Raises:
        UsageError: classes or values to ignore that make no sense.
        DataError, PredictionError: files that hold no labels, or values of no class.
    """
    files = folders.files_below(truth)
    paths = [files[name] for name in names]
    predicted = [] if predictions is None else _predicted(predictions, names)
    true_values, other_values = _values(paths, DataError), _values(predicted, PredictionError)
    meant = Values(set(true_values), set(other_values), _names(classes), _ignored(ignore))
    labels = meant.labels()
    if not labels.names:
        raise UsageError(
            f"--ignore {ignore}: no class is left to score; remove the value of at least one class"
        )
    _refuse_strangers(labels, true_values, other_values)
    card = _card(truth, labels)
    coded = label_files(card)
    samples = [_sample(name, files[name], coded) for name in names]
    return TwoFolders(card, samples, tuple(labels.notices))


def _predicted(path: Path, names: Sequence[str]) -> list[Path]:
    """The files of the predictions, found as in any data set of label maps."""
    probe = Card(
        "probe",
        "the truth",
        "pairs",
        ("semantic",),
        Classes((Class(0, "class 0", 0),)),
        {SPLIT: Split()},
    )
    predictions = pairs.read_predictions(
        probe, path, "semantic", [Sample(name, Truth()) for name in names]
    )
    return (
        [predictions.paths[name] for name in names]
        if isinstance(predictions, PredictedLabels)
        else []
    )


def _values(paths: Sequence[Path], error: type[DataError | PredictionError]) -> dict[int, Path]:
    """Every value in some label maps, and the first file that holds it."""
    from concurrent.futures import ThreadPoolExecutor  # for those without a card

    def values(path: Path) -> list[int]:
        try:
            return [
                int(value)
                for value in np.flatnonzero(kernels.value_counts(images.read_labels(path)))
            ]
        except DataError as problem:
            colored = f"; {_BY_CARD}" if "colour" in str(problem) else ""
            raise error(f"{problem}{colored}") from None

    first_files: dict[int, Path] = {}
    with ThreadPoolExecutor() as pool:
        for path, values_held in zip(paths, pool.map(values, paths), strict=True):
            for value in values_held:
                first_files.setdefault(value, path)
    return first_files


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,5}", text.strip()):
        names = tuple(f"class {value}" for value in range(int(text)))
    else:
        names = tuple(name.strip() for name in text.split(","))
    if not names or not all(names) or len(set(names)) < len(names):
        raise UsageError(
            f"--classes {text}: give names separated by commas, each once, or the number of classes"
        )
    if len(names) > LARGEST:
        raise UsageError(
            f"--classes: {len(names)} classes are too many; label maps hold at most {LARGEST}"
        )
    return names


def _ignored(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if text.strip() == "none":
        return ()
    entries = [entry.strip() for entry in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,5}", entry) and int(entry) <= LARGEST for entry in entries):
        raise UsageError(
            f"--ignore {text}: give values from 0 to {LARGEST} separated by commas, or none"
        )
    return tuple(dict.fromkeys(int(entry) for entry in entries))


def _refuse_strangers(
    labels: Labels, truth: Mapping[int, Path], predicted: Mapping[int, Path]
) -> None:
    """Refuse values that no class has, which can be only where the classes were named."""
    for files, error in ((truth, DataError), (predicted, PredictionError)):
        for value, path in sorted(files.items()):
            if value not in labels:
                raise error(
                    f"{path}: the value {value} is not one of --classes (values "
                    f"{min(labels.names)} to {max(labels.names)}); add its class, or use --ignore "
                    f"{value}"
                )


def _card(truth: Path, labels: Labels) -> Card:
    """The card that describes the folders; an ignored value that is predicted becomes a label that
    is not scored.
    """
    entries = [
        Class(value, name, train_id)
        for train_id, (value, name) in enumerate(sorted(labels.names.items()))
    ]
    entries += [Class(value, f"ignored value {value}") for value in labels.missed]
    ignore = WHITE if len(labels.names) <= WHITE else LARGEST
    name = re.sub(r"[^A-Za-z0-9._-]", "-", truth.resolve().name).strip("-.") or "truth"
    described = repr((entries, labels.void, sorted(labels.values.items()))).encode()
    return Card(
        name=name,
        title=truth.resolve().name,
        layout="pairs",
        tasks=("semantic",),
        classes=Classes(tuple(entries), ignore=ignore, void=labels.void),
        splits={SPLIT: Split()},
        default_split=SPLIT,
        values=dict(labels.values),
        digest=hashlib.blake2b(described, digest_size=16).hexdigest(),
    )


def _sample(name: str, path: Path, coded: LabelFiles) -> Sample:
    return Sample(id=name, truth=Truth(TrueLabels(coded, path)), file=path.name)
