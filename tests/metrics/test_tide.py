"""Errors as TIDE sorts them: equal to tidecv run live where no scores tie, its counts and what
mending adds; laws.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import coco_cases as cases
import numpy as np
import pytest
from oracles import tide as tide_oracle

from bench.classes import Class, Classes
from bench.metrics import tide

Array = np.ndarray[Any, Any]
SHORT = {
    "Cls": "class",
    "Loc": "location",
    "Both": "both",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
}


@pytest.fixture
def tidecv(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tidecv 1.0.1 without what it draws and downloads with."""
    for name in (
        "cv2",
        "seaborn",
        "appdirs",
        "matplotlib",
        "matplotlib.lines",
        "matplotlib.pyplot",
        "tidecv.datasets",
    ):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name) or MagicMock())
    return pytest.importorskip(
        "tidecv", reason="tidecv is not installed: pip install --no-deps tidecv==1.0.1"
    )


def classes(count: int) -> Classes:
    return Classes(tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(count)))


def made(seed: int) -> Any:
    """A case of detections that are often of another class, or far off."""
    case = cases.case(seed, distinct_scores=True, most=14)
    random = np.random.default_rng(seed)
    for result in case.results:
        if random.random() < 0.3:
            result["category_id"] = int(random.integers(1, case.classes + 1))
        shift = random.integers(-25, 26, 2) if random.random() < 0.4 else np.zeros(2)
        result["bbox"] = [
            result["bbox"][0] + float(shift[0]),
            result["bbox"][1] + float(shift[1]),
            *result["bbox"][2:],
        ]
    return case


def reference(tidecv: ModuleType, case: Any, kind: str) -> Any:
    """Run tidecv; its errors and what mending each adds, by our names."""
    truth, found = tidecv.Data("truth"), tidecv.Data("found")
    for image in range(1, case.images + 1):
        truth.add_image(image, str(image))
        found.add_image(image, str(image))
    for entry in case.annotations:
        add = truth.add_ignore_region if entry["iscrowd"] else truth.add_ground_truth
        add(entry["image_id"], entry["category_id"], entry["bbox"], entry["segmentation"])
    for entry in case.results:
        found.add_detection(
            entry["image_id"],
            entry["category_id"],
            entry["score"],
            entry["bbox"],
            entry["segmentation"],
        )
    run = tidecv.TIDE(mode="mask" if kind == "mask" else "bbox").evaluate(
        truth, found, mode=kind if kind == "mask" else "bbox"
    )
    gains = {SHORT[error.short_name]: gain / 100 for error, gain in run.fix_main_errors().items()}
    counts = {SHORT[error.short_name]: count for error, count in run.count_errors().items()}
    return run.ap / 100, gains, counts


def ours(tables: dict[str, Any], case: Any) -> dict[str, float]:
    scores = tide.score(tables, np.ones((1, case.images)), classes(case.classes))
    return {name: float(scores[name][0]) for name in tide.OVERALL}


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("seed", range(12))
def test_tidecv_agrees(tidecv: ModuleType, seed: int, kind: Any) -> None:
    case = made(seed)
    if not case.annotations:
        pytest.skip("no truth: tidecv divides by zero")
    tables = tide.count(*cases.columns(case), kind=kind)
    ap, gains, counts = reference(tidecv, case, kind)
    scores = ours(tables, case)
    assert counts == tide.errors(tables)
    assert ap == pytest.approx(scores["AP50"], abs=1e-12)
    assert gains == pytest.approx({name: scores[f"dAP_{name}"] for name in tide.ERRORS}, abs=1e-12)


def test_every_kind_of_error_occurs() -> None:
    counts = [tide.errors(tide.count(*cases.columns(made(seed)), kind="box")) for seed in range(12)]
    assert all(sum(each[name] for each in counts) > 0 for name in tide.ERRORS)


def test_comparison_fails_where_an_error_is_another(tidecv: ModuleType) -> None:
    case = made(3)
    tables = tide.count(*cases.columns(case), kind="box")
    found = tables["tide_detections"]
    place = int(np.argmax(found["error"] > 0))
    found["error"][place] = 1 + found["error"][place] % 5
    assert reference(tidecv, case, "box")[2] != tide.errors(tables)


@pytest.mark.parametrize("seed", range(12))
def test_plain_loops_agree(seed: int) -> None:
    case = made(seed)
    counts, ap, gains = tide_oracle.evaluated(case.images, case.annotations, case.results)
    tables = tide.count(*cases.columns(case), kind="box")
    assert counts == tide.errors(tables)
    scores = ours(tables, case)
    assert {"AP50": ap, **gains} == pytest.approx(scores, abs=1e-12, nan_ok=True)


def test_equal_scores_keep_their_order(tidecv: ModuleType) -> None:
    """A right detection before a wrong one of its score; mending a third moves the wrong one up in
    tidecv.
    """
    shape = cases._entry(np.zeros((cases.H, cases.W), bool), 1, 1)["segmentation"]
    shared = {"image_id": 1, "category_id": 1, "segmentation": shape}
    first, second, low, nowhere = (
        [0, 0, 20, 20],
        [60, 60, 20, 20],
        [60, 60, 20, 8],
        [100, 0, 10, 10],
    )
    found = [(first, 0.5), (nowhere, 0.5), (low, 0.9)]
    case = cases.Case(
        1, 1, [], [{**shared, "bbox": [*map(float, box)], "score": score} for box, score in found]
    )
    case.annotations = [
        {**shared, "bbox": [*map(float, box)], "id": 1 + n, "iscrowd": 0, "area": 400.0}
        for n, box in enumerate((first, second))
    ]
    scores = ours(tide.count(*cases.columns(case), kind="box"), case)
    ap, gains, _ = reference(tidecv, case, "box")
    assert ap == pytest.approx(scores["AP50"])
    assert 1.0 == pytest.approx(scores["AP50"] + scores["dAP_location"])
    assert (51 + 50 * 2 / 3) / 101 == pytest.approx(ap + gains["location"])


# ---- laws


def test_rows_do_not_depend_on_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    case = made(4)
    tables = tide.count(*cases.columns(case), kind="box")
    weights = np.random.default_rng(0).random((7, case.images))
    together = tide.score(tables, weights, classes(case.classes))
    monkeypatch.setattr(tide, "_BLOCK", 2)
    again = tide.score(tables, weights, classes(case.classes))
    for name in tide.OVERALL:
        assert np.array_equal(together[name], again[name], equal_nan=True), name


def test_whole_weights_equal_repeated_images() -> None:
    case = made(5)
    times = (1 + np.arange(case.images) % 3).tolist()
    weighted = tide.score(
        tide.count(*cases.columns(case)), np.array([times], dtype=float), classes(case.classes)
    )
    again = cases.repeated(case, times)
    repeated = ours(tide.count(*cases.columns(again)), again)
    assert repeated == pytest.approx(
        {name: float(weighted[name][0]) for name in tide.OVERALL}, abs=1e-12
    )


def test_a_class_without_truth_counts_in_the_union_only(tidecv: ModuleType) -> None:
    case = made(6)
    more = cases.Case(case.images, case.classes + 1, case.annotations, [*case.results])
    more.results = [*case.results, {**case.results[0], "category_id": more.classes, "score": 0.01}]
    one = np.ones((1, case.images))
    tables = [tide.count(*cases.columns(each), kind="box") for each in (case, more)]
    union = [tide.score(each, one, classes(4))["AP50"][0] for each in tables]
    truth = [tide.score(each, one, classes(4), classes_in="truth")["AP50"][0] for each in tables]
    assert union[1] < union[0]
    assert [reference(tidecv, each, "box")[0] for each in (case, more)] == pytest.approx(
        union, abs=1e-12
    )
    assert truth[1] == truth[0]


def test_truth_rows_hold_no_prediction() -> None:
    case = made(7)
    before = tide.truth_rows(tide.count(*cases.columns(case)))
    case.results = case.results[:1]
    after = tide.truth_rows(tide.count(*cases.columns(case)))
    assert {name: column.tolist() for name, column in before.items()} == {
        n: c.tolist() for n, c in after.items()
    }
