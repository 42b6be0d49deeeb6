"""Objects in COCO's form, `bench eval` over them, and pycocotools with settings that are not COCO's
own.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench import cli
from bench.classes import Class, Classes
from bench.families.contract.rules import Rules

CARD = """
name = "own"
title = "Own"
layout = "coco"
tasks = ["instance"]
classes_from = "truth"
licence = "none"
cite = "none"
obtain = "made by the test"
splits = { val = {} }
"""
LARGE = 1e5**2
Numbers = dict[str, float]


def reference(truth: Any, results: list[Any], kind: str, rules: Rules) -> COCOeval:
    """Run pycocotools with the same numbers; its `summarize` knows only its own."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes([dict(result) for result in results]), kind)
        if rules.max_detections:
            evaluation.params.maxDets = list(rules.max_detections)
        if rules.iou_thresholds:
            evaluation.params.iouThrs = np.array(rules.iou_thresholds)
        if rules.area_ranges:
            evaluation.params.areaRng = [
                [0, LARGE],
                *([low, high] for _, low, high in rules.area_ranges),
            ]
            evaluation.params.areaRngLbl = ["all", *(name for name, _, _ in rules.area_ranges)]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def summary(evaluation: COCOeval) -> Numbers:
    """The scores that `summarize` would print, from the same arrays and by the same means."""
    params, found = evaluation.params, {}

    def mean(values: Any) -> float:
        return float(np.mean(values[values > -1])) if (values > -1).any() else np.nan

    names = [
        label[0] if label in ("small", "medium", "large") else label
        for label in params.areaRngLbl[1:]
    ]
    found["AP"] = mean(evaluation.eval["precision"][..., 0, -1])
    for name, at in (("AP50", 0.5), ("AP75", 0.75)):
        places = np.flatnonzero(np.isclose(params.iouThrs, at))
        if len(places):
            found[name] = mean(evaluation.eval["precision"][places, ..., 0, -1])
    for place, name in enumerate(names, start=1):
        found[f"AP{name}"] = mean(evaluation.eval["precision"][..., place, -1])
        found[f"AR{name}"] = mean(evaluation.eval["recall"][..., place, -1])
    for place, maximum in enumerate(params.maxDets):
        found[f"AR{maximum}"] = mean(evaluation.eval["recall"][..., 0, place])
    return found


def classes(count: int) -> Classes:
    return Classes(tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(count)))


def files(folder: Path, truth: Any, results: Any) -> list[str]:
    for image in truth["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    for name, content in (("own.toml", CARD), ("truth.json", truth), ("results.json", results)):
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    where = [
        "--dataset",
        folder / "own.toml",
        "--data",
        folder / "truth.json",
        "--out",
        folder / "runs",
    ]
    return [
        "eval",
        "--predictions",
        str(folder / "results.json"),
        *map(str, where),
        "--interval",
        "none",
    ]


def said(capsys: pytest.CaptureFixture[str], words: list[str], code: int = 0) -> str:
    found = cli.main(words)
    out = capsys.readouterr()
    assert code == found, out.err
    return out.err if code else out.out


def record(capsys: pytest.CaptureFixture[str], words: list[str]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(said(capsys, [*words, "--json"]))
    return loaded


def grid(rows: int, columns: int, images: int) -> tuple[Any, list[Any]]:
    """Images full of boxes of one class, and a perfect result."""
    boxes = [[20.0 * x + 2, 20.0 * y + 2, 14.0, 14.0] for y in range(rows) for x in range(columns)]
    entries = [
        {
            "id": n + 1,
            "image_id": 1 + n // len(boxes),
            "category_id": 1,
            "bbox": boxes[n % len(boxes)],
            "area": 196.0,
        }
        for n in range(images * len(boxes))
    ]
    truth = {
        "images": [
            {"id": n + 1, "height": 20 * rows, "width": 20 * columns} for n in range(images)
        ],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{**entry, "iscrowd": 0} for entry in entries],
    }
    keys = ("image_id", "category_id", "bbox")
    return truth, [
        {**{key: e[key] for key in keys}, "score": 1 - e["id"] / 10_000}  # type: ignore[operator]
        for e in entries
    ]
