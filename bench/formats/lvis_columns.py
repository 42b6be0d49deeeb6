"""LVIS' files as they stand: COCO's with lists of the classes that each image tells, and a frequency for each class.

Results are COCO's. Objects come image by image, or all at once as columns; where files lie is told in `lvis.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np

from bench import kernels, masks
from bench.errors import DataError, PredictionError
from bench.formats import coco_instances
from bench.formats.coco_json import Extent, Result, Segmentation, Side, Wrong, load
from bench.samples import Array, Instances, Rle
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

Size = tuple[int, int]
FREQUENCIES = ("r", "c", "f")


class Image(msgspec.Struct, gc=False):
    """An image: pictures are named by `coco_url` in version 1, by `file_name` before."""

    id: int
    height: Extent
    width: Extent
    neg_category_ids: list[int]
    not_exhaustive_category_ids: list[int]
    file_name: str = ""
    coco_url: str = ""


class Category(msgspec.Struct, gc=False):
    """A class; `frequency` is r, c or f."""

    id: int
    name: str
    frequency: str


class Annotation(msgspec.Struct, gc=False):
    """An object."""

    image_id: int
    category_id: int
    segmentation: Segmentation
    bbox: tuple[float, float, Side, Side]
    area: Side
    ignore: int | bool = 0


class Listing(msgspec.Struct, gc=False):
    """What a truth file lists, without its objects."""

    images: list[Image]
    categories: list[Category]


class File(Listing, gc=False):
    """A truth file."""

    annotations: list[Annotation]


@dataclass(frozen=True, eq=False)
class LvisTruth:
    """A truth file: N images by rising number, and C classes by rising category."""

    path: Path
    file: Listing

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The images, by rising number."""
        return tuple(sorted(self.file.images, key=lambda image: image.id))

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the images."""
        return tuple(image.id for image in self.images)

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """The classes, whose places here are train ids."""
        return tuple(sorted(self.file.categories, key=lambda each: each.id))

    @cached_property
    def train_ids(self) -> dict[int, int]:
        """The place of each category."""
        return {each.id: place for place, each in enumerate(self.categories)}

    @cached_property
    def by_number(self) -> dict[int, Image]:
        """The image of each number."""
        return {image.id: image for image in self.images}

    @cached_property
    def grouped(self) -> dict[int, list[Annotation]]:
        """The objects of each image, in the order of the file."""
        found: dict[int, list[Annotation]] = defaultdict(list)
        for entry in self.file.annotations if isinstance(self.file, File) else ():
            found[entry.image_id].append(entry)
        return found

    def instances(self, number: int) -> Instances:
        """The objects of an image, and the classes that it tells to be absent or marked in part.

        Raises:
            DataError: a damaged mask.
        """
        image, entries = self.by_number[number], self.grouped.get(number, [])
        size = image.height, image.width
        return Instances(
            size=size,
            classes=np.array([self.train_ids[entry.category_id] for entry in entries], dtype=np.int64),
            rles=_rles([entry.segmentation for entry in entries], size, f"{self.path}: image {number}", DataError),
            areas=np.array([entry.area for entry in entries], dtype=np.float64),
            boxes=np.array([entry.bbox for entry in entries], dtype=np.float64).reshape(-1, 4),
            ignore=np.array([bool(entry.ignore) for entry in entries], dtype=bool),
            absent=[self.train_ids[each] for each in image.neg_category_ids],
            partial=[self.train_ids[each] for each in image.not_exhaustive_category_ids],
        )

    def columns(self, numbers: Sequence[int]) -> TruthColumns:
        """The objects of these images as columns, image n being the n-th of `numbers`.

        Raises:
            DataError: a damaged mask.
        """
        found = [self.instances(number) for number in numbers]
        counts = [len(each) for each in found]
        return TruthColumns(
            images=len(found),
            image=np.repeat(np.arange(len(found), dtype=np.int32), counts),
            classes=_joined([each.classes for each in found], np.int32),
            boxes=_joined([each.boxes for each in found], np.float64).reshape(-1, 4),
            areas=_joined([each.areas for each in found], np.float64),
            crowd=np.zeros(sum(counts), dtype=bool),
            runs=_runs([(each.rles, each.size) for each in found]),
            ignore=_joined([each.ignore for each in found if each.ignore is not None], np.bool_),
            absent=pairs([each.absent for each in found]),
            partial=pairs([each.partial for each in found]),
        )


def read_listing(path: Path) -> LvisTruth:
    """Read the images and classes of a truth file.

    Raises:
        DataError: as `read_truth`.
    """
    return checked(LvisTruth(path, load(path, Listing)))


def read_truth(path: Path) -> LvisTruth:
    """Read a truth file.

    Raises:
        DataError: it cannot be read, lacks a key, or names an image, a category or a frequency that does not exist.
    """
    truth = checked(LvisTruth(path, load(path, File)))
    for what, used, known in (
        ("image", truth.grouped, truth.by_number),
        ("category", {entry.category_id for each in truth.grouped.values() for entry in each}, truth.train_ids),
    ):
        unknown = sorted(set(used) - set(known))
        if unknown:
            raise DataError(f"{path}: an annotation of the {what} {unknown[0]}, which the file does not list")
    return truth


def read_results(path: Path, truth: LvisTruth, numbers: Sequence[int]) -> DetectionColumns:
    """Read a results file as COCO has it, on the images of these numbers; without masks, boxes stand for them.

    Raises:
        PredictionError: it cannot be read, names an image or category that the truth lacks, some detections have masks
            or boxes and others not, or any of them is damaged.
    """
    results = load(path, list[Result], PredictionError)
    coco_instances.check_results(results, path, frozenset(truth.numbers))
    unknown = sorted({result.category_id for result in results} - set(truth.train_ids))
    if unknown:
        raise PredictionError(f"{path}: a result of the category {unknown[0]}, which the truth does not list")
    masked, boxed = ([getattr(result, name) is not None for result in results] for name in ("segmentation", "bbox"))
    if results and (any(masked) != all(masked) or not (all(masked) or all(boxed))):
        raise PredictionError(f"{path}: some results have a segmentation or a bbox and others not; all need the same")
    places = {number: place for place, number in enumerate(numbers)}
    kept = [result for result in results if result.image_id in places]
    sizes = [(truth.by_number[place].height, truth.by_number[place].width) for place in numbers]
    image = [places[int(result.image_id)] for result in kept]
    shapes = [result.segmentation if all(masked) else [coco_instances.corners(result.bbox or [])] for result in kept]
    runs = _runs(
        [
            (_rles([shape], sizes[n], f"{path}: image {numbers[n]}", PredictionError), sizes[n])
            for n, shape in zip(image, shapes, strict=True)
        ]
    )
    if all(boxed):
        boxes = np.array([result.bbox for result in kept], dtype=np.float64).reshape(-1, 4)
    else:
        boxes = kernels.run_boxes(runs.offsets, runs.lengths, runs.heights)
    return DetectionColumns(
        images=len(numbers),
        image=np.array(image, dtype=np.int32),
        classes=np.array([truth.train_ids[result.category_id] for result in kept], dtype=np.int32),
        scores=np.array([result.score for result in kept], dtype=np.float64),
        boxes=boxes,
        runs=runs,
    )


def checked(truth: LvisTruth) -> LvisTruth:
    """Refuse images that share a number, and categories and frequencies that there are not."""
    if len(truth.by_number) < len(truth.images):
        raise DataError(f"{truth.path}: two images share an id; each image needs its own")
    for each in truth.categories:
        if each.frequency not in FREQUENCIES:
            raise DataError(f"{truth.path}: category {each.id} has the frequency {each.frequency!r}; it is r, c or f")
    for image in truth.images:
        for category in (*image.neg_category_ids, *image.not_exhaustive_category_ids):
            if category not in truth.train_ids:
                raise DataError(f"{truth.path}: image {image.id} lists the category {category}, which there is not")
    return truth


def _rles(shapes: Sequence[Segmentation], size: Size, where: str, wrong: Wrong) -> list[Rle]:
    return [coco_instances.mask(shape, size, where, wrong) for shape in shapes]


def _runs(found: Sequence[tuple[Sequence[Rle], Size]]) -> Runs:
    lengths = [masks.runs(rle) for rles, _ in found for rle in rles]
    heights = [size[0] for rles, size in found for _ in rles]
    offsets = np.cumsum([0, *(len(each) for each in lengths)], dtype=np.int64)
    return Runs(offsets, _joined(lengths, np.uint32), np.array(heights, dtype=np.int32))


def _joined(parts: Sequence[Array], dtype: type) -> Array:
    return np.concatenate([np.zeros(0, dtype), *(np.asarray(part, dtype=dtype).reshape(-1) for part in parts)])


def pairs(listed: Sequence[Sequence[int]]) -> Array:
    """Pairs of a place and what is listed there, (K, 2) int64."""
    return np.array([(n, each) for n, classes in enumerate(listed) for each in classes], dtype=np.int64).reshape(-1, 2)
