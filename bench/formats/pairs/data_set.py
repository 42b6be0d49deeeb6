"""Images and label PNGs matched by patterns of the card's [files] table: any data set without a
layout of its own.

`images`, `labels` and, where there are any, `instances` and `list` are paths below the root with
{split} and {id}; an id may hold "/". `labels/files.py` knows what pixel values mean; this module
knows no models and no metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from bench import images, masks
from bench.cards import Card
from bench.classes import LabelSpace
from bench.errors import DataError, PredictionError
from bench.formats import Ids, PredictionReader, Progress
from bench.formats.coco import named_results
from bench.formats.finding import folders, lists, predicted_files
from bench.formats.finding.grouping import groups_of
from bench.formats.finding.listing import with_listing
from bench.formats.finding.misplaced import nothing_found
from bench.formats.finding.patterns import Pattern
from bench.formats.labels.files import LabelFiles, label_files, palette
from bench.formats.labels.readers import PredictedLabels
from bench.formats.objects import derive
from bench.formats.pairs.files import Patterns, has_labels, sample_of_labels, sample_of_masks
from bench.images.upright import Album
from bench.samples import LabelMap, Prediction, Sample


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images of a split: those of the card's `list`, or all that have a label file,
    sorted.

    Raises:
        DataError: no label files, listed images without one, or images and labels that do not pair
            up.
    """
    files = Patterns.of(card, split)
    if ids is not None and ids != "all":
        names = lists.ids_of(ids, files.known(root), files.id_of, where="the list of image ids")
    elif ids is None and files.list is not None:
        names = _listed(root, files)
    else:
        names = _paired(card, root, files)
    missing = [name for name in names if not has_labels(root, files.labels, name)]
    if missing:
        raise DataError(
            f"{root}: {len(missing)} of {len(names)} images have no label file "
            f"({folders.first(missing)}); {files.labels.path(missing[0])} is expected; or use "
            "--ids FILE or --ids all"
        )
    lacking = [
        name for name in names if files.ignore and not (root / files.ignore.path(name)).is_file()
    ]
    if files.ignore and lacking:
        raise DataError(
            f"{root}: {len(lacking)} of {len(names)} images have no mask "
            f"({folders.first(lacking)}); {files.ignore.path(lacking[0])} is expected "
            "(files.ignore in the card)"
        )
    coded, groups, album = _label_files(card), groups_of(card.groups, names), Album()
    make = sample_of_masks if files.labels.is_wild else sample_of_labels
    samples = [
        make(name, root, files, coded, groups=groups.get(name, {}), album=album) for name in names
    ]
    # Predictions for images that --ids left out are expected: they get no warning.
    others = (
        (lambda: names)
        if ids is None
        else (lambda: [*names, *(files.labels.find(root).keys() - set(names))])
    )
    return with_listing(samples, others)


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find <id>.png for every sample as `predicted_files.py` does; other tasks as
    `named_results.py` does.

    Raises:
        PredictionError: samples without a prediction.
    """
    if task != "semantic":
        return named_results.read_predictions(card, path, task, samples)
    coded = _label_files(card)
    files = predicted_files.find(path, samples, coded.suffixes)
    return PredictedLabels(coded, files.paths, space, files.notices)


def write_truth(
    card: Card,
    root: Path,
    split: str,
    samples: Iterable[Sample],
    *,
    progress: Progress | None = None,
) -> None:
    """Write images, label files and, where the card has a pattern for them, instances and the list.

    Raises:
        DataError: void pixels in a data set that has no value for them, or files that cannot be
            written.
    """
    files, coded = Patterns.of(card, split), _label_files(card)
    names = []
    for sample in samples:
        if not files.labels.is_wild:
            _write_labels(files, coded, root, sample)
        if sample.read_image is not None:
            images.write_rgb(folders.inside(root, files.images.path(sample.id)), sample.image())
        pattern = files.labels if files.labels.is_wild else files.instances
        if pattern is not None and sample.truth.read_instances is not None:
            _write_objects(pattern, root, sample)
        names.append(sample.id)
        if progress:
            progress(1)
    if files.list is not None:
        folders.write_list(root / files.list, names)


def write_predictions(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write label maps as <id>.png, coded as the card's truth is.

    Raises:
        PredictionError: a prediction of another kind than the task's, or pixels without a class.
    """
    if task != "semantic":
        named_results.write_predictions(card, path, task, predictions)
        return
    coded = _label_files(card)
    for sample, prediction in predictions:
        if not isinstance(prediction, LabelMap):
            raise PredictionError(
                f"{sample.id}: a label map is expected, not {type(prediction).__name__}"
            )
        coded.write_prediction(folders.inside(path, f"{sample.id}.png"), prediction.labels)


def _write_labels(files: Patterns, coded: LabelFiles, root: Path, sample: Sample) -> None:
    labels = sample.truth.semantic().labels
    if files.ignore is not None:
        counts = labels != coded.classes.ignore
        images.write_labels(
            folders.inside(root, files.ignore.path(sample.id)), counts.astype(np.uint8) * 255
        )
        labels = np.where(counts, labels, 0).astype(
            labels.dtype
        )  # these pixels do not count, so any label will do
    coded.write_truth(folders.inside(root, files.labels.path(sample.id)), labels)


def _write_objects(pattern: Pattern, root: Path, sample: Sample) -> None:
    objects = sample.truth.instances()
    if not pattern.is_wild:
        drawn = derive.object_map(objects)
        path = folders.inside(root, pattern.path(sample.id))
        images.write_labels(path, drawn.astype(np.uint8 if drawn.max() <= 255 else np.uint16))
        return
    folders.inside(root, pattern.folder(sample.id)).mkdir(parents=True, exist_ok=True)
    for index, rle in enumerate(objects.rles):
        path = folders.inside(root, pattern.path(sample.id).replace("*", f"{index:04}"))
        images.write_labels(path, masks.decode(rle).astype(np.uint8) * 255)


def _listed(root: Path, files: Patterns) -> list[str]:
    """Ids of a list whose lines are ids, paths of images, or an image and its label file (as
    SegNet's).
    """
    path = root / str(files.list)
    if not path.is_file():
        raise DataError(
            f"{path}: the list of the split does not exist; use --ids FILE or --ids all"
        )
    return lists.read(path, files.known(root), files.id_of)


def _paired(card: Card, root: Path, files: Patterns) -> list[str]:
    """Every id that has a label file; images and labels must pair up where there are images at
    all.
    """
    label_paths, picture_paths = files.labels.find_files(root), files.images.find_files(root)
    # A file that fits both patterns belongs to the one that says more: "{id}_mask.png" over
    # "{id}.png".
    poorer = picture_paths if files.labels.literal > files.images.literal else label_paths
    for path in set(label_paths) & set(picture_paths):
        del poorer[path]
    labels, pictures = set(label_paths.values()), set(picture_paths.values())
    if files.labels.is_wild and labels:
        labels |= {name for name in pictures - labels if has_labels(root, files.labels, name)}
    if not labels:
        raise nothing_found(
            card, root, f"no label file matches {files.labels.text}", files.labels.begins_in
        )
    lonely_labels, lonely_pictures = sorted(labels - pictures), sorted(pictures - labels)
    problems = []
    if lonely_labels and pictures:
        problems.append(
            f"{len(lonely_labels)} label files have no image ({folders.first(lonely_labels)})"
        )
    if lonely_pictures:
        problems.append(
            f"{len(lonely_pictures)} images have no label file ({folders.first(lonely_pictures)})"
        )
    if problems:
        raise DataError(
            f"{root}: {' and '.join(problems)}; add them, or list the images to use with --ids FILE"
        )
    return sorted(labels)


def _label_files(card: Card) -> LabelFiles:
    return label_files(card, palette(card.classes, card.values))
