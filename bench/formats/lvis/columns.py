"""LVIS' truth and results, read and checked: objects image by image, or all at once as columns.

Results are COCO's. `json_files.py` has the types of the truth, `data_set.py` finds the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench import kernels, masks
from bench.errors import DataError, PredictionError
from bench.formats.coco import classes as coco_classes
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import masks as coco_masks
from bench.formats.coco.json_files import Number, Result, load
from bench.formats.finding import image_ids
from bench.formats.lvis.json_files import (
    FREQUENCIES,
    Annotation,
    Category,
    File,
    Image,
    Listing,
)
from bench.samples import Array, Instances, Rle
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

Size = tuple[int, int]


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
    def files(self) -> dict[Number, str]:
        """The file names of the images by image id."""
        return {image.id: image.coco_url or image.file_name for image in self.images}

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """The classes, whose places here are train ids."""
        return tuple(sorted(self.file.categories, key=lambda category: category.id))

    @cached_property
    def train_ids(self) -> dict[int, int]:
        """The place of each category."""
        return {category.id: index for index, category in enumerate(self.categories)}

    @cached_property
    def by_number(self) -> dict[int, Image]:
        """The image of each number."""
        return {image.id: image for image in self.images}

    @cached_property
    def grouped(self) -> dict[int, list[tuple[int, Annotation]]]:
        """The objects of each image with their places in the file, in its order."""
        groups: dict[int, list[tuple[int, Annotation]]] = defaultdict(list)
        for index, entry in enumerate(self.file.annotations if isinstance(self.file, File) else ()):
            groups[entry.image_id].append((index, entry))
        return groups

    def instances(self, number: int) -> Instances:
        """The objects of an image, and the classes that are known to be absent or annotated in
        part.

        Raises:
            DataError: a damaged mask.
        """
        image, placed = self.by_number[number], self.grouped.get(number, [])
        size = image.height, image.width
        shapes = [
            coco_masks.drawn(
                e.segmentation,
                e.bbox,
                size,
                f"{self.path}: {coco_classes.named(e, index)}",
                DataError,
            )
            for index, e in placed
        ]
        entries = [entry for _, entry in placed]
        return Instances(
            size=size,
            classes=np.array(
                [self.train_ids[entry.category_id] for entry in entries], dtype=np.int64
            ),
            rles=[rle for rle, _ in shapes],
            areas=np.array([entry.area for entry in entries], dtype=np.float64),
            boxes=np.array([entry.bbox for entry in entries], dtype=np.float64).reshape(-1, 4),
            ignore=np.array([bool(entry.ignore) for entry in entries], dtype=bool),
            absent=[self.train_ids[category] for category in image.neg_category_ids],
            partial=[self.train_ids[category] for category in image.not_exhaustive_category_ids],
            numbers=np.array(
                [coco_instances.number_of(entry, index) for index, entry in placed], dtype=np.int64
            ),
            marks=np.array([mark for _, mark in shapes], dtype=np.uint8),
        )

    def columns(self, numbers: Sequence[int]) -> TruthColumns:
        """The objects of these images as columns, image n being the n-th of `numbers`.

        Raises:
            DataError: a damaged mask.
        """
        objects = [self.instances(number) for number in numbers]
        counts = [len(of_image) for of_image in objects]
        return TruthColumns(
            images=len(objects),
            image=np.repeat(np.arange(len(objects), dtype=np.int32), counts),
            classes=_joined([of_image.classes for of_image in objects], np.int32),
            boxes=_joined([of_image.boxes for of_image in objects], np.float64).reshape(-1, 4),
            areas=_joined([of_image.areas for of_image in objects], np.float64),
            crowd=np.zeros(sum(counts), dtype=bool),
            sizes=np.array([of_image.size for of_image in objects], dtype=np.int32).reshape(-1, 2),
            runs=_runs([(of_image.rles, of_image.size) for of_image in objects]),
            ignore=_joined(
                [of_image.ignore for of_image in objects if of_image.ignore is not None], np.bool_
            ),
            absent=pairs([of_image.absent for of_image in objects]),
            partial=pairs([of_image.partial for of_image in objects]),
            numbers=_joined(
                [of_image.numbers for of_image in objects if of_image.numbers is not None], np.int64
            ),
            marks=_joined(
                [of_image.marks for of_image in objects if of_image.marks is not None], np.uint8
            ),
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
        DataError: it cannot be read, lacks a key, or names an image, a category or a frequency that
            does not exist.
    """
    truth = checked(LvisTruth(path, load(path, File)))
    for placed in truth.grouped.values():
        for index, entry in placed:
            subject = f"{path}: {coco_classes.named(entry, index)}"
            if entry.image_id not in truth.by_number:
                raise DataError(f"{subject} belongs to an image that the file does not list")
            if entry.category_id not in truth.train_ids:
                unlisted = (
                    f"has the category {entry.category_id}, which `categories` of the "
                    "file does not list"
                )
                raise DataError(f"{subject} {unlisted}")
            coco_instances.check_box(entry, index, path, DataError)
    return truth


def read_results(path: Path, truth: LvisTruth, numbers: Sequence[int]) -> DetectionColumns:
    """Read a results file as COCO has it, on the images of these numbers; without masks, boxes
    replace them.

    Raises:
        PredictionError: it cannot be read, names an image or category that the truth lacks, some
            detections have masks or boxes and others not, or any of them is damaged.
    """
    results = load(path, list[Result], PredictionError)
    notices = image_ids.resolve(results, truth.files, str(path))
    coco_instances.check_results(results, path)
    for index, result in enumerate(results):
        if result.category_id not in truth.train_ids:
            subject = f"{path}: {coco_classes.named(result, index)}"
            raise PredictionError(
                f"{subject} has the category {result.category_id}, which the ground truth does "
                "not list"
            )
    masked, boxed = (
        [getattr(result, name) is not None for result in results]
        for name in ("segmentation", "bbox")
    )
    if results and (any(masked) != all(masked) or not (all(masked) or all(boxed))):
        raise PredictionError(
            f"{path}: some results have a segmentation or a bbox and others not; all need the same"
        )
    position_of = {number: index for index, number in enumerate(numbers)}
    placed = [
        (index, result) for index, result in enumerate(results) if result.image_id in position_of
    ]
    kept = [result for _, result in placed]
    sizes = [(truth.by_number[number].height, truth.by_number[number].width) for number in numbers]
    image = [position_of[int(result.image_id)] for result in kept]
    shapes = [
        coco_masks.drawn(
            r.segmentation,
            r.bbox,
            sizes[n],
            f"{path}: {coco_classes.named(r, index)}",
            PredictionError,
        )
        for n, (index, r) in zip(image, placed, strict=True)
    ]
    runs = _runs([([rle], sizes[n]) for n, (rle, _) in zip(image, shapes, strict=True)])
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
        numbers=np.array([index for index, _ in placed], dtype=np.int64),
        marks=np.array([mark for _, mark in shapes], dtype=np.uint8),
        notices=notices,
    )


def checked(truth: LvisTruth) -> LvisTruth:
    """Refuse images that share a number, and categories and frequencies that do not exist."""
    if not truth.categories:
        raise DataError(f"{truth.path}: lists no categories, so there is nothing to score")
    if len(truth.by_number) < len(truth.images):
        raise DataError(f"{truth.path}: two images share an id; each image needs its own")
    for entry in truth.categories:
        if entry.frequency not in FREQUENCIES:
            raise DataError(
                f"{truth.path}: category {entry.id} has the frequency {entry.frequency!r}; it is "
                "r, c or f"
            )
    for image in truth.images:
        for category in (*image.neg_category_ids, *image.not_exhaustive_category_ids):
            if category not in truth.train_ids:
                raise DataError(
                    f"{truth.path}: image {image.id} lists the category {category}, which does "
                    "not exist"
                )
    return truth


def _runs(objects: Sequence[tuple[Sequence[Rle], Size]]) -> Runs:
    lengths = [masks.runs(rle) for rles, _ in objects for rle in rles]
    heights = [size[0] for rles, size in objects for _ in rles]
    offsets = np.cumsum([0, *(len(row) for row in lengths)], dtype=np.int64)
    return Runs(offsets, _joined(lengths, np.uint32), np.array(heights, dtype=np.int32))


def _joined(arrays: Sequence[Array], dtype: type) -> Array:
    return np.concatenate(
        [np.zeros(0, dtype), *(np.asarray(array, dtype=dtype).reshape(-1) for array in arrays)]
    )


def pairs(listed: Sequence[Sequence[int]]) -> Array:
    """Pairs of a place and what is listed there, (K, 2) int64."""
    return np.array(
        [(n, category) for n, classes in enumerate(listed) for category in classes], dtype=np.int64
    ).reshape(-1, 2)
