"""What a notebook shows of the things that people hold: short, and of use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.boards import board_file
from bench.comparison import compare
from bench.evaluation.jobs import FromLoop, Job
from bench.samples import Instances, LabelMap, Segments

BOARD = Path(__file__).parents[2] / "leaderboards" / "streets"


def things() -> dict[str, tuple[Any, str]]:
    run = bench.read_run(BOARD / "runs" / "fcn")
    card = bench.load_card("coco-panoptic")
    opened = bench.open_data("streets", limit=2)
    found = compare(*sorted((BOARD / "runs").iterdir())[:6])
    evaluator = bench.Evaluator("camvid")
    evaluator.update(truth=np.zeros((4, 4), int), prediction=np.zeros((4, 4), int), id="a_1")
    job = Job(
        card=opened.card,
        split="val",
        samples=opened.samples,
        name="x",
        identity={},
        settings={},
        predictions=FromLoop(),
    )
    rle = {"size": [2, 2], "counts": b"04"}
    objects = Instances(
        (2, 2), np.zeros(1, int), [rle], np.ones(1), np.ones((1, 4)), scores=np.ones(1)
    )
    return {
        "Run": (run, "<Run fcn on "),
        "Record": (run.record, f"<Record {run.record.id} fcn on "),
        "Card": (card, "<Card coco-panoptic: 133 classes, panoptic"),
        "Classes": (card.classes, "<Classes person, bicycle, car"),
        "Data": (opened, "<Data "),
        "Sample": (opened.samples[0], f"<Sample {opened.samples[0].id}>"),
        "Comparison": (found, "Comparison of mIoU on 500 images"),
        "Pair": (found.pairs[0], "<Pair 0 - 1: "),
        "Evaluator": (evaluator, "<Evaluator of CamVid: semantic, 11 classes, 1 image>"),
        "Result": (evaluator.result(), "CamVid: 1 image"),
        "Scored": (evaluator.result().scored, "<Scored semantic (5 scores), "),
        "Job": (job, "<Job x on "),
        "Board": (board_file.read(BOARD), "<Board "),
        "LabelMap": (LabelMap(np.zeros((300, 400), np.uint8)), "<LabelMap 300 x 400>"),
        "Instances": (objects, "<Instances 1 in 2 x 2, with scores>"),
        "Segments": (
            Segments(np.zeros((3, 4), int), *[np.zeros(0, int)] * 3),
            "<Segments 0 in 3 x 4>",
        ),
    }


def test_reprs_are_short_and_begin_with_what_it_is() -> None:
    for name, (thing, begin) in things().items():
        text = repr(thing)
        assert text.startswith(begin), (name, text)
        assert len(text) < 1500, (name, len(text))
        assert "array(" not in text, name


def test_a_comparison_shows_its_pairs_and_says_how_many_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [BOARD / "runs" / name for name in ("deeplab", "fcn")]
    found = compare(*runs)
    effect = found.pairs[0].effect
    lines = repr(found).splitlines()
    assert lines[1].split()[:2] == ["deeplab", f"{100 * effect.first:.2f}"]
    assert lines[3].startswith(f"  deeplab - fcn: {100 * effect.difference:+.2f} [")
    monkeypatch.setattr("bench.comparison._SHOWN_PAIRS", 0)
    assert "and 1 more pairs, in .pairs" in repr(found)
