"""`bench run` with a model of one's own that answers with objects or segments: scored by its task,
and kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cards, cli, masks
from bench.formats.coco import data_set as coco
from bench.formats.objects.derive import instances_from_rles
from bench.samples import Sample, Segments, Truth

CARD = """
name = "tiny"
title = "Tiny"
layout = "coco"
tasks = ["instance", "panoptic"]
licence = "none"
cite = "none"
obtain = "none"
splits = { val = {} }
classes = [{ id = 3, name = "car", train_id = 0, thing = true }, { id = 5, name = "sky", train_id = 1, thing = false }]
"""
MODEL = '''
"""Finds what is bright: a car."""
import numpy as np
from bench import masks
from bench.formats.objects.derive import instances_from_rles
from bench.samples import Segments

class Bright:
    identity = {"kind": "model", "model": "bright"}
    settings = {"device": "cpu"}
    batch_size = 2

    def __init__(self, task):
        self.task = task

    def predict(self, images):
        return [self.answer(image[..., 0] > 128) for image in images]

    def answer(self, bright):
        if self.task == "instance":
            rles = [masks.encode(bright.astype(np.uint8))]
            return instances_from_rles(bright.shape, np.array([0]), rles, scores=np.array([0.5]))
        ids = np.where(bright, 2, 1).astype(np.int32)
        return Segments(ids, np.array([1, 2]), np.array([1, 0]), np.zeros(2, dtype=bool))

def load(card, options):
    return Bright(options.task or "instance")
'''


def _sample(index: int) -> Sample:
    bright = np.zeros((48, 64), dtype=np.uint8)
    bright[8 : 16 + index, 8:40] = 1
    ids = np.where(bright, 2, 1).astype(np.int32)
    segments = Segments(ids, np.array([1, 2]), np.array([1, 0]), np.zeros(2, dtype=bool))
    objects = instances_from_rles((48, 64), np.zeros(1, dtype=np.int64), [masks.encode(bright)])
    picture = np.repeat(bright[..., None] * np.uint8(255), 3, axis=2)
    truth = Truth(read_instances=lambda: objects, read_segments=lambda: segments)
    return Sample(f"{index:06}", truth, read_image=lambda: picture)


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Callable[..., tuple[int, str, str]]:
    """Runs `bench run` with the model on images of COCO's layout; returns exit code, output,
    errors.
    """
    (tmp_path / "tiny.toml").write_text(CARD)
    (tmp_path / "bright_of_the_test.py").write_text(MODEL)
    coco.write_truth(
        cards.load_card(tmp_path / "tiny.toml"),
        tmp_path / "data",
        "val",
        [_sample(n) for n in range(7)],
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "bright_of_the_test", raising=False)
    where = [
        "--dataset",
        tmp_path / "tiny.toml",
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "runs",
    ]

    def run(command: str, *words: str | Path) -> tuple[int, str, str]:
        code = cli.main([command, *(str(word) for word in (*where, *words))])
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


@pytest.mark.parametrize(
    ("task", "groups", "metric"),
    [("instance", {"instance", "boxes"}, "AP75"), ("panoptic", {"panoptic"}, "PQ")],
)
def test_models_of_every_task_are_scored_and_kept(
    bench: Any, task: str, groups: set[str], metric: str
) -> None:
    words = ["--model", "bright_of_the_test:load", "--task", task, "--save-predictions", "--json"]
    code, out, err = bench("run", *words)
    assert (0, "") == (code, err)
    found = json.loads(out)
    assert groups == set(found["scores"])
    # Pictures are JPEG: what is bright differs from the truth by a few pixels at most.
    assert all(group[metric]["value"] > 0.95 for group in found["scores"].values())
    code, out, _ = bench("eval", "--predictions", Path(found["path"]) / "predictions", "--json")
    assert 0 == code
    again = json.loads(out)["scores"]
    assert {name: group[metric]["value"] for name, group in found["scores"].items()} == {
        name: group[metric]["value"] for name, group in again.items()
    }


def test_metrics_of_another_task_are_refused(bench: Any) -> None:
    code, _, err = bench("run", "--model", "bright_of_the_test:load", "--metrics", "mIoU")
    assert 2 == code
    assert "needs semantic predictions, got instance predictions" in err


def test_the_form_of_areas_reaches_the_rules_and_that_of_voc_is_refused_elsewhere(
    bench: Any,
) -> None:
    words = ["--model", "bright_of_the_test:load", "--area-from", "box", "--json"]
    code, out, _ = bench("run", *words)
    assert 0 == code
    assert "box" == json.loads(out)["protocol"]["rules"]["area_from"]
    code, _, err = bench("run", *words[:2], "--voc-form", "2015")
    assert 2 == code
    assert "--voc-form has no effect on" in err
