"""Objects in label images: a number for each object and 0 elsewhere (Cellpose, StarDist, skimage),
or a file an object.

Such files name no class: the objects are of the only countable class of the card. Nothing here
knows folders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import images, masks
from bench.errors import DataError, PredictionError
from bench.formats.objects import derive
from bench.notices import Notice
from bench.samples import Array, Instances, LabelMap, Rle, Sample, Segments

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes

Size = tuple[int, int]
_NO_SCORES = Notice(
    "no-scores",
    "label images hold no scores, so every object has score 1 and AP describes a single operating "
    "point; results.json can hold scores",
)
_ONE_EACH = Notice(
    "one-object-each",
    "no predicted label image holds more than one object; masks of a class need one number per "
    "object (skimage.measure.label assigns them)",
    "warning",
)


class PredictedObjects:
    """Predicted label images by the id of their sample; called, it reads the objects of a
    sample.
    """

    def __init__(
        self, card: Card, path: Path, paths: Mapping[str, Path], notices: Sequence[Notice]
    ) -> None:
        """Refuse a card with more than one countable class, or none.

        Raises:
            PredictionError: such a card, because label images name no class.
        """
        things = np.flatnonzero(card.classes.things)
        if len(things) != 1:
            raise PredictionError(
                f"{path}: label images hold object numbers without classes, but the card "
                f"{card.name} has {len(things)} countable classes; write results.json (image_id, "
                "category_id, segmentation, score)"
            )
        self.paths, self._noted, self._class = paths, tuple(notices), int(things[0])
        self._most = -1

    def __call__(self, sample: Sample) -> Instances:
        """The objects by rising number, each with score 1.

        Raises:
            PredictionError: a file that is missing, damaged, or no label image.
        """
        try:
            numbers = images.read_labels(self.paths[sample.id])
        except DataError as error:
            raise PredictionError(str(error)) from None
        present = np.flatnonzero(np.bincount(numbers.reshape(-1)))
        present = present[present > 0]
        self._most = max(self._most, len(present))
        rles = masks.encode_ids(numbers, present)
        size = numbers.shape[0], numbers.shape[1]
        return derive.instances_from_rles(
            size, np.full(len(present), self._class), rles, scores=np.ones(len(present))
        )

    @property
    def used(self) -> frozenset[Path]:
        """The files that hold predictions."""
        return frozenset(self.paths.values())

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Notes on such predictions, and on those that were read."""
        single = self._most == 1 and len(self.paths) > 1
        return (*self._noted, _NO_SCORES, *([_ONE_EACH] if single else []))


@dataclass(frozen=True, eq=False)
class ObjectMasks:
    """The true objects of one image, a file each; a file without any pixel holds no object.

    `size_of` gives the size of an image without objects.
    """

    classes: Classes
    paths: Sequence[Path]
    size_of: Callable[[], Size]

    def instances(self) -> Instances:
        """The objects in the order of their files; they may overlap.

        Raises:
            DataError: a damaged file, files of different sizes, or a file with several values
                inside.
        """
        size, file_masks = self._masks()
        rles = [rle for _, rle in file_masks]
        return derive.instances_from_rles(size, np.full(len(rles), self._thing), rles)

    def semantic(self) -> LabelMap:
        """Pixels of any object are the countable class, the others the class that is not countable.

        Raises:
            DataError: as `instances`.
        """
        size, file_masks = self._masks()
        stuff = np.flatnonzero(~self.classes.things)
        outside = int(stuff[0]) if stuff.size else self.classes.ignore
        labels = np.full(size, outside, dtype=self.classes.dtype)
        for _, rle in file_masks:
            labels[masks.decode(rle).astype(bool)] = self._thing
        return LabelMap(labels)

    def segments(self) -> Segments:
        """The panoptic map.

        Raises:
            DataError: as `instances`, or objects that overlap.
        """
        size, file_masks = self._masks()
        return derive.segments_from_objects(
            numbered(size, file_masks), self.semantic().labels, self.classes
        )

    @property
    def _thing(self) -> int:
        return int(np.flatnonzero(self.classes.things)[0])

    def _masks(self) -> tuple[Size, list[tuple[Path, Rle]]]:
        read = read_masks(self.paths)
        size = self.size_of() if not read else (read[0][1]["size"][0], read[0][1]["size"][1])
        return size, [(path, rle) for path, rle in read if int(masks.areas([rle])[0])]


def read_masks(paths: Sequence[Path]) -> list[tuple[Path, Rle]]:
    """The masks of files that hold an object each: 0 outside, one other value inside.

    Raises:
        DataError: a damaged file, files of different sizes, or several values inside one.
    """
    file_masks: list[tuple[Path, Rle]] = []
    for path in paths:
        values = images.read_labels(path)
        inside = np.flatnonzero(np.bincount(values.reshape(-1)))
        inside = inside[inside > 0]
        if len(inside) > 1:
            raise DataError(
                f"{path}: a file of one object holds 0 outside and one value inside, but this one "
                "holds "
                f"{', '.join(map(str, inside[:3].tolist()))}{', ...' if len(inside) > 3 else ''}"
            )
        rle = masks.encode(values)
        if file_masks and rle["size"] != file_masks[0][1]["size"]:
            first, other = (
                " x ".join(map(str, size)) for size in (file_masks[0][1]["size"], rle["size"])
            )
            raise DataError(
                f"{path}: it has {other} pixels (height x width), and {file_masks[0][0].name} has "
                f"{first}"
            )
        file_masks.append((path, rle))
    return file_masks


def numbered(size: Size, file_masks: Sequence[tuple[Path, Rle]]) -> Array:
    """One map of objects that do not overlap, (H, W) int32: 0 for none, k + 1 for the k-th.

    Raises:
        DataError: two objects share a pixel.
    """
    drawn = np.zeros(size, dtype=np.int32)
    for number, (path, rle) in enumerate(file_masks, start=1):
        inside = masks.decode(rle).astype(bool)
        taken = inside & (drawn > 0)
        if taken.any():
            row, column = (int(axis_positions[0]) for axis_positions in np.nonzero(taken))
            other = file_masks[int(drawn[row, column]) - 1][0].name
            raise DataError(
                f"{path}: it overlaps at row {row}, column {column} with {other}; "
                "objects may overlap only in the task instance with one label file per object"
            )
        drawn[inside] = number
    return drawn
