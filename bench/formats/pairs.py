"""Images and label PNGs matched by patterns of the card's [files] table: any data set without a layout of its own.

`images`, `labels` and, where there are any, `instances` and `list` are paths below the root with {split} and {id}; an
id may hold "/". What pixel values mean is `label_files.py`'s business; this module knows no models and no metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench import images
from bench.cards import Card
from bench.classes import LabelSpace
from bench.errors import CardError, DataError, PredictionError
from bench.formats import Ids, PredictionReader, Progress, derive, folders, lists, named_results, predicted_files
from bench.formats.grouping import groups_of
from bench.formats.label_files import LabelFiles, PredictedLabels, TrueLabels, label_files, palette
from bench.formats.listing import with_listing
from bench.formats.misplaced import nothing_found
from bench.formats.patterns import Pattern
from bench.formats.pictures import Album, Picture
from bench.samples import Array, Instances, LabelMap, Prediction, Sample, Segments, Truth


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images of a split: those of the card's `list`, or all that have a label file, sorted.

    Raises:
        DataError: no label files, listed images without one, or images and labels that do not pair up.
    """
    files = _Patterns.of(card, split)
    if ids is not None and ids != "all":
        names = lists.ids_of(ids, files.known(root), files.id_of, where="the list of image ids")
    elif ids is None and files.list is not None:
        names = _listed(root, files)
    else:
        names = _paired(card, root, files)
    missing = [name for name in names if not (root / files.labels.path(name)).is_file()]
    if missing:
        raise DataError(
            f"{root}: {len(missing)} of {len(names)} images have no label file ({folders.first(missing)}); "
            f"{files.labels.path(missing[0])} is expected, or say --ids FILE or --ids all"
        )
    coded, groups, album = _label_files(card), groups_of(card.groups, names), Album()
    samples = [
        _sample(name, root, files, _Files.of(name, root, files, coded), groups=groups.get(name, {}), album=album)
        for name in names
    ]
    # Of images that were left out with --ids, results are no surprise.
    others = (lambda: names) if ids is None else (lambda: [*names, *(files.labels.find(root).keys() - set(names))])
    return with_listing(samples, others)


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find <id>.png for every sample as `predicted_files.py` tells; other tasks as `named_results.py` does.

    Raises:
        PredictionError: samples without a prediction.
    """
    if task != "semantic":
        return named_results.read_predictions(card, path, task, samples)
    coded = _label_files(card)
    found = predicted_files.find(path, samples, coded.suffixes)
    return PredictedLabels(coded, found.paths, space, found.notices)


def write_truth(
    card: Card, root: Path, split: str, samples: Iterable[Sample], *, progress: Progress | None = None
) -> None:
    """Write pictures, label files and, where the card has a pattern for them, instances and the list.

    Raises:
        DataError: void pixels in a data set that has no value for them, or files that cannot be written.
    """
    files, coded = _Patterns.of(card, split), _label_files(card)
    names = []
    for sample in samples:
        coded.write_truth(folders.inside(root, files.labels.path(sample.id)), sample.truth.semantic().labels)
        if sample.read_image is not None:
            images.write_rgb(folders.inside(root, files.images.path(sample.id)), sample.image())
        if files.instances is not None and sample.truth.read_instances is not None:
            objects = derive.object_map(sample.truth.instances())
            path = folders.inside(root, files.instances.path(sample.id))
            images.write_labels(path, objects.astype(np.uint8 if objects.max() <= 255 else np.uint16))
        names.append(sample.id)
        if progress:
            progress(1)
    if files.list is not None:
        folders.write_list(root / files.list, names)


def write_predictions(card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]) -> None:
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
            raise PredictionError(f"{sample.id}: a label map is expected, not {type(prediction).__name__}")
        coded.write_prediction(folders.inside(path, f"{sample.id}.png"), prediction.labels)


@dataclass(frozen=True)
class _Patterns:
    """The card's patterns for one split."""

    images: Pattern
    labels: Pattern
    instances: Pattern | None
    list: str | None

    @classmethod
    def of(cls, card: Card, split: str) -> _Patterns:
        """Fill in the split's word.

        Raises:
            CardError: the card has no such split, or its patterns cannot tell images from labels.
        """
        word = card.split(split).folder or split
        texts = {key: text.replace("{split}", word) for key, text in card.files.items()}
        if texts.get("images", "") == texts.get("labels", ""):
            raise CardError(f"{card.name}: files.images and files.labels are the same pattern {texts.get('images')!r}")
        instances = Pattern(texts["instances"]) if "instances" in texts else None
        return cls(Pattern(texts["images"]), Pattern(texts["labels"]), instances, texts.get("list"))

    def known(self, root: Path) -> Callable[[str], bool]:
        """Whether an id has a label file."""
        return lambda name: (root / self.labels.path(name)).is_file()

    def id_of(self, path: str) -> str | None:
        """The id in the path of a picture or of a label file."""
        return self.images.id_at_end(path) or self.labels.id_at_end(path)


@dataclass(frozen=True, eq=False)
class _Files:
    """The truth files of one image, and how to read each form."""

    label_files: LabelFiles
    labels: Path
    objects: Path | None

    @classmethod
    def of(cls, name: str, root: Path, files: _Patterns, label_files: LabelFiles) -> _Files:
        """The files of one id."""
        objects = root / files.instances.path(name) if files.instances else None
        return cls(label_files, root / files.labels.path(name), objects)

    @property
    def semantic(self) -> TrueLabels:
        return TrueLabels(self.label_files, self.labels)

    def instances(self) -> Instances:
        return derive.instances_from_object_map(*self._maps(), self.label_files.classes, where=str(self.objects))

    def segments(self) -> Segments:
        return derive.segments_from_objects(*self._maps(), self.label_files.classes, where=str(self.objects))

    def _maps(self) -> tuple[Array, Array]:
        """Object numbers with 0 for none, and train ids; both (H, W)."""
        labels = self.semantic().labels
        if self.objects is None:
            return np.zeros(labels.shape, dtype=np.uint8), labels
        objects = images.read_labels(self.objects)
        if objects.shape != labels.shape:
            raise DataError(f"{self.objects}: it has {objects.shape} pixels, the label file has {labels.shape}")
        return np.where(labels == self.label_files.classes.ignore, 0, objects), labels


def _sample(name: str, root: Path, files: _Patterns, truth: _Files, *, groups: dict[str, str], album: Album) -> Sample:
    picture = files.images.path(name)
    # Without an instance file a panoptic map still is known where no class is countable.
    panoptic = truth.objects is not None or not truth.label_files.classes.things.any()
    return Sample(
        id=name,
        truth=Truth(
            truth.semantic,
            truth.instances if truth.objects is not None else None,
            truth.segments if panoptic else None,
        ),
        read_image=Picture(root / picture, partial(images.image_size, truth.labels), album),
        groups=groups,
        file=picture,
    )


def _listed(root: Path, files: _Patterns) -> list[str]:
    """Ids of a list whose lines are ids, paths of images, or an image and its label file (as SegNet's)."""
    path = root / str(files.list)
    if not path.is_file():
        raise DataError(f"{path}: there is no such list of the split; say --ids FILE, or --ids all")
    return lists.read(path, files.known(root), files.id_of)


def _paired(card: Card, root: Path, files: _Patterns) -> list[str]:
    """Every id that has a label file; images and labels must pair up where there are images at all."""
    labels, pictures = files.labels.find(root), files.images.find(root)
    # A file that fits both patterns belongs to the one that says more: "{id}_mask.png" over "{id}.png".
    both = set(labels.values()) & set(pictures.values())
    poorer = pictures if files.labels.literal > files.images.literal else labels
    for name in [name for name, path in poorer.items() if path in both]:
        del poorer[name]
    if not labels:
        raise nothing_found(card, root, f"no label file matches {files.labels.text}", files.labels.begins_in)
    lonely_labels, lonely_pictures = sorted(labels.keys() - pictures), sorted(pictures.keys() - labels)
    problems = []
    if lonely_labels and pictures:
        problems.append(f"{len(lonely_labels)} label files have no image ({folders.first(lonely_labels)})")
    if lonely_pictures:
        problems.append(f"{len(lonely_pictures)} images have no label file ({folders.first(lonely_pictures)})")
    if problems:
        raise DataError(f"{root}: {' and '.join(problems)}; add them, or list the images to use with --ids FILE")
    return sorted(labels)


def _label_files(card: Card) -> LabelFiles:
    return label_files(card, palette(card.classes, card.values))
