"""Boundary AP against boundary-iou-api's method as plain loops and its published data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_cases as cases
import numpy as np
import pytest
from oracles import boundary_ap as boundary_ap_oracle

from bench import masks
from bench.classes import Class, Classes
from bench.metrics import instance

Array = np.ndarray[Any, Any]


def classes(count: int) -> Classes:
    return Classes(tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(count)))


def stats(
    columns: tuple[Any, Any], count: int, ratio: float = 0.02, area_from: Any = "mask"
) -> dict[str, float]:
    tables = instance.count(
        *columns, kinds=("boundary",), boundary_ratio=ratio, area_from=area_from
    )
    assert {"boundary_detections", "boundary_truths", "left_out"} == set(tables)
    scores = instance.score(
        tables, np.ones((1, columns[0].images)), classes(count), kind="boundary"
    )
    return {name: float(np.nan_to_num(scores[name][0], nan=-1)) for name in instance.OVERALL}


@pytest.mark.parametrize("ratio", [0.005, 0.02, 0.06])
@pytest.mark.parametrize("seed", range(6))
def test_boundary_ap_equals_the_plain_loops(seed: int, ratio: float) -> None:
    made = cases.case(seed)
    if not made.results:
        pytest.skip("nothing was found")
    results = [
        {key: value for key, value in result.items() if key != "bbox"} for result in made.results
    ]
    expected = boundary_ap_oracle.evaluated(cases.dataset(made), results, ratio).stats.tolist()
    assert expected == list(stats(cases.columns(made), made.classes, ratio).values())


def test_another_ratio_gives_another_score() -> None:
    made = cases.case(4, most=14)
    columns = cases.columns(made)
    assert 1 < len({stats(columns, made.classes, ratio)["AP"] for ratio in (0.005, 0.02, 0.06)})


@pytest.mark.parametrize(("boxes", "medium"), [(True, 0.7920792079), (False, 0.7367986799)])
def test_published_data_of_boundary_iou_api(
    shared_data: Callable[[str], Path], boxes: bool, medium: float
) -> None:
    root = shared_data("cocoapi_results") / "dataset"
    truth = json.loads((root / "gt_dataset.json").read_text(encoding="utf-8"))
    results = json.loads((root / "dt_dataset.json").read_text(encoding="utf-8"))
    results = results["annotations"] if isinstance(results, dict) else results
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    for entry in [*truth["annotations"], *results]:
        size, code = sizes[entry["image_id"]], entry["segmentation"]
        if isinstance(code, list):
            entry["segmentation"] = masks.from_polygons(code, size)
        elif isinstance(code["counts"], list):
            entry["segmentation"] = masks.from_uncompressed(code["counts"], size)
    columns = cases.truth_columns(truth), cases.detection_columns(truth, results)
    scores = stats(columns, len(truth["categories"]), area_from="box" if boxes else "mask")
    for name in ("AP", "AP50", "AP75"):
        assert 0.6947194719 == pytest.approx(scores[name], abs=5e-11)
    assert 0.0 == scores["APl"]
    assert medium == pytest.approx(scores["APm"], abs=5e-11)
    assert [2 / 3, 0.75, 0.75] == pytest.approx([scores[name] for name in ("AR1", "AR10", "AR100")])
