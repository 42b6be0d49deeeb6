"""LVIS: one truth JSON a split, and the images of COCO 2017 in train2017 and val2017.

`--data` is the folder that holds those, or the truth JSON. The classes come from that file, in
every version of LVIS. Samples are listed by ascending image id, as in the package lvis. It knows no
models and no metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from bench import images
from bench.cards import Card
from bench.classes import Class, Classes, LabelSpace
from bench.errors import UsageError
from bench.formats import Ids, PredictionReader, Progress
from bench.formats.coco import data_set as coco
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.coco.origin import Origin
from bench.formats.finding import folders
from bench.formats.finding.image_ids import plain
from bench.formats.finding.misplaced import nothing_found
from bench.formats.lvis import bulk as lvis_bulk
from bench.formats.lvis import columns as lvis_columns
from bench.formats.lvis.json_files import Image
from bench.images.upright import Album, Picture
from bench.samples import Prediction, Sample, Truth
from bench.samples.columns import DetectionColumns, TruthColumns

TRUTHS = ("lvis_v1_{split}.json", "annotations/lvis_v1_{split}.json", "lvis_v0.5_{split}.json")
"""Where the truth of a split is looked for below the root."""
PICTURES = ("val2017", "train2017", "images", ".")


def read_classes(card: Card, root: Path, split: str) -> Classes:
    """The classes of a truth file with their frequencies; train ids go by rising category.

    Raises:
        DataError: no truth file, or a damaged one.
    """
    listed = lvis_columns.read_listing(find_truth(card, root, _word(card, split))).categories
    entries = (
        Class(
            id=category.id,
            name=category.name,
            train_id=index,
            thing=True,
            frequency=category.frequency,
        )
        for index, category in enumerate(listed)
    )
    return Classes(tuple(entries), ignore=card.classes.ignore, void=card.classes.void)


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images of a truth file by ascending image id; a sample's id is the file name without
    suffix.

    Raises:
        DataError: no truth file, a damaged one, or ids that it does not list.
    """
    path = find_truth(card, root, _word(card, split))
    listing = lvis_columns.read_listing(path)
    whole = coco_json.once(partial(lvis_columns.read_truth, path))
    pictures = {image.id: _picture(path, image) for image in listing.images}
    files: dict[coco_json.Number, str] = {
        number: f"{picture.parent.name}/{picture.name}" for number, picture in pictures.items()
    }
    names = tuple(picture.stem for picture in pictures.values())
    samples, album = [], Album()
    for image in listing.images:
        picture = pictures[image.id]
        samples.append(
            Sample(
                id=picture.stem,
                truth=Truth(
                    read_instances=partial(lambda number: whole().instances(number), image.id)
                ),
                read_image=Picture(picture, (image.height, image.width), album),
                file=files[image.id],
                origin=Origin(image.id, (image.height, image.width), files, names),
            )
        )
    if ids is None or ids == "all":
        return samples
    return folders.chosen(samples, ids, path)


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find predictions: results JSON as COCO has it; an image without results has no detections.

    Raises:
        PredictionError: no such file, unknown images or categories, scores that are not numbers.
        UsageError: another task than instances.
    """
    _objects_only(card, task)
    return coco.read_predictions(card, path, task, samples, space=space)


def read_columns(
    card: Card, root: Path, split: str, path: Path, samples: Sequence[Sample]
) -> tuple[TruthColumns, DetectionColumns]:
    """Read truth and results of all samples at once.

    Raises:
        DataError, PredictionError: as `read_truth` and `read_predictions`.
    """
    numbers = [int(coco.number_of(sample)) for sample in samples]
    return lvis_bulk.read(
        find_truth(card, root, _word(card, split)), coco_panoptic.single_json(path), numbers
    )


def write_truth(
    card: Card,
    root: Path,
    split: str,
    samples: Iterable[Sample],
    *,
    progress: Progress | None = None,
) -> None:
    """Write images as JPEG into val2017, and the truth of objects.

    Raises:
        DataError: files that cannot be written.
    """
    listed: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    for sample in samples:
        number, truth = coco.number_of(sample), sample.truth.instances()
        if sample.read_image is not None:
            images.write_rgb(folders.inside(root / PICTURES[0], f"{sample.id}.jpg"), sample.image())
        scored = card.classes.scored
        listed.append(
            {
                "id": number,
                "coco_url": f"{PICTURES[0]}/{sample.id}.jpg",
                "height": truth.size[0],
                "width": truth.size[1],
                "neg_category_ids": [scored[train_id].id for train_id in truth.absent],
                "not_exhaustive_category_ids": [scored[train_id].id for train_id in truth.partial],
            }
        )
        entries = coco_instances.annotation_entries(card, number, truth, first=len(objects) + 1)
        for index, entry in enumerate(entries):
            del entry["iscrowd"]  # LVIS has none
            if truth.ignore is not None and truth.ignore[index]:
                entry["ignore"] = 1
        objects += entries
        if progress:
            progress(1)
    categories = [
        {"id": e.id, "name": e.name, "frequency": e.frequency or "f"} for e in card.classes.scored
    ]
    content = {"images": listed, "annotations": objects, "categories": categories}
    coco_json.write(root / TRUTHS[0].replace("{split}", _word(card, split)), content)


def write_predictions(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write results.json, as COCO has it.

    Raises:
        PredictionError: a prediction of another kind than objects, or detections without scores.
        UsageError: another task than instances.
    """
    _objects_only(card, task)
    coco.write_predictions(card, path, task, predictions)


def find_truth(card: Card, root: Path, split: str) -> Path:
    """The truth JSON of a split; `root` is the folder that holds it, or the file.

    Raises:
        DataError: there is none; the message lists what was looked for.
    """
    if root.is_file():
        return root
    names = [pattern.replace("{split}", split) for pattern in TRUTHS]
    for name in names:
        if (root / name).is_file():
            return root / name
    problem = f"there is no truth of the split {split!r} (looked for {', '.join(names)})"
    raise nothing_found(
        card, root, problem, lambda folder: any((folder / name).is_file() for name in names)
    )


def _picture(truth: Path, image: Image) -> Path:
    """The file of an image; if it is missing, the path where it is expected."""
    root = truth.parent.parent if truth.parent.name == "annotations" else truth.parent
    name = PurePosixPath(plain(image.coco_url or image.file_name or f"{image.id:012}.jpg"))
    # The file names of version 0.5 have a prefix that the files on disk do not have.
    stem = name.name.rsplit("_", 1)[-1]
    candidates = [
        root / folder / file_name
        for folder in (name.parent.name or ".", *PICTURES)
        for file_name in (name.name, stem)
    ]
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[0])


def _objects_only(card: Card, task: str) -> None:
    if task != "instance":
        raise UsageError(
            f"{card.title} has objects only; it takes no predictions of the task {task!r} on it"
        )


def _word(card: Card, split: str) -> str:
    return card.split(split).folder or split
