"""Predicted objects and segments for layouts that define no files for them: COCO's, in which images
go by their names.

An `image_id` is the sample's id, or what `image_ids.py` understands, such as the number that COCO
conversions make of it (2007_000033 becomes 2007000033).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import plain_json
from bench.errors import PredictionError
from bench.formats import PredictionReader
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import panoptic as coco_panoptic
from bench.formats.finding import folders, predicted_files
from bench.formats.finding.listing import listing_of
from bench.formats.objects.images import PredictedObjects
from bench.notices import Notice
from bench.samples import Instances, Prediction, Sample, Segments

if TYPE_CHECKING:
    from bench.cards import Card


def read_predictions(
    card: Card, path: Path, task: str, samples: Sequence[Sample]
) -> PredictionReader:
    """Find results.json (instance; an image without results has no detections), or panoptic.json
    and its PNGs.

    A folder of label images without a JSON holds objects by their numbers.

    Raises:
        PredictionError: no such files, unknown images or categories, scores that are not numbers,
            missing segments.
    """
    if task == "panoptic":
        return coco_panoptic.read_predictions(card, path, samples, lambda sample: sample.id)
    if _holds_label_images(path):
        files = predicted_files.find(path, samples)
        return PredictedObjects(card, path, files.paths, files.notices)
    return _ObjectReader(
        coco_instances.results(card, coco_panoptic.single_json(path), listing_of(samples).files)
    )


def _holds_label_images(path: Path) -> bool:
    if (
        not path.is_dir()
        or plain_json.files_in(path)
        or path.with_name(f"{path.name}.json").is_file()
    ):
        return False
    return bool(folders.files_below(path))


@dataclass(frozen=True, eq=False)
class _ObjectReader:
    """The detections of a results file; called, it gives those of a sample."""

    results: coco_instances.Results

    def __call__(self, sample: Sample) -> Prediction:
        return self.results(sample.id, sample.truth.instances().size)

    @property
    def notices(self) -> tuple[Notice, ...]:
        return self.results.notices


def write_predictions(
    card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
) -> None:
    """Write results.json (instance), or panoptic.json and its PNGs.

    Raises:
        PredictionError: a prediction of another kind than the task's, or detections without scores.
    """
    if task == "panoptic":
        segments = (
            (s.id, s.id, p)
            for s, p in predictions
            if _is(s, p, Segments) and isinstance(p, Segments)
        )
        coco_panoptic.write_predictions(card, path, segments)
        return
    kept = [(s, p) for s, p in predictions if _is(s, p, Instances) and isinstance(p, Instances)]
    entries = [entry for s, p in kept for entry in coco_instances.result_entries(card, s.id, p)]
    coco_json.write(
        path if path.suffix == ".json" else path / "results.json", entries, PredictionError
    )


def _is(sample: Sample, prediction: Prediction, kind: type) -> bool:
    if not isinstance(prediction, kind):
        raise PredictionError(
            f"{sample.id}: a {kind.__name__} is expected, not {type(prediction).__name__}"
        )
    return True
