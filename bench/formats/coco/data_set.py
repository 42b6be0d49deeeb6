"""COCO: images in val2017, objects and segments as JSON in annotations, panoptic maps as PNGs
beside their JSON.

`--data` is the folder that holds those, or one truth JSON. Images come by ascending id, as in
pycocotools: where scores tie, that order is part of the result. It knows no models and no metrics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench import images
from bench.cards import Card
from bench.classes import Classes, LabelSpace
from bench.errors import DataError, PredictionError
from bench.formats import Ids, PredictionReader, Progress
from bench.formats.coco import classes as coco_classes
from bench.formats.coco import columns as coco_columns
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.coco.files import (
    find_files,
    picture_finder,
    sample_names,
    write_names,
)
from bench.formats.coco.json_files import Number
from bench.formats.coco.origin import Origin
from bench.formats.coco.truth import object_truth, panoptic_truth
from bench.formats.finding import folders, predicted_files
from bench.formats.finding.grouping import groups_of
from bench.formats.labels.files import label_files
from bench.formats.labels.readers import PredictedLabels
from bench.images.upright import Album, Picture
from bench.notices import Notice
from bench.samples import Instances, LabelMap, Prediction, Sample, Segments
from bench.samples.columns import DetectionColumns, TruthColumns

Kind = TypeVar("Kind", LabelMap, Instances, Segments)


def read_truth(card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
    """List the images of a truth file by ascending image id; `root` is the folder or the truth JSON
    itself.

    Objects come from the instances file where the card's tasks ask for them and it is there, else
    from the segments. A sample's id is the file name without suffix, with its folders only where
    two images would share it.

    Raises:
        DataError: no truth file, a damaged one, or categories that contradict the card.
    """
    files = find_files(card, root, split)
    objects = None if files.panoptic else files.truth
    read = coco_columns.read_usual_truth(card, objects) if objects else None
    listed: Sequence[coco_json.ImageEntry]
    if files.panoptic:
        listed, truth_of, masks = *panoptic_truth(card, files, files.panoptic), True
    else:
        listed, truth_of, masks = object_truth(card, files.truth, read)
    names = sample_names(listed, str(files.truth))
    groups = groups_of(card.groups, list(names.values()))
    called = {entry.id: entry.file_name for entry in listed}
    every = tuple(names.values())
    find, samples, album = picture_finder(files), [], Album()
    for entry in sorted(listed, key=lambda entry: (isinstance(entry.id, str), entry.id)):
        picture, file = find(entry.file_name)
        samples.append(
            Sample(
                id=names[entry.id],
                truth=truth_of(entry.id),
                read_image=Picture(picture, (entry.height, entry.width), album),
                groups=groups.get(names[entry.id], {}),
                file=file,
                origin=Origin(
                    entry.id, (entry.height, entry.width), called, every, objects, read, masks
                ),
            )
        )
    return folders.chosen(samples, ids, files.truth)


def read_classes(card: Card, root: Path, split: str) -> Classes:
    """The categories of a truth file; train ids go by rising category.

    Raises:
        DataError: no truth file, or a damaged one.
    """
    return coco_classes.classes_of(find_files(card, root, split).truth, card)


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample], *, space: LabelSpace = "ids"
) -> PredictionReader:
    """Find predictions: results JSON (instance), JSON and PNGs (panoptic), or one label PNG an
    image (semantic).

    An image without results has no detections; for the other tasks every sample needs a prediction.

    Raises:
        PredictionError: no such files, unknown images or categories, scores that are not numbers,
            missing samples.
    """
    if task == "panoptic":
        return coco_panoptic.read_predictions(card, path, samples, number_of)
    if task == "instance":
        origins = [sample.origin for sample in samples if isinstance(sample.origin, Origin)]
        files = (
            origins[0].files if origins else {number_of(sample): sample.id for sample in samples}
        )
        return ObjectReader(coco_instances.results(card, coco_panoptic.single_json(path), files))
    coded = label_files(card)
    label_maps = predicted_files.find(path, samples, coded.suffixes)
    return PredictedLabels(coded, label_maps.paths, space, label_maps.notices)


@dataclass(frozen=True, eq=False)
class ObjectReader:
    """The detections of a results file; called, it gives those of a sample."""

    results: coco_instances.Results

    def __call__(self, sample: Sample) -> Instances:
        """The detections, in the order of the file.

        Raises:
            PredictionError: a damaged mask.
        """
        return self.results(number_of(sample), _size(sample))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is odd in the file."""
        return self.results.notices


def read_columns(
    card: Card,
    _root: Path,
    _split: str,
    path: Path,
    samples: Sequence[Sample],
    *,
    with_masks: bool = True,
) -> tuple[TruthColumns, DetectionColumns] | None:
    """Read truth and results of all samples at once; None where objects do not come from an
    instances file.

    Raises:
        DataError, PredictionError: as `read_truth` and `read_predictions`.
    """
    origins = [sample.origin for sample in samples if isinstance(sample.origin, Origin)]
    first = origins[0] if len(origins) == len(samples) else None
    if first is None or first.objects is None:
        return None
    read = (
        first.read
        if first.read and (not with_masks or first.read.columns.runs is not None)
        else None
    )
    results = coco_panoptic.single_json(path)
    numbers = [origin.number for origin in origins]
    file, detections = coco_columns.read(
        card, read or first.objects, results, with_masks=with_masks, numbers=numbers
    )
    return file.columns, detections


def write_truth(
    card: Card,
    root: Path,
    split: str,
    samples: Iterable[Sample],
    *,
    progress: Progress | None = None,
) -> None:
    """Write images as JPEG, and the panoptic and instances truth of the samples that have them.

    Raises:
        DataError: two samples with one image id, or files that cannot be written.
    """
    names = write_names(card, root, split)
    listed, segments = [], []
    objects: list[dict[str, Any]] = []
    seen: dict[Number, str] = {}
    for sample in samples:
        number = number_of(sample)
        if seen.setdefault(number, sample.id) != sample.id:
            raise DataError(
                f"{sample.id} and {seen[number]} share the image id {number}; each image needs "
                "its own"
            )
        if sample.read_image is not None:
            images.write_rgb(folders.inside(names.pictures, f"{sample.id}.jpg"), sample.image())
        height, width = _size(sample)
        listed.append(
            {"id": number, "file_name": f"{sample.id}.jpg", "height": height, "width": width}
        )
        if sample.truth.read_segments is not None:
            panoptic = sample.truth.segments()
            segments.append(
                coco_panoptic.annotation(card, number, sample.id, panoptic, names.masks)
            )
        if sample.truth.read_instances is not None:
            instances = sample.truth.instances()
            objects += coco_instances.annotation_entries(
                card, number, instances, first=len(objects) + 1
            )
        if progress:
            progress(1)
    head = {"images": listed, "categories": coco_json.categories_of(card)}
    if segments:
        coco_json.write(names.panoptic, {**head, "annotations": segments})
    if objects or not segments:
        things = [category for category in head["categories"] if category["isthing"]]
        coco_json.write(
            names.instances, {"images": listed, "categories": things, "annotations": objects}
        )


def write_predictions(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write results.json (instance), panoptic.json and its PNGs (panoptic), or <id>.png (semantic)
    below `path`.

    Raises:
        PredictionError: a prediction of another kind than the task's, or detections without scores.
    """
    if task == "panoptic":
        rows = ((number_of(s), s.id, p) for s, p in _of_kind(predictions, Segments))
        coco_panoptic.write_predictions(card, path, rows)
    elif task == "instance":
        instances = _of_kind(predictions, Instances)
        entries = [
            entry
            for s, p in instances
            for entry in coco_instances.result_entries(card, number_of(s), p)
        ]
        coco_json.write(
            path if path.suffix == ".json" else path / "results.json", entries, PredictionError
        )
    else:
        coded = label_files(card)
        for sample, prediction in _of_kind(predictions, LabelMap):
            coded.write_prediction(folders.inside(path, f"{sample.id}.png"), prediction.labels)


def number_of(sample: Sample) -> Number:
    """The image id of a sample: the one it came with, else its name if that is a number, else one
    made from it.
    """
    if isinstance(sample.origin, Origin):
        return sample.origin.number
    if isinstance(sample.origin, int):
        return sample.origin
    if sample.id.isdecimal():
        return int(sample.id)
    # 48 bits: every JSON reader holds them exactly, and names do not collide in practice.
    return int.from_bytes(hashlib.blake2b(sample.id.encode(), digest_size=6).digest(), "big")


def _size(sample: Sample) -> tuple[int, int]:
    if isinstance(sample.origin, Origin):
        return sample.origin.size
    if sample.truth.read_instances is not None:
        return sample.truth.instances().size
    if sample.truth.read_segments is not None:
        return sample.truth.segments().size
    return sample.truth.semantic().size


def _of_kind(
    predictions: Iterable[tuple[Sample, Prediction]], kind: type[Kind]
) -> Iterator[tuple[Sample, Kind]]:
    for sample, prediction in predictions:
        if not isinstance(prediction, kind):
            raise PredictionError(
                f"{sample.id}: a {kind.__name__} is expected, not {type(prediction).__name__}"
            )
        yield sample, prediction
