"""COCO truth and results as columns, the slow way: object by object, for files that the compiled
reader does not take.

It takes every file that `instances.py` takes, and refuses the others with the same messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import masks
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.files import refuse_shared_ids
from bench.formats.coco.json_files import ImageEntry, InstanceFile, Number
from bench.notices import Notice
from bench.samples import Array, Instances
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class TruthFile:
    """The images of a truth file by ascending id, and its objects; `columns.image` numbers the
    images in this order.

    `masks` says whether any of the objects has one, where there are objects.
    """

    images: Sequence[ImageEntry]
    columns: TruthColumns
    masks: bool = True

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The ids of the images."""
        return tuple(image.id for image in self.images)

    @cached_property
    def files(self) -> dict[Number, str]:
        """The file names of the images by image id."""
        return {image.id: image.file_name for image in self.images}


def truth(card: Card, path: Path, *, with_masks: bool) -> TruthFile:
    """Read a truth file object by object, each image's together.

    Raises:
        DataError: as `coco_instances.truth_of`, an object with a damaged mask, and two images that
            share an id.
    """
    file = coco_json.load(path, InstanceFile)
    read = coco_instances.truth_of(card, file, path)
    refuse_shared_ids(file.images, str(path))
    images = sorted(file.images, key=lambda entry: (isinstance(entry.id, str), entry.id))
    objects = [read(entry.id) for entry in images]
    columns = TruthColumns(
        images=len(images),
        areas=_joined((of_image.areas for of_image in objects), np.float64),
        crowd=_joined((of_image.crowd for of_image in objects), np.bool_),
        sizes=sizes_of(images),
        **_common(objects, with_masks=with_masks),
    )
    return noting_shared_ids(TruthFile(images, columns))


def noting_shared_ids(file: TruthFile) -> TruthFile:
    """The same truth, with a note where annotations share an id; scores do not depend on these
    ids.
    """
    numbers = file.columns.numbers
    if numbers is None or bool((np.diff(numbers) > 0).all()):
        return file
    ordered = np.sort(numbers)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return file
    many = f"{len(again)} annotations have" if len(again) > 1 else "1 annotation has"
    message = (
        f"{many} the id of another one (such as {int(again[0])}): each counts "
        "here, while pycocotools uses the last annotation with an id for all of them; give "
        "every annotation its own id"
    )
    return replace(
        file, columns=replace(file.columns, notices=(Notice("annotation-ids", message),))
    )


def results(card: Card, path: Path, listed: TruthFile, *, with_masks: bool) -> DetectionColumns:
    """Read a results file object by object, each image's together.

    Raises:
        PredictionError: as `coco_instances.results`, and a damaged mask.
    """
    read = coco_instances.results(card, path, listed.files)
    detections = [read(entry.id, (entry.height, entry.width)) for entry in listed.images]
    scores = (of_image.scores for of_image in detections if of_image.scores is not None)
    return DetectionColumns(
        images=len(detections),
        scores=_joined(scores, np.float64),
        notices=read.notices,
        **_common(detections, with_masks=with_masks),
    )


def sizes_of(images: Sequence[ImageEntry]) -> Array:
    """Heights and widths, (N, 2) int32."""
    return np.array([(image.height, image.width) for image in images], dtype=np.int32).reshape(
        -1, 2
    )


def _common(instances: Sequence[Instances], *, with_masks: bool) -> dict[str, Any]:
    lengths = (
        [masks.runs(rle) for of_image in instances for rle in of_image.rles] if with_masks else []
    )
    runs = (
        Runs(
            offsets=np.cumsum([0, *(len(row) for row in lengths)], dtype=np.int64),
            lengths=_joined(lengths, np.uint32),
            heights=np.repeat(
                np.array([of_image.size[0] for of_image in instances], dtype=np.int32),
                [len(of_image) for of_image in instances],
            ),
        )
        if with_masks
        else None
    )
    return {
        "numbers": _joined(
            (of_image.numbers for of_image in instances if of_image.numbers is not None), np.int64
        ),
        "marks": _joined(
            (of_image.marks for of_image in instances if of_image.marks is not None), np.uint8
        ),
        "image": np.repeat(
            np.arange(len(instances), dtype=np.int32), [len(of_image) for of_image in instances]
        ),
        "classes": _joined((of_image.classes for of_image in instances), np.int32),
        "boxes": _joined((of_image.boxes for of_image in instances), np.float64).reshape(-1, 4),
        "runs": runs,
    }


def _joined(arrays: Iterable[Array], dtype: type) -> Array:
    return np.concatenate(
        [np.zeros(0, dtype), *(np.asarray(array, dtype=dtype).reshape(-1) for array in arrays)]
    )
