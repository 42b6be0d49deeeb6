"""The truth of layout `pairs` for one image: its files by the card's patterns, and how each form is
read.

It knows one image at a time; `layout.py` finds out which images there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench import images
from bench.cards import Card
from bench.errors import CardError, DataError
from bench.formats.finding.patterns import Pattern
from bench.formats.labels.files import LabelFiles
from bench.formats.labels.readers import TrueLabels
from bench.formats.objects import derive
from bench.formats.objects import images as object_images
from bench.formats.objects.images import ObjectMasks
from bench.images.upright import Album, Picture
from bench.samples import Array, Instances, LabelMap, Sample, Segments, Truth


@dataclass(frozen=True)
class Patterns:
    """The card's patterns for one split."""

    images: Pattern
    labels: Pattern
    instances: Pattern | None
    ignore: Pattern | None
    list: str | None

    @classmethod
    def of(cls, card: Card, split: str) -> Patterns:
        """Fill in the split's word.

        Raises:
            CardError: the card has no such split, or its patterns cannot distinguish images from
                labels.
        """
        word = card.split(split).folder or split
        texts = {key: text.replace("{split}", word) for key, text in card.files.items()}
        if texts.get("images", "") == texts.get("labels", ""):
            raise CardError(
                f"{card.name}: files.images and files.labels are the same pattern "
                f"{texts.get('images')!r}"
            )
        instances, ignore = (
            Pattern(texts[key]) if key in texts else None for key in ("instances", "ignore")
        )
        return cls(
            Pattern(texts["images"]), Pattern(texts["labels"]), instances, ignore, texts.get("list")
        )

    def known(self, root: Path) -> Callable[[str], bool]:
        """Whether an id has truth."""
        return lambda name: has_labels(root, self.labels, name)

    def id_of(self, path: str) -> str | None:
        """The id in the path of an image or of a label file."""
        return self.images.id_at_end(path) or self.labels.id_at_end(path)


@dataclass(frozen=True, eq=False)
class _Files:
    """The truth files of one image, and how to read each form."""

    label_files: LabelFiles
    labels: Path
    objects: Path | None
    masks: Callable[[], list[Path]] | None
    ignore: Path | None

    @classmethod
    def of(cls, name: str, root: Path, files: Patterns, label_files: LabelFiles) -> _Files:
        """The files of one id."""
        instances = files.instances
        return cls(
            label_files,
            root / files.labels.path(name),
            root / instances.path(name) if instances else None,
            partial(_files_of_objects, instances, root, name)
            if instances and instances.is_wild
            else None,
            root / files.ignore.path(name) if files.ignore else None,
        )

    @property
    def semantic(self) -> Callable[[], LabelMap]:
        read = TrueLabels(self.label_files, self.labels)
        return read if self.ignore is None else partial(_where_it_counts, read, self.ignore)

    def instances(self) -> Instances:
        return derive.instances_from_object_map(
            *self._maps(), self.label_files.classes, where=str(self.objects)
        )

    def segments(self) -> Segments:
        return derive.segments_from_objects(
            *self._maps(), self.label_files.classes, where=str(self.objects)
        )

    def _maps(self) -> tuple[Array, Array]:
        """Object numbers with 0 for none, and train ids; both (H, W)."""
        labels = self.semantic().labels
        if self.objects is None:
            return np.zeros(labels.shape, dtype=np.uint8), labels
        if self.masks is not None:
            object_masks = object_images.read_masks(self.masks())
            size = object_masks[0][1]["size"] if object_masks else labels.shape
            objects = object_images.numbered((size[0], size[1]), object_masks)
        else:
            objects = images.read_labels(self.objects)
        if objects.shape != labels.shape:
            raise DataError(
                f"{self.objects}: it has {objects.shape} pixels, the label file has {labels.shape}"
            )
        return np.where(labels == self.label_files.classes.ignore, 0, objects), labels


def _where_it_counts(read: TrueLabels, mask: Path) -> LabelMap:
    """The truth, void where the mask is 0.

    Raises:
        DataError: as the readers of both, or another size.
    """
    labels, counts = read().labels, images.read_labels(mask) != 0
    if counts.shape != labels.shape:
        given, expected = (" x ".join(map(str, shape)) for shape in (counts.shape, labels.shape))
        raise DataError(
            f"{mask}: it has {given} pixels (height x width), and the label file {read.path} "
            f"has {expected}"
        )
    return LabelMap(np.where(counts, labels, labels.dtype.type(read.files.classes.ignore)))


def _files_of_objects(pattern: Pattern, root: Path, name: str) -> list[Path]:
    if not (root / pattern.folder(name)).is_dir():
        raise DataError(
            f"{root / pattern.folder(name)}: there is no such folder with a file for each "
            f"object of {name}"
        )
    return pattern.files(root, name)


def has_labels(root: Path, pattern: Pattern, name: str) -> bool:
    """Whether there is truth of an image; without objects, its own folder may be empty."""
    if not pattern.is_wild:
        return (root / pattern.path(name)).is_file()
    has_folder = pattern.folder("") != pattern.folder("x")
    return (root / pattern.folder(name)).is_dir() if has_folder else bool(pattern.files(root, name))


def sample_of_masks(
    name: str,
    root: Path,
    files: Patterns,
    coded: LabelFiles,
    *,
    groups: dict[str, str],
    album: Album,
) -> Sample:
    """A sample whose truth is a file for each object."""
    picture, paths = files.images.path(name), files.labels.files(root, name)
    size_of = partial(images.image_size, paths[0] if paths else root / picture)
    objects = ObjectMasks(coded.classes, paths, size_of)
    semantic = None if coded.classes.things.all() else objects.semantic
    return Sample(
        id=name,
        truth=Truth(semantic, objects.instances, objects.segments),
        read_image=Picture(root / picture, size_of if paths else None, album),
        groups=groups,
        file=picture,
    )


def sample_of_labels(
    name: str,
    root: Path,
    files: Patterns,
    coded: LabelFiles,
    *,
    groups: dict[str, str],
    album: Album,
) -> Sample:
    """A sample whose truth is a label file and, where the card has them, object files and a
    mask.
    """
    picture, truth = files.images.path(name), _Files.of(name, root, files, coded)
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
