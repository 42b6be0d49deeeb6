"""PASCAL VOC: JPEGImages, SegmentationClass and SegmentationObject as palette PNGs,
ImageSets/Segmentation/<split>.txt.

`files.py` has the meaning of pixels; this module knows no models and no metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bench import images
from bench.cards import Card
from bench.classes import Classes, LabelSpace
from bench.errors import DataError, PredictionError
from bench.formats import Ids, PredictionReader, Progress
from bench.formats.coco import named_results
from bench.formats.finding import folders, lists, predicted_files
from bench.formats.finding.grouping import groups_of
from bench.formats.finding.listing import with_listing
from bench.formats.finding.misplaced import nothing_found
from bench.formats.labels.files import label_files
from bench.formats.labels.readers import PredictedLabels
from bench.formats.objects import derive
from bench.formats.voc.files import CLASSES, LARGEST, OBJECTS, TruthFiles
from bench.images.upright import Album, Picture
from bench.samples import Array, Instances, LabelMap, Prediction, Sample, Truth

PICTURES, LISTS = "JPEGImages", "ImageSets/Segmentation"
_SUBMISSION = "comp[56]_*_cls"
"""Folders of a submission: results/VOC2012/Segmentation/comp6_val_cls/<id>.png."""


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images of a split in the order of its list; `root` is any folder of the download
    down to VOC2012.

    Raises:
        DataError: no folder with VOC's structure, no split list, or listed images without a truth
            file.
    """
    base = find_base(card, root)
    truth_files = folders.files_below(base / CLASSES, (".png",))
    names = _choose(card, base, split, ids, list(truth_files))
    missing = [name for name in names if name not in truth_files]
    if missing:
        raise DataError(
            f"{base / CLASSES}: {len(missing)} of {len(names)} images have no truth "
            f"({folders.first(missing)}); list the images that have one with --ids FILE, or use "
            "all with --ids all"
        )
    pictures = folders.files_below(base / PICTURES, images.IMAGE_SUFFIXES)
    object_files = folders.files_below(base / OBJECTS, (".png",))
    coded, groups = label_files(card, images.voc_palette()), groups_of(card.groups, names)
    samples, album = [], Album()
    for name in names:
        files = TruthFiles(
            coded, truth_files[name], object_files.get(name), has_objects=bool(object_files)
        )
        path = pictures.get(name, base / PICTURES / f"{name}.jpg")
        picture = Picture(path, partial(images.image_size, files.classes), album)
        samples.append(
            _sample(name, files, picture, path.relative_to(root).as_posix(), groups.get(name, {}))
        )
    # Results may hold predictions of images that --ids left out.
    return with_listing(
        samples, lambda: names if ids is None else [*names, *(truth_files.keys() - set(names))]
    )


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find <id>.png for every sample, in the folder itself or in
    results/VOC*/Segmentation/comp[56]_*_cls below it.

    `predicted_files.py` says which other file names are accepted.

    VOC defines no files for the other tasks: they are read as `named_results.py` describes.

    Raises:
        PredictionError: samples without a prediction.
    """
    if task != "semantic":
        return named_results.read_predictions(card, path, task, samples)
    coded = label_files(card, images.voc_palette())
    files = predicted_files.find(_submission(path), samples, coded.suffixes)
    return PredictedLabels(coded, files.paths, space, files.notices)


def write_truth(
    card: Card,
    root: Path,
    split: str,
    samples: Iterable[Sample],
    *,
    progress: Progress | None = None,
) -> None:
    """Write images as JPEG, class files, object files where the truth has instances, and the list
    of the split.

    Raises:
        DataError: ids above 254 or more than 254 objects in an image, which 8 bits do not hold.
    """
    coded = label_files(card, images.voc_palette())
    _require_8_bit(coded.classes)
    names = []
    for sample in samples:
        labels = sample.truth.semantic().labels
        coded.write_truth(folders.inside(root / CLASSES, f"{sample.id}.png"), labels)
        if sample.read_image is not None:
            images.write_rgb(folders.inside(root / PICTURES, f"{sample.id}.jpg"), sample.image())
        if sample.truth.read_instances is not None:
            objects = _object_indices(
                sample.truth.instances(), labels, coded.classes, where=sample.id
            )
            path = folders.inside(root / OBJECTS, f"{sample.id}.png")
            images.write_labels(path, objects, images.voc_palette())
        names.append(sample.id)
        if progress:
            progress(1)
    folders.write_list(root / LISTS / f"{card.split(split).folder or split}.txt", names)


def write_predictions(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write label maps as palette PNGs <id>.png, as the server takes them; other tasks as
    `named_results.py` describes.

    Raises:
        PredictionError: a prediction of another kind than the task's, or pixels without a class.
    """
    if task != "semantic":
        named_results.write_predictions(card, path, task, predictions)
        return
    coded = label_files(card, images.voc_palette())
    _require_8_bit(coded.classes)
    for sample, prediction in predictions:
        if not isinstance(prediction, LabelMap):
            raise PredictionError(
                f"{sample.id}: a label map is expected, not {type(prediction).__name__}"
            )
        coded.write_prediction(folders.inside(path, f"{sample.id}.png"), prediction.labels)


def find_base(card: Card, root: Path) -> Path:
    """The folder that holds SegmentationClass: `root` itself or VOC<year> below it, with or without
    VOCdevkit.

    Raises:
        DataError: none, or several years, none of them named by the card.
    """
    if (root / CLASSES).is_dir():
        return root
    patterns = ("VOC[0-9]*", "VOCdevkit", "VOCdevkit/VOC[0-9]*", "*/VOCdevkit/VOC[0-9]*")
    bases = sorted(
        {
            folder
            for pattern in patterns
            for folder in root.glob(pattern)
            if (folder / CLASSES).is_dir()
        }
    )
    named = [folder for folder in bases if folder.name.lower() == card.name.lower()]
    if len(bases) > 1 and len(named) == 1:
        return named[0]
    if not bases:
        looked = f"there is no folder {CLASSES}"
        raise nothing_found(card, root, looked, lambda candidate: (candidate / CLASSES).is_dir())
    if len(bases) > 1:
        years = folders.first(folder.name for folder in bases)
        raise DataError(f"{root}: there are several years ({years}); pass one of the folders")
    return bases[0]


def _sample(
    name: str, files: TruthFiles, picture: Picture, file: str, groups: dict[str, str]
) -> Sample:
    return Sample(
        id=name,
        truth=Truth(files.semantic, files.instances, files.segments),
        read_image=picture,
        groups=groups,
        file=file,
    )


def _choose(card: Card, base: Path, split: str, ids: Ids, everything: list[str]) -> list[str]:
    word = card.split(split).folder or split
    if ids == "all":
        return everything
    if ids is not None:
        return lists.ids_of(ids, set(everything).__contains__, where="the list of image ids")
    path = base / LISTS / f"{word}.txt"
    if not path.is_file():
        raise DataError(
            f"{path}: the list of the split does not exist; use --ids FILE or --ids all"
        )
    return lists.read(path, set(everything).__contains__)


def _require_8_bit(classes: Classes) -> None:
    largest = max(classes.scored, key=lambda entry: entry.id)
    if largest.id > LARGEST:
        raise DataError(
            f"VOC label files have 8 bits, but class {largest.name!r} has the id {largest.id}; "
            "use the layout pairs"
        )


def _object_indices(instances: Instances, labels: Array, classes: Classes, *, where: str) -> Array:
    if np.count_nonzero(~instances.crowd) >= LARGEST:
        raise DataError(
            f"{where}: {len(instances)} objects, but VOC object files hold at most {LARGEST - 1}"
        )
    plain = np.flatnonzero(~instances.crowd)
    drawn = derive.object_map(instances)
    numbers = np.zeros(len(instances) + 1, dtype=np.uint8)
    numbers[plain + 1] = np.arange(1, len(plain) + 1)
    return np.where(
        labels == classes.ignore, classes.void[0] if classes.void else 0, numbers[drawn]
    ).astype(np.uint8)


def _submission(path: Path) -> Path:
    if not path.is_dir() or any(path.glob("*.png")):
        return path
    submissions = sorted(folder for folder in path.glob(f"**/{_SUBMISSION}") if folder.is_dir())
    if len(submissions) > 1:
        raise PredictionError(
            f"{path}: there are several submissions ({folders.first(map(str, submissions))}); "
            "name one"
        )
    return submissions[0] if submissions else path
