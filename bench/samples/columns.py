"""Objects and segments of many images as columns: truth and prediction in bulk, without a Python
object for each.

Readers of large files make them and metrics count them; one image is the case N = 1. This module
knows neither files nor metrics. The shape letters are those of `bench.samples`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.errors import InputError
from bench.notices import Notice
from bench.samples import Array


@dataclass(frozen=True, eq=False)
class Runs:
    """G masks as uncompressed COCO run lengths, one after the other: column by column, outside
    first.

    Mask g is `lengths[offsets[g]:offsets[g + 1]]`, which sum to the pixels of its image. `offsets`
    (G + 1,) int64 from 0, `lengths` uint32, `heights` (G,) int32: the height of each mask's image
    in pixels. Runs of length 0 are allowed.
    """

    offsets: Array
    lengths: Array
    heights: Array

    def __post_init__(self) -> None:
        """Refuse other dtypes, and offsets that do not fit the lengths."""
        _require_dtypes(self, offsets=np.int64, lengths=np.uint32, heights=np.int32)
        fits = (
            self.offsets.ndim == 1
            and len(self.offsets) == len(self.heights) + 1
            and self.offsets[0] == 0
        )
        if (
            not fits
            or self.offsets[-1] != len(self.lengths)
            or bool((np.diff(self.offsets) < 0).any())
        ):
            raise InputError(
                "the offsets of runs grow from 0 to the number of runs, one more than there "
                "are masks"
            )

    def __len__(self) -> int:
        """Number of masks, G."""
        return len(self.heights)


@dataclass(frozen=True, eq=False)
class TruthColumns:
    """G true objects of N images, in the order of their file; objects of one image need not be
    adjacent.

    `image` (G,) int32 position of the image 0 .. N-1 in the data set; `classes` (G,) int32 train
    ids 0 .. C-1; `boxes` (G, 4) float64 as x, y, width, height; `areas` (G,) float64 in pixels, as
    the file has them; `crowd` (G,) bool; `runs` their masks, or None where only boxes are known.
    `ignore` (G,) bool, or None for nowhere: objects that count neither as found nor as missed (LVIS
    and VOC mark such; COCO's crowds are ignored without being marked here). `absent` and `partial`
    (K, 2) int64, or None: pairs of an image and a class that is known to be absent there, or marked
    in part only, where a data set lists only some classes for each image (LVIS). `numbers` (G,)
    int64 and `marks` (G,) uint8 as in `Instances`, or None; `sizes` (N, 2) int32 are heights and
    widths of the images, or None. `notices` say what is odd in the file.
    """

    images: int
    image: Array
    classes: Array
    boxes: Array
    areas: Array
    crowd: Array
    runs: Runs | None = None
    ignore: Array | None = None
    absent: Array | None = None
    partial: Array | None = None
    notices: tuple[Notice, ...] = ()
    numbers: Array | None = None
    marks: Array | None = None
    sizes: Array | None = None

    def __post_init__(self) -> None:
        """Refuse columns of unequal length or another dtype, and images outside 0 .. N-1."""
        _require_dtypes(
            self,
            image=np.int32,
            classes=np.int32,
            boxes=np.float64,
            areas=np.float64,
            crowd=np.bool_,
        )
        _require_columns(
            self, ("classes", "boxes", "areas", "crowd", "runs", "ignore", "numbers", "marks")
        )

    def __len__(self) -> int:
        """Number of objects, G."""
        return len(self.image)


@dataclass(frozen=True, eq=False)
class DetectionColumns:
    """D detections in N images, in the order of their file, which decides between equal scores.

    `image` (D,) int32 position of the image 0 .. N-1; `classes` (D,) int32 train ids; `scores` (D,)
    float64, finite; `boxes` (D, 4) float64 as x, y, width, height (those around the masks where the
    file has none); `runs` their masks, or None where only boxes are predicted; `numbers` and
    `marks` as in `Instances`, or None. `notices` say what is odd in the file. `tight` says that
    `boxes` were made from the masks, which saves comparing the two.
    """

    images: int
    image: Array
    classes: Array
    scores: Array
    boxes: Array
    runs: Runs | None = None
    notices: tuple[Notice, ...] = ()
    numbers: Array | None = None
    marks: Array | None = None
    tight: bool = False

    def __post_init__(self) -> None:
        """Refuse columns of unequal length or another dtype, unknown images, and scores that are
        not finite.
        """
        _require_dtypes(self, image=np.int32, classes=np.int32, scores=np.float64, boxes=np.float64)
        _require_columns(self, ("classes", "scores", "boxes", "runs", "numbers", "marks"))
        if not np.isfinite(self.scores).all():
            raise InputError("a score is NaN or infinite; every detection needs a number")

    def __len__(self) -> int:
        """Number of detections, D."""
        return len(self.image)


@dataclass(frozen=True, eq=False)
class LabelPairs:
    """Pixels of each pair of true and predicted label in a few images; a pair of one image may have
    several rows.

    `image` (P,) is the place of the image among them; `truth` and `predicted` (P,) are train ids or
    the card's ignore value; `pixels` (P,) int64; `values` (P,) are the predicted values before they
    became train ids, where known.
    """

    image: Array
    truth: Array
    predicted: Array
    pixels: Array
    values: Array | None = None


IMAGE_SHIFT = 32
"""How far the place of an image is shifted in the key of a segment."""
SEGMENT_BITS = (1 << IMAGE_SHIFT) - 1
"""The part of a key that is the segment's id."""


@dataclass(frozen=True, eq=False)
class SegmentColumns:
    """S segments of a few images by rising key, `i << 32 | id`, where i is the place of the image
    among them.

    `classes` (S,) int64 are train ids; `crowd` (S,) bool; `claimed` (S,) float64 the areas that a
    file gives, or NaN.
    """

    keys: Array
    classes: Array
    crowd: Array
    claimed: Array

    def __len__(self) -> int:
        """Number of segments, S."""
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class SegmentPairs:
    """Segments of truth and prediction, and what they share.

    `pixels` (P, 3) int64 are true key, predicted key and pixels of each pair, rising; void has the
    key of id 0.
    """

    truth: SegmentColumns
    prediction: SegmentColumns
    pixels: Array


def _require_dtypes(columns: object, **dtypes: type) -> None:
    for name, wanted in dtypes.items():
        dtype = getattr(columns, name).dtype
        if dtype != wanted:
            raise InputError(f"the column {name} is {np.dtype(wanted)}, not {dtype}")


def _require_columns(columns: TruthColumns | DetectionColumns, names: tuple[str, ...]) -> None:
    count = len(columns)
    for name in names:
        column = getattr(columns, name)
        if column is not None and len(column) != count:
            raise InputError(
                f"{count} objects but {len(column)} {name}; each object needs one of each"
            )
    if columns.boxes.shape != (count, 4):
        raise InputError(f"boxes have shape (objects, 4), not {columns.boxes.shape}")
    if count and not (int(columns.image.min()) >= 0 and int(columns.image.max()) < columns.images):
        raise InputError(
            f"an object of image {columns.image.max()}, where images are numbered 0 to "
            f"{columns.images - 1}"
        )
    if count and int(columns.classes.min()) < 0:
        raise InputError("an object of a negative class; classes are train ids from 0 on")
