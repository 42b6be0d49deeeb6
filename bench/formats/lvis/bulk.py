"""LVIS' truth and results in bulk, by the compiled reader of COCO's files, in which no entry
becomes an object.

Anything unusual, right or wrong, is left to `columns.py`, which reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench import kernels, prefetch
from bench.formats.coco import instances as coco_instances
from bench.formats.coco.columns import agreeing, kept_runs, places_of, runs_of
from bench.formats.lvis import columns as lvis_columns
from bench.formats.lvis.columns import LvisTruth
from bench.formats.lvis.json_files import Category, Image, Listing
from bench.samples import Array
from bench.samples.columns import DetectionColumns, TruthColumns


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the images and categories of a file are found: `position` (N,) of the file's images, -1
    for left out.
    """

    truth: LvisTruth
    numbers: Sequence[int]
    position: Array

    def of(self, fields: dict[str, Any]) -> tuple[Array, Array] | None:
        """Positions (-1 for left out) and train ids of entries, int32; None where one is
        unknown.
        """
        image = places_of(fields["image_id"], self.truth.numbers)
        classes = places_of(
            fields["category_id"], [category.id for category in self.truth.categories]
        )
        return None if image is None or classes is None else (self.position[image], classes)


def read(
    truth: Path, results: Path, numbers: Sequence[int]
) -> tuple[TruthColumns, DetectionColumns]:
    """Read both files at the same time, on the images of these numbers, image n being the n-th of
    them.

    Raises:
        DataError, PredictionError: as `lvis_columns.read_truth` and `read_results`.
    """
    parsing = prefetch.take(results, "read_coco_results", with_masks=True)
    try:
        parsed = prefetch.take(truth, "read_coco_truth", with_masks=True).result()
        usual = None if parsed is None else _truth(truth, *parsed, numbers=numbers)
    finally:
        parsed_results = parsing.result()
    if usual is not None:
        objects, places = usual
        detections = None
        if parsed_results is not None and agreeing(parsed_results, places.truth.files):
            detections = _results(places, parsed_results[1])
        if detections is None:
            detections = lvis_columns.read_results(results, places.truth, numbers)
        return objects, detections
    whole = lvis_columns.read_truth(truth)
    return whole.columns(numbers), lvis_columns.read_results(results, whole, numbers)


def _truth(
    path: Path, data: bytes, fields: dict[str, Any], *, numbers: Sequence[int]
) -> tuple[TruthColumns, _Places] | None:
    areas, boxes = fields["areas"], fields["boxes"]
    # The slow reader reports unknown areas, and boxes outside every image (NaN fails the comparison
    # too).
    if b'"ignore"' in data or bool(np.isnan(areas).any()) or not _in_reach(boxes):
        return None
    try:
        images = msgspec.json.decode(data[slice(*fields["images"])], type=list[Image])
        categories = msgspec.json.decode(data[slice(*fields["categories"])], type=list[Category])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    truth = lvis_columns.checked(LvisTruth(path, Listing(images, categories)))
    places = _Places(truth, numbers, _positions(truth.numbers, numbers))
    where = places.of(fields)
    if where is None:
        return None
    image, classes = where
    kept = image >= 0
    listed = [truth.by_number[number] for number in numbers]
    columns = TruthColumns(
        images=len(numbers),
        image=image[kept],
        classes=classes[kept],
        boxes=boxes[kept],
        areas=areas[kept].astype(np.float64, copy=False),
        crowd=np.zeros(int(kept.sum()), dtype=bool),
        numbers=fields["numbers"][kept],
        marks=fields["marks"][kept],
        sizes=np.array([(entry.height, entry.width) for entry in listed], dtype=np.int32).reshape(
            -1, 2
        ),
        runs=kept_runs(runs_of(fields), kept),
        absent=lvis_columns.pairs(
            [[truth.train_ids[k] for k in entry.neg_category_ids] for entry in listed]
        ),
        partial=lvis_columns.pairs(
            [[truth.train_ids[k] for k in entry.not_exhaustive_category_ids] for entry in listed]
        ),
    )
    return columns, places


def _results(places: _Places, fields: dict[str, Any]) -> DetectionColumns | None:
    """The detections; None where something is unusual."""
    where, runs, boxes = places.of(fields), runs_of(fields), fields["boxes"]
    if where is None or runs is None or not _in_reach(boxes[~np.isnan(boxes[:, 0])]):
        return None
    image, classes = where
    listed = [places.truth.by_number[number] for number in places.numbers]
    sizes = np.array([(entry.height, entry.width) for entry in listed], dtype=np.int64).reshape(
        -1, 2
    )
    kept = image >= 0
    mask_sizes = np.stack([fields["heights"], fields["widths"]], axis=1)[kept]
    if not np.array_equal(sizes[image[kept]], mask_sizes):
        return None
    masks = kept_runs(runs, kept)
    if masks is not None and bool(np.isnan(boxes[:, 0]).any()):
        boxes = kernels.run_boxes(masks.offsets, masks.lengths, masks.heights)
    else:
        boxes = boxes[kept]
    return DetectionColumns(
        images=len(places.numbers),
        image=image[kept],
        classes=classes[kept],
        scores=fields["scores"][kept],
        boxes=boxes,
        runs=masks,
        numbers=np.flatnonzero(kept),
    )


def _in_reach(boxes: Array) -> bool:
    return bool((np.abs(boxes) <= coco_instances.FARTHEST).all())


def _positions(numbers: Sequence[int], wanted: Sequence[int]) -> Array:
    position_of = {number: position for position, number in enumerate(wanted)}
    return np.array([position_of.get(number, -1) for number in numbers], dtype=np.int32)
