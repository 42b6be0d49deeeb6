"""Predictions that are kept: every form in its official format, also after an interruption and with
several threads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cards, masks
from bench.errors import PredictionError, RunError, UsageError
from bench.evaluation import evaluate
from bench.evaluation.jobs import FromModel, Job
from bench.families.contract.rules import Rules
from bench.formats import layout
from bench.formats.coco import data_set as coco
from bench.formats.objects.derive import instances_from_rles
from bench.samples import Image, Instances, Prediction, Sample, Segments, Truth

COUNT, SIZE = 9, (12, 15)
CARD = cards.parse_card(
    b"""
name = "tiny"
title = "Tiny"
layout = "coco"
tasks = ["instance", "panoptic"]
licence = "none"
cite = "none"
obtain = "none"
splits = { val = {} }
classes = [{ id = 3, name = "car", train_id = 0, thing = true }, { id = 5, name = "sky", train_id = 1, thing = false }]
""",
    where="test",
)


def _objects(seed: int, *, scored: bool) -> Instances:
    rng = np.random.default_rng(seed)
    found = [np.zeros(SIZE, dtype=np.uint8) for _ in range(seed % 4)]
    for mask in found:
        top, left = rng.integers(0, 8, 2)
        mask[top : top + 4, left : left + 5] = 1
    scores = rng.random(len(found)) if scored else None
    rles = [masks.encode(mask) for mask in found]
    return instances_from_rles(SIZE, np.zeros(len(found), dtype=np.int64), rles, scores=scores)


def _segments(seed: int) -> Segments:
    ids = np.full(SIZE, 7, dtype=np.int32)
    ids[:5, : 2 + seed] = 70_000 + seed
    return Segments(ids, np.array([7, 70_000 + seed]), np.array([1, 0]), np.zeros(2, dtype=bool))


def _sample(index: int) -> Sample:
    truth = Truth(
        read_instances=lambda: _objects(index, scored=False), read_segments=lambda: _segments(index)
    )
    return Sample(
        f"{index:06}", truth, read_image=lambda: np.full((*SIZE, 3), index, dtype=np.uint8)
    )


SAMPLES = [_sample(index) for index in range(COUNT)]


class Seer:
    """Answers with the truth, whose number it reads off the picture; it can be told to break off,
    or to skip.
    """

    batch_size = 2

    def __init__(
        self, task: str, *, stop_at: int = COUNT, skip: bool = False, scored: bool = True
    ) -> None:
        self.identity, self.settings, self.task = (
            {"kind": "model", "model": "seer"},
            {"device": "cpu"},
            task,
        )
        self.stop_at, self.skip, self.scored = stop_at, skip, scored

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        numbers = [int(image[0, 0, 0]) for image in images]
        if self.stop_at in numbers:
            raise KeyboardInterrupt
        whole: list[Prediction] = [
            _segments(n) if self.task == "panoptic" else _objects(n, scored=self.scored)
            for n in numbers
        ]
        return whole[1:] if self.skip else whole


def _job(model: Seer, **changes: Any) -> Job:
    rules = Rules(families=("panoptic",) if model.task == "panoptic" else ("instance", "boxes"))
    job = Job(
        CARD,
        "val",
        SAMPLES,
        "seer",
        dict(model.identity),
        dict(model.settings),
        FromModel(model),
        rules=rules,
    )
    return replace(job, task=model.task, save_predictions=True, **changes)


@pytest.mark.parametrize(("task", "metric"), [("instance", "AP"), ("panoptic", "PQ")])
def test_what_is_kept_is_read_back(tmp_path: Path, task: str, metric: str) -> None:
    run = evaluate(_job(Seer(task)), out=tmp_path)
    scores = {name: group.get(metric, {}).get("value") for name, group in run.record.scores.items()}
    assert all(abs(value - 1) < 1e-12 for value in scores.values())
    read = layout(CARD).read_predictions(CARD, run.path / "predictions", task, SAMPLES)
    for index, sample in enumerate(SAMPLES):
        back = read(sample)
        if isinstance(back, Segments):
            assert np.array_equal(_segments(index).ids, back.ids)
            assert [1, 0] == [
                back.classes[back.segment_ids.tolist().index(n)] for n in (7, 70_000 + index)
            ]
        else:
            assert isinstance(back, Instances)
            expected = _objects(index, scored=True)
            assert [rle["counts"] for rle in expected.rles] == [rle["counts"] for rle in back.rles]
            assert expected.scores is not None
            assert back.scores is not None
            assert expected.scores.tolist() == back.scores.tolist()
    assert [] == [path.name for path in run.path.iterdir() if path.name.startswith("predictions-")]


@pytest.mark.parametrize("task", ["instance", "panoptic"])
def test_an_interruption_loses_no_prediction(tmp_path: Path, task: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(_job(Seer(task, stop_at=6)), out=tmp_path / "cut")
    cut = evaluate(_job(Seer(task)), out=tmp_path / "cut", resume=True)
    whole = evaluate(_job(Seer(task)), out=tmp_path / "whole")
    name = "results.json" if task == "instance" else "panoptic.json"
    one, other = ((run.path / "predictions" / name).read_text() for run in (cut, whole))
    assert json.loads(one) == json.loads(other)
    assert (
        0 < cut.record.timings["images_resumed"] < COUNT == whole.record.timings["images_counted"]
    )


def test_predictions_that_were_not_kept_at_first_cannot_be_kept_later(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(replace(_job(Seer("instance", stop_at=6)), save_predictions=False), out=tmp_path)
    with pytest.raises(RunError, match="was started with other files or settings"):
        evaluate(_job(Seer("instance")), out=tmp_path, resume=True)


def test_a_layout_without_the_format_is_refused_before_the_model_runs(tmp_path: Path) -> None:
    job = _job(Seer("panoptic", stop_at=0), card=replace(CARD, layout="lvis"))
    with pytest.raises(UsageError, match="panoptic"):
        evaluate(job, out=tmp_path)


def test_a_model_answers_every_image_in_the_form_of_its_task(tmp_path: Path) -> None:
    with pytest.raises(
        PredictionError, match=r"^000000: the model returned 1 prediction for a batch of 2 images"
    ):
        evaluate(_job(Seer("instance", skip=True)), out=tmp_path)
    with pytest.raises(PredictionError, match="have no scores"):
        evaluate(_job(Seer("instance", scored=False)), out=tmp_path)
    mistaken = Seer("panoptic")
    job = _job(mistaken)
    mistaken.task = "instance"
    with pytest.raises(PredictionError, match="not Instances"):
        evaluate(job, out=tmp_path)


def test_numbers_of_images_are_those_of_the_layout() -> None:
    assert list(range(COUNT)) == [coco.number_of(sample) for sample in SAMPLES]
