"""One image with its truth, and the three forms that truth and predictions take; each is checked
when it is made.

This module knows neither files, nor torch, nor metrics: readers in `formats/` hand over functions
that read on demand.

Shape letters, used in every docstring of the project:

    N  images          B  resamples           D  detections        A  area ranges
    C  scored classes  R  regions             G  truths            T  thresholds
    S  segments        H x W  pixels, rows first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np

from bench.errors import DataError, InputError

Image: TypeAlias = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
Array: TypeAlias = np.ndarray[Any, Any]
Table: TypeAlias = Mapping[str, Array]
"""Counts: named columns of equal length, sorted by image position; concatenating tables merges
shards.
"""
Rle: TypeAlias = Mapping[str, Any]
"""A COCO run-length mask: {"size": [H, W], "counts": bytes}."""
FROM_BOX, PART_LEFT_OUT = 1, 2
"""Marks of an object: it has no mask and its box stands in; parts of its polygon have less than
three points, or a number without its partner, and were left out."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """One class per pixel: train ids and the card's ignore value, shape (H, W), uint8 or uint16.

    `ids` (H, W) are the ids as predicted, where known and where `labels` folds labels that are not
    scored into one; `confidence` (H, W) in [0, 1] is how sure a model is of each label, where it
    says so; `values` (H, W) are what was predicted in whatever label space, ids or train ids, under
    the same condition as `ids`.
    """

    labels: Array
    ids: Array | None = None
    confidence: Array | None = None
    values: Array | None = None

    def __repr__(self) -> str:
        """The size."""
        return f"<LabelMap {self.size[0]} x {self.size[1]}>"

    def __post_init__(self) -> None:
        """Refuse anything but a two-dimensional array of small unsigned integers."""
        _require(self.labels.ndim == 2, f"a label map has shape (H, W), not {self.labels.shape}")
        _require(
            self.labels.dtype in (np.uint8, np.uint16),
            f"a label map is uint8 or uint16, not {self.labels.dtype}",
        )
        if self.values is None and self.ids is not None:
            object.__setattr__(self, "values", self.ids)
        for name, other in (
            ("ids", self.ids),
            ("confidence", self.confidence),
            ("values", self.values),
        ):
            _require(
                other is None or other.shape == self.labels.shape,
                f"{name} and labels need one shape",
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.labels.shape[0], self.labels.shape[1]


@dataclass(frozen=True, eq=False)
class Instances:
    """Objects of one image, which may overlap: G masks with their classes, and scores where they
    are predicted.

    `classes` are train ids (G,); `rles` compressed COCO run-length masks of the image's size;
    `scores` (G,) or None; `crowd` (G,) marks regions of many objects; `areas` (G,) in pixels;
    `boxes` (G, 4) as x, y, width, height. `ignore` (G,) bool, or None for nowhere, marks true
    objects that count neither as found nor as missed. Where a data set lists only some classes
    for each image, `absent` are classes known not to be there, `partial` those marked in part.
    `numbers` (G,) int64 is what the file calls each object: the id of an annotation, the place of a
    result; `marks` (G,) uint8 what its reader noticed (`FROM_BOX` and the like). Both are None
    where nothing is known.
    """

    size: tuple[int, int]
    classes: Array
    rles: Sequence[Rle]
    areas: Array
    boxes: Array
    scores: Array | None = None
    crowd: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))
    ignore: Array | None = None
    absent: Sequence[int] = ()
    partial: Sequence[int] = ()
    numbers: Array | None = None
    marks: Array | None = None

    def __repr__(self) -> str:
        """How many objects, and the size of the image."""
        scored = "" if self.scores is None else ", with scores"
        return f"<Instances {len(self)} in {self.size[0]} x {self.size[1]}{scored}>"

    def __post_init__(self) -> None:
        """Refuse columns of unequal length, masks of another size, and scores that are not
        finite.
        """
        count = len(self.classes)
        if self.crowd.size == 0 and count:
            object.__setattr__(self, "crowd", np.zeros(count, dtype=bool))
        columns = {
            "rles": len(self.rles),
            "areas": len(self.areas),
            "boxes": len(self.boxes),
            "crowd": len(self.crowd),
        }
        optional = {"ignore": self.ignore, "numbers": self.numbers, "marks": self.marks}
        columns |= {name: len(column) for name, column in optional.items() if column is not None}
        if self.scores is not None:
            columns["scores"] = len(self.scores)
            _require(
                bool(np.isfinite(self.scores).all()),
                "a score is NaN or infinite; every detection needs a number",
            )
        for name, length in columns.items():
            _require(
                length == count,
                f"{count} classes but {length} {name}; each object needs one of each",
            )
        for rle in self.rles:
            _require(
                tuple(rle["size"]) == self.size,
                f"a mask of size {rle['size']} in an image of {list(self.size)}",
            )

    def __len__(self) -> int:
        """Number of objects, G."""
        return len(self.classes)


@dataclass(frozen=True, eq=False)
class Segments:
    """A panoptic map: each pixel belongs to one segment or, with id 0, to void.

    `ids` (H, W) of segment ids; `segment_ids`, `classes` (train ids) and `crowd` have shape (S,).
    `claimed` (S,) are the areas that a file gives, NaN where it gives none: nothing is computed
    from them, but they may be wrong.
    """

    ids: Array
    segment_ids: Array
    classes: Array
    crowd: Array
    claimed: Array | None = None

    def __repr__(self) -> str:
        """How many segments, and the size of the image."""
        return f"<Segments {len(self.segment_ids)} in {self.size[0]} x {self.size[1]}>"

    def __post_init__(self) -> None:
        """Refuse columns of unequal length, repeated ids, and id 0 as a segment."""
        _require(self.ids.ndim == 2, f"a panoptic map has shape (H, W), not {self.ids.shape}")
        columns = (
            self.segment_ids,
            self.classes,
            self.crowd,
            *([] if self.claimed is None else [self.claimed]),
        )
        _require(
            len({len(column) for column in columns}) == 1, "columns of segments need equal lengths"
        )
        ids = set(self.segment_ids.tolist())
        _require(len(ids) == len(self.segment_ids), "two segments share an id")
        _require(0 not in ids, "segment id 0 means void and cannot name a segment")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.ids.shape[0], self.ids.shape[1]


@dataclass(frozen=True, eq=False)
class Prompts:
    """The prompts of a promptable model for G objects of one image: P points of each, or a box.

    `points` (G, P, 2) are x and y of pixels, counted from 0; `inside` (G, P) says which of them
    belong to the object; `boxes` (G, 4) are x, y, width, height. P is 0 where there are boxes.
    """

    points: Array
    inside: Array
    boxes: Array | None = None

    def __len__(self) -> int:
        """Number of objects, G."""
        return len(self.points)


@dataclass(frozen=True, eq=False)
class PromptedMasks:
    """The answers to prompts: `rounds[k]` are the masks of G objects of one image after k + 1
    prompts each.

    `objects` (G,) are the places of the objects among the truth's.
    """

    objects: Array
    rounds: Sequence[Sequence[Rle]]


Prediction: TypeAlias = LabelMap | Instances | Segments | PromptedMasks


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of one image, in the forms its data set can give; each is read when it is asked
    for.
    """

    read_semantic: Callable[[], LabelMap] | None = None
    read_instances: Callable[[], Instances] | None = None
    read_segments: Callable[[], Segments] | None = None
    read_segments_and_void: Callable[[], tuple[Segments, Array]] | None = None

    def semantic(self) -> LabelMap:
        """The class of every pixel.

        Raises:
            DataError: the data set has no semantic truth.
        """
        if self.read_semantic is None:
            raise DataError("this data set has no semantic ground truth (a class for every pixel)")
        return self.read_semantic()

    def instances(self) -> Instances:
        """The objects.

        Raises:
            DataError: the data set has no instances.
        """
        if self.read_instances is None:
            raise DataError("this data set has no instances (a mask for every object)")
        return self.read_instances()

    def segments(self) -> Segments:
        """The panoptic map.

        Raises:
            DataError: the data set has no panoptic truth.
        """
        if self.read_segments is None:
            raise DataError(
                "this data set has no panoptic ground truth (a segment for every pixel)"
            )
        return self.read_segments()

    def segments_and_void(self) -> tuple[Segments, Array | None]:
        """The panoptic map, and the pixels (H, W) bool that excuse detections; None for those
        without a segment.

        Raises:
            DataError: the data set has no panoptic truth.
        """
        return (
            self.read_segments_and_void()
            if self.read_segments_and_void
            else (self.segments(), None)
        )

    def once(self) -> Truth:
        """The same ground truth, with each form read once and then kept while one image is
        processed.
        """
        readers = (
            self.read_semantic,
            self.read_instances,
            self.read_segments,
            self.read_segments_and_void,
        )
        return Truth(*(read and cache(read) for read in readers))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Sample:
    """One image of a data set: its id, how to read it, its lazy truth, and the groups it belongs
    to.

    `file` is the path of the image below the data root, or "" where there is none; `read_depth`
    gives the distance in metres, (H, W) float32 with NaN where unknown, where the data set has it.
    `origin` is what the layout that lists the sample needs to find its predictions, such as the
    number of a COCO image; only the layout uses it.
    """

    id: str
    truth: Truth
    read_image: Callable[[], Image] | None = None
    read_depth: Callable[[], Array] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    origin: object = None

    def __repr__(self) -> str:
        """The id."""
        return f"<Sample {self.id}>"

    def image(self) -> Image:
        """The image, (H, W, 3) uint8 RGB.

        Raises:
            DataError: the data set was opened without its images.
        """
        if self.read_image is None:
            raise DataError(
                f"{self.id}: there is ground truth but no image; a model needs the images of "
                "the data set"
            )
        return self.read_image()

    @cached_property
    def stem(self) -> str:
        """The last part of the id, as file names use it."""
        return self.id.rsplit("/", 1)[-1]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)
