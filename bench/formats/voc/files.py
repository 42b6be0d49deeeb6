"""The truth files of one image of PASCAL VOC: classes and objects as palette PNGs or RGB PNGs.

The palette's index is the label, not its colour; with `colors = true` in the card both kinds of
files are RGB, as CVAT writes them. The card's `void` (255 by default) does not count in class files
and is not an object in object files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import images
from bench.classes import Classes
from bench.errors import DataError
from bench.formats.labels.files import LabelFiles
from bench.formats.labels.readers import TrueLabels
from bench.formats.objects import derive
from bench.samples import Array, Instances, Segments

CLASSES, OBJECTS = "SegmentationClass", "SegmentationObject"
LARGEST = 255
"""The largest value that an 8-bit file holds; as void, it marks object borders and hard regions."""


@dataclass(frozen=True, eq=False)
class TruthFiles:
    """The truth files of one image, and how to read each form."""

    label_files: LabelFiles
    classes: Path
    objects: Path | None
    has_objects: bool

    @property
    def semantic(self) -> TrueLabels:
        """The reader of the class file."""
        return TrueLabels(self.label_files, self.classes)

    def instances(self) -> Instances:
        """The objects, with the classes that most of their pixels carry.

        Raises:
            DataError: no object file, another size than the class file's, or a damaged file.
        """
        objects, labels = self._maps()
        return derive.instances_from_object_map(
            objects, labels, self._table, where=str(self.objects)
        )

    def segments(self) -> Segments:
        """The panoptic map.

        Raises:
            DataError: as `instances`.
        """
        objects, labels = self._maps()
        return derive.segments_from_objects(objects, labels, self._table, where=str(self.objects))

    @property
    def _table(self) -> Classes:
        return self.label_files.classes

    def _maps(self) -> tuple[Array, Array]:
        """Object numbers with 0 for none, and train ids; both (H, W)."""
        if self.objects is None:
            path = self.classes.parent.parent / OBJECTS / self.classes.name
            wider = "" if self.has_objects else f" (the folder {OBJECTS} is missing or empty)"
            raise DataError(
                f"{path}: there is no such file, so this image has no objects and no "
                f"segments{wider}"
            )
        labels = self.semantic().labels
        objects = self._objects(self.objects)
        if objects.shape != labels.shape:
            raise DataError(
                f"{self.objects}: it has {objects.shape} pixels, the class file has {labels.shape}"
            )
        # Void of either file belongs to no object: an object without other pixels does not exist.
        void = np.isin(objects, self._table.void) | (labels == self._table.ignore)
        return np.where(void, 0, objects), labels

    def _objects(self, path: Path) -> Array:
        """Object numbers, (H, W): those of the file, or those of its colours in VOC's palette where
        it is RGB.
        """
        if not (self.label_files.colors and images.is_color(path)):
            return images.read_labels(path)
        return object_numbers(images.read_color_labels(path))


def object_numbers(picture: Array) -> Array:
    """The objects of an RGB object file, (H, W, 3) uint8, as numbers (H, W): the index of each
    colour in VOC's palette.

    Colours of no palette index, which other tools write, are numbered from 256 by rising colour.
    """
    codes = (
        picture[..., 0].astype(np.int64) << 16
        | picture[..., 1].astype(np.int64) << 8
        | picture[..., 2]
    )
    palette = images.voc_palette().astype(np.int64)
    index_of = {
        int(red << 16 | green << 8 | blue): index
        for index, (red, green, blue) in enumerate(palette)
    }
    occurring, inverse = np.unique(codes, return_inverse=True)
    other = iter(range(LARGEST + 1, LARGEST + 1 + len(occurring)))
    numbers = [index_of[code] if code in index_of else next(other) for code in occurring.tolist()]
    table: Array = np.array(numbers, dtype=np.int32)
    numbered: Array = table[inverse.reshape(codes.shape)]
    return numbered
