"""Curves, confusions and operating points from the command line: pycocotools' own arrays, plain
loops, and swaps.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_cases as cases
import numpy as np
import pytest
import small_runs

from bench import cli, comparison
from bench.comparison import contrasts
from bench.families.contract.rules import Rules
from bench.resample.permutation import Permutations
from bench.runs import Run

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
Bench = Callable[..., str]


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    """Run a command in words and return what it prints."""

    def call(*words: str | Path, code: int = 0) -> str:
        found = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        assert code == found, said.err
        return said.err if code else said.out

    return call


def evaluated(
    bench: Bench, folder: Path, made: Any, *more: str, without: str = "bbox"
) -> dict[str, Any]:
    truth = cases.dataset(made)
    for image in truth["images"]:
        image["file_name"] = f"{image['id']}.jpg"
    results = [
        {key: value for key, value in result.items() if key != without} for result in made.results
    ]
    for name, content in (("own.toml", CARD), ("truth.json", truth), ("results.json", results)):
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    asked = [
        "--dataset",
        folder / "own.toml",
        "--data",
        folder / "truth.json",
        "--out",
        folder / "runs",
        "--json",
    ]
    printed = bench(
        "eval", "--predictions", folder / "results.json", "--interval", "none", *asked, *more
    )
    record: dict[str, Any] = json.loads(printed)
    return record


@pytest.mark.parametrize("seed", [1, 4])
def test_curves_are_the_arrays_of_pycocotools(bench: Bench, tmp_path: Path, seed: int) -> None:
    made = cases.case(seed)
    record = evaluated(bench, tmp_path, made)
    bench("show", record["path"], "--curves", tmp_path / "curves.json")
    points = json.loads((tmp_path / "curves.json").read_text(encoding="utf-8"))
    theirs = cases.pycocotools(made, "segm").eval
    expected, ours = [], [each for each in points if each["group"] == "instance"]
    for k in range(made.classes):
        for t in range(10):
            precision, scores = theirs["precision"][t, :, k, 0, 2], theirs["scores"][t, :, k, 0, 2]
            if precision[0] != -1:
                expected += [
                    (str(k + 1), float(p), float(s)) for p, s in zip(precision, scores, strict=True)
                ]
    assert len(expected) > 100
    assert expected == [(each["class"], each["precision"], each["score"]) for each in ours]
    bench("show", record["path"], "--curves", tmp_path / "curves.csv")
    assert len(points) + 1 == len(
        (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()
    )


def test_results_without_any_object_are_told(bench: Bench, tmp_path: Path) -> None:
    made = cases.case(1)
    told = evaluated(bench, tmp_path, made)["warnings"]
    assert "no-detections" not in {warning["code"] for warning in told}
    made.results = []
    warnings = evaluated(bench, tmp_path, made, "--metrics", "AP,F1")["warnings"]
    assert 1 == [warning["code"] for warning in warnings].count("no-detections")


def test_results_of_boxes_alone_are_told_in_the_record(bench: Bench, tmp_path: Path) -> None:
    made = cases.case(1)
    record = evaluated(bench, tmp_path, made, without="segmentation")
    assert ["boxes"] == list(record["scores"])
    assert "results-of-boxes" in {warning["code"] for warning in record["warnings"]}
    asked = evaluated(bench, tmp_path, made, "--metrics", "AP", without="segmentation")
    assert "results-of-boxes" not in {warning["code"] for warning in asked["warnings"]}


def plain_points(made: Any, score: float) -> dict[str, list[float]]:
    """Precision, recall and F1 of the classes that have them, from the matches of pycocotools at an
    overlap of .5.
    """
    matches = cases.pycocotools(made, "segm").evalImgs
    values: dict[str, list[float]] = {"precision": [], "recall": [], "F1": []}
    for k in range(made.classes):
        tp = fp = truths = 0
        for match in matches[k * 4 * made.images : k * 4 * made.images + made.images]:
            if match is not None:
                truths += sum(1 for ignored in match["gtIgnore"] if not ignored)
                for place, value in enumerate(match["dtScores"]):
                    if value >= score and not match["dtIgnore"][0][place]:
                        tp, fp = (
                            tp + (match["dtMatches"][0][place] > 0),
                            fp + (match["dtMatches"][0][place] == 0),
                        )
        if truths:
            values["recall"].append(tp / truths)
            values["F1"].append(2 * tp / (2 * tp + fp + truths - tp))
            values["precision"] += [tp / (tp + fp)] if tp + fp else []
    return values


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("score", [0.5, 0.2])
def test_precision_recall_and_f1_are_those_of_plain_loops(
    bench: Bench, tmp_path: Path, seed: int, score: float
) -> None:
    made = cases.case(seed)
    record = evaluated(bench, tmp_path, made, "--metrics", "F1", "--shown-from", str(score))
    group = record["scores"]["operating_points"]
    for name, values in plain_points(made, score).items():
        expected = float(np.mean(values)) if values else None
        assert (
            expected == pytest.approx(group[name]["value"])
            if values
            else group[name]["value"] is None
        )
    best = [value for value in group["best_scores"].values() if value is not None]
    for other in (0.0, 0.3, 0.6, 0.9) if best else ():
        assert float(np.mean(plain_points(made, other)["F1"])) <= group["best_F1"]["value"] + 1e-12


def test_confusion_of_objects_is_seen_and_adds_up(bench: Bench, tmp_path: Path) -> None:
    made = cases.case(3)
    record = evaluated(
        bench, tmp_path, made, "--metrics", "object_confusion", "--shown-from", "0.3"
    )
    shown = bench(
        "show", record["path"], "--by", "confusion", "--confusion", tmp_path / "pairs.json"
    )
    assert "Objects by true class" in shown
    pairs = json.loads((tmp_path / "pairs.json").read_text(encoding="utf-8"))
    objects = [a["category_id"] for a in made.annotations if not a["iscrowd"]]
    for k in range(1, made.classes + 1):
        assert objects.count(k) == sum(pair["count"] for pair in pairs if pair["truth"] == str(k))
    group = record["scores"]["object_confusion"]
    truths = {str(k) for k in objects}
    found = [
        sum(p["count"] for p in pairs if p["truth"] == k and p["predicted"] != "nothing")
        / sum(p["count"] for p in pairs if p["truth"] == k)
        for k in truths
    ]
    assert float(np.mean(found)) == pytest.approx(group["found"]["value"])
    named = bench("show", record["path"], "--curves", tmp_path / "no.csv", code=2)
    assert "it has no detections matched as COCO or LVIS do" in named


def test_confusion_of_pixels_is_seen(bench: Bench, tmp_path: Path) -> None:
    run = small_runs.run(tmp_path, "a", 0.3, images=5)
    shown = bench("show", run.path, "--by", "confusion", "--confusion", tmp_path / "pairs.csv")
    assert "Pixels by true class" in shown
    rows = [
        line.split(",")
        for line in (tmp_path / "pairs.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    right = sum(int(count) for _, truth, predicted, count in rows if truth == predicted)
    total = sum(int(row[-1]) for row in rows)
    assert right / total == pytest.approx(run.record.scores["semantic"]["pixel_accuracy"]["value"])
    panoptic = small_runs.run(tmp_path, "b", 0.3, images=5, task="panoptic")
    for more in (["--by", "confusion"], ["--confusion", tmp_path / "x.csv"]):
        assert "--metrics object_confusion" in bench("show", panoptic.path, *more, code=2)


@pytest.mark.parametrize(
    "metric", ["F1", "best_F1", "object_found", "object_class_accuracy", "object_real"]
)
def test_scores_that_look_at_values_survive_a_swap_by_ranks(tmp_path: Path, metric: str) -> None:
    rules = Rules(families=("operating_points", "object_confusion"))
    pair: list[Run] = [
        small_runs.run(tmp_path, name, wrong, task="instance", model=n, images=12, rules=rules)
        for n, (name, wrong) in enumerate((("sharp", 0.05), ("blind", 0.6)))
    ]
    asked = contrasts.find_metric(pair, metric)
    first, second = (run.tables for run in pair)
    none = Permutations(np.array([[False] * 12, [True] * 12]), exact=False)
    differences = contrasts.permuted(asked, (first, second), none, np.arange(12), by_class=False)
    expected = (
        contrasts.plain(asked, first, by_class=False)
        - contrasts.plain(asked, second, by_class=False)
    ).tolist()
    assert expected == differences[0].tolist()
    assert expected == (-differences[1]).tolist()
    if metric == "F1":
        assert (
            comparison.compare(*pair, metric=metric, permutations=300).pairs[0].effect.differs(0.05)
        )
