"""Stored predictions in the forms of the Cityscapes benchmark: label PNGs, text files with masks,
panoptic JSON.

A file belongs to an image if its name begins with the image's, anywhere below the folder, as the
official scripts have it. It knows no metrics.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import images, kernels, masks
from bench.errors import DataError, PredictionError, UnmatchedError, UsageError
from bench.formats import PredictionReader
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.finding import folders, predicted_files
from bench.formats.finding.listing import listing_of
from bench.formats.labels.files import label_files
from bench.formats.labels.readers import PredictedLabels
from bench.formats.objects import derive
from bench.images import LABEL_SUFFIXES, png
from bench.notices import Notice
from bench.samples import Instances, LabelMap, Prediction, Rle, Sample, Segments

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import LabelSpace


def read(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find predictions of a task; the function returned reads one.

    Raises:
        PredictionError: samples without a prediction or with several.
    """
    if task == "panoptic":
        return coco_panoptic.read_predictions(card, path, samples, lambda sample: sample.id)
    if task == "instance":
        return _ObjectReader(card, find(path, samples, ".txt"))
    if task != "semantic":
        raise UsageError(
            f"Cityscapes has no predictions of the task {task!r}: known are instance, "
            "panoptic, semantic"
        )
    files = find(path, samples, ".png")
    return PredictedLabels(label_files(card), files.paths, space, files.notices)


def write(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write predictions below `path` in the form of the benchmark.

    Raises:
        PredictionError: a prediction of another kind than the task's, or detections without scores.
    """
    kind = {"semantic": LabelMap, "instance": Instances, "panoptic": Segments}.get(task)
    if kind is None:
        raise UsageError(
            f"Cityscapes has no predictions of the task {task!r}: known are instance, "
            "panoptic, semantic"
        )
    checked = (_require_kind(sample, prediction, kind) for sample, prediction in predictions)
    if task == "panoptic":
        coco_panoptic.write_predictions(
            card, path, ((s.id, s.id, p) for s, p in checked if isinstance(p, Segments))
        )
        return
    for sample, prediction in checked:
        if isinstance(prediction, Instances):
            _write_instances(card, path, sample.id, prediction)
        elif isinstance(prediction, LabelMap):
            label_files(card).write_prediction(
                path / f"{sample.id}_labelIds.png", prediction.labels
            )


def find(path: Path, samples: Sequence[Sample], suffix: str) -> predicted_files.Found:
    """Find the one file of every sample whose name begins with the sample's id, anywhere below
    `path`.

    A file belongs to the longest id with which its name begins: frame 00010 is not a prediction for
    frame 0001.

    Raises:
        PredictionError: no such folder, samples without a file, or with more than one.
    """
    if not path.is_dir():
        raise PredictionError(
            f"{path}: a folder with a file <id>*{suffix} for every image is expected"
        )
    kinds = (
        (LABEL_SUFFIXES if suffix == ".png" else ())
        if not folders.files_below(path, (suffix,))
        else (suffix,)
    )
    below = sorted(folders.files_below(path, kinds).values(), key=lambda file: file.name)
    ids = {*listing_of(samples).names, *(sample.id for sample in samples)}
    files: dict[str, list[Path]] = {}
    for file in below:
        owner = id_in(file.name, ids)
        if owner is not None:
            files.setdefault(owner, []).append(file)
    several = next((sample.id for sample in samples if len(files.get(sample.id, ())) > 1), None)
    if several is not None:
        first, second, *_ = files[several]
        raise PredictionError(
            f"{path}: {several} has {len(files[several])} predictions, such as {first} and "
            f"{second}; an image has one"
        )
    missing = [sample.id for sample in samples if sample.id not in files]
    if missing:
        there = (
            f"{len(below)} files of that kind are there "
            f"({folders.first(file.name for file in below)})"
        )
        raise UnmatchedError(
            f"{path}: {len(missing)} of {len(samples)} images have no prediction "
            f"({folders.first(missing)}); {missing[0]}*{suffix} is "
            f"expected{f', and {there}' if below else folders.what_lies(path)}"
        )
    paths = {sample.id: files[sample.id][0] for sample in samples}
    return predicted_files.Found(paths, _mixed(paths))


def id_in(path: str, ids: Collection[str]) -> str | None:
    """The longest id with which the name of a file begins; no letter or digit follows it.

    >>> id_in("ulm/ulm_000001_gtFine.png", {"ulm_000001", "ulm_0000"})
    'ulm_000001'
    """
    name = path.rsplit("/", 1)[-1]
    ends = (end for end in range(len(name), 0, -1) if not name[end : end + 1].isalnum())
    return next((name[:end] for end in ends if name[:end] in ids), None)


def _mixed(paths: Mapping[str, Path]) -> tuple[Notice, ...]:
    """Whether the names end in several ways: some files may be colour images for viewing."""
    ends: dict[str, str] = {}
    for name, file in paths.items():
        ends.setdefault(file.name.removeprefix(name), file.name)
    if len(ends) < 2:
        return ()
    message = (
        f"names of predictions end in {len(ends)} ways, such as {folders.first(ends.values())}: "
        "they may not all be of one kind; keep predictions of one kind in a folder of their own"
    )
    return (Notice("mixed-names", message, "warning"),)


@dataclass(frozen=True, eq=False)
class _ObjectReader:
    """The detections of text files by sample id; called, it reads those of a sample."""

    card: Card
    found: predicted_files.Found

    def __call__(self, sample: Sample) -> Instances:
        return _instances(self.card, self.found.paths[sample.id], sample)

    @property
    def used(self) -> Collection[Path]:
        return set(self.found.paths.values())

    @property
    def notices(self) -> tuple[Notice, ...]:
        return self.found.notices


def _instances(card: Card, path: Path, sample: Sample) -> Instances:
    train_ids = {entry.id: entry.train_id for entry in card.classes.entries}
    rows: list[tuple[int, float, Rle]] = []
    for number, line in enumerate(_lines(path), start=1):
        name, label, score = _fields(line, f"{path}, line {number}")
        if label not in train_ids:
            raise PredictionError(
                f"{path}, line {number}: label {label} is not in the card {card.name}"
            )
        train_id = train_ids[label]
        mask, pixels = _mask(folders.named_below(path.parent, name))
        # Empty masks and labels that are not scored are skipped, as the official script does.
        if train_id is not None and pixels:
            rows.append((train_id, score, mask))
    size = tuple(rows[0][2]["size"]) if rows else _size(sample)
    for _, _, rle in rows:
        if tuple(rle["size"]) != size:
            raise PredictionError(
                f"{path}: masks of sizes {list(size)} and {rle['size']}; all have the image's size"
            )
    return derive.instances_from_rles(
        (size[0], size[1]),
        np.array([row[0] for row in rows], dtype=np.int64),
        [row[2] for row in rows],
        scores=np.array([row[1] for row in rows], dtype=np.float64),
    )


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionError(f"{path}: cannot be read ({error})") from None


def _fields(line: str, where: str) -> tuple[str, int, float]:
    fields = line.rsplit(maxsplit=2)
    if len(fields) != 3 or Path(fields[0]).is_absolute():
        raise PredictionError(
            f"{where}: {line!r} is not: relative path of the mask, label id, confidence"
        )
    try:
        label, score = int(fields[1]), float(fields[2])
    except ValueError:
        raise PredictionError(
            f"{where}: {line!r} needs a whole label id and a number as confidence"
        ) from None
    if not math.isfinite(score):
        raise PredictionError(f"{where}: the confidence is {score}; it must be a finite number")
    return fields[0], label, score


def _mask(path: Path) -> tuple[Rle, int]:
    """A mask and the number of its pixels."""
    if kernels.which() == "native":
        with suppress(OSError, png.PngError):  # the general reader reports what is wrong
            return png.decode_mask(path.read_bytes())
    try:
        inside = np.not_equal(images.read_labels(path), 0)
    except DataError as error:
        form = "a mask of an object is a grey PNG: 0 outside the object, another value inside"
        raise PredictionError(f"{error}; {form}" if path.is_file() else str(error)) from None
    return masks.encode(inside), int(np.count_nonzero(inside))


def _size(sample: Sample) -> tuple[int, int]:
    forms = sample.truth
    return forms.semantic().size if forms.read_semantic is not None else forms.instances().size


def _write_instances(card: Card, path: Path, name: str, instances: Instances) -> None:
    if instances.scores is None:
        raise PredictionError(f"{name}: detections are written with scores, but these have none")
    lines = []
    for index, (rle, score) in enumerate(
        zip(instances.rles, instances.scores.tolist(), strict=True)
    ):
        mask = f"masks/{name}_{index:04d}.png"
        images.write_labels(path / mask, masks.decode(rle).astype(np.uint8) * 255)
        lines.append(f"{mask} {card.classes.scored[int(instances.classes[index])].id} {score!r}\n")
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise PredictionError(
            f"{path / name}.txt: cannot be written ({error.strerror or error})"
        ) from None


def _require_kind(
    sample: Sample, prediction: Prediction, kind: type[Prediction]
) -> tuple[Sample, Prediction]:
    if not isinstance(prediction, kind):
        raise PredictionError(
            f"{sample.id}: a {kind.__name__} is expected, not {type(prediction).__name__}"
        )
    return sample, prediction
