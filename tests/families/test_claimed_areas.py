"""Areas that a panoptic truth claims and its pixels contradict: pixels count, and the record
warns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import scoring
from bench.cards import load_card
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.stored import stored_predictions
from bench.formats.coco import data_set as coco
from bench.runs import Run
from bench.samples import Sample, Segments, Truth

CARD = load_card("coco-panoptic")
SCALE = 0.3


def sample(name: str, seed: int) -> Sample:
    ids = np.kron(
        np.random.default_rng(seed).choice([0, 5, 70_000, 9], (4, 5)), np.ones((5, 5), int)
    ).astype(np.int32)
    numbers = np.unique(ids[ids > 0])
    segments = Segments(ids, numbers, np.arange(len(numbers)), np.zeros(len(numbers), dtype=bool))
    return Sample(name, Truth(read_segments=lambda: segments))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A truth of two images, which is its own prediction too."""
    folder = tmp_path / "data"
    coco.write_truth(CARD, folder, "val", [sample("000000000001", 1), sample("000000000002", 2)])
    return folder


def run(root: Path, predictions: Path, out: Path, metrics: str = "default") -> Run:
    samples = coco.read_truth(CARD, root, "val")
    rules = rules_for(CARD, "panoptic", metrics=metrics)
    job = stored_predictions(
        CARD, "val", samples, predictions, root=root, task="panoptic", rules=rules
    )
    return evaluate(job, out=out)


def warnings(found: Run) -> list[str]:
    return [warned.message for warned in found.record.warnings if warned.code == "json-areas"]


@pytest.mark.parametrize("metrics", ["PQ", "boundary_PQ", "all"])
def test_scaled_areas_change_no_score_and_are_told(
    root: Path, tmp_path: Path, metrics: str
) -> None:
    file = root / "annotations" / "panoptic_val2017.json"
    before = run(root, file, tmp_path / "before", metrics)
    assert [] == warnings(before)
    content = json.loads(file.read_text())
    entries = [
        entry for annotation in content["annotations"] for entry in annotation["segments_info"]
    ]
    for entry in entries:
        entry["area"] = round(entry["area"] * SCALE, 1)
    file.write_text(json.dumps(content))
    after = run(root, file, tmp_path / "after", metrics)
    first = content["annotations"][0]["segments_info"][0]
    told = (
        f"{len(entries)} segments in 2 images of the truth have an area in the JSON that is not "
        f"their pixels (first 000000000001, segment {first['id']}: area {first['area']:g}, but "
        f"{first['area'] / SCALE:.0f} pixels); pixels were counted"
    )
    assert [told] == warnings(after)
    assert before.record.scores == after.record.scores
    assert before.record.tables == after.record.tables
    assert [each.code for each in scoring.rescore(after).warnings].count("json-areas") == 1


def test_areas_that_are_missing_or_of_predictions_are_no_matter(root: Path, tmp_path: Path) -> None:
    file = root / "annotations" / "panoptic_val2017.json"
    content = json.loads(file.read_text())
    for annotation in content["annotations"]:
        for entry in annotation["segments_info"]:
            entry["area"] = 1
    predictions = tmp_path / "predicted"
    predictions.mkdir()
    (predictions / "panoptic.json").write_text(json.dumps(content))
    (predictions / "panoptic").symlink_to(file.with_suffix(""))
    for annotation in content["annotations"]:
        for entry in annotation["segments_info"]:
            del entry["area"]
    file.write_text(json.dumps(content))
    assert [] == warnings(run(root, predictions, tmp_path / "out"))


def test_panopticapi_s_sample_claims_what_is_there(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    file = shared_data("panopticapi_sample") / "sample_data" / "panoptic_examples.json"
    assert [] == warnings(run(file, file, tmp_path))
