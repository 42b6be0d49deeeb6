"""The command line and the official tools over the same files: scenes of streets, written in the
official layouts.

Needs no data: a fresh clone runs what `test_acceptance.py` does on real files. Predictions are
damaged ground truth.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import coco_cases
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from bench import cli
from bench.baselines import baseline
from bench.cards import Card, load_card
from bench.formats import layout
from bench.samples import Sample
from bench.streets import dataset

IMAGES = 3
COCO_NAMES = (
    "AP",
    "AP50",
    "AP75",
    "APs",
    "APm",
    "APl",
    "AR1",
    "AR10",
    "AR100",
    "ARs",
    "ARm",
    "ARl",
)
KINDS = {"instance": "segm", "boxes": "bbox"}


@pytest.fixture(scope="module")
def drawn() -> list[Sample]:
    """A few scenes, in memory."""
    return list(dataset.samples(load_card("streets"), "mini", IMAGES))


@pytest.fixture(scope="module")
def files(
    drawn: list[Sample], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], tuple[Path, Path]]:
    """A function from layout and task to the folders of ground truth and of damaged predictions."""

    def written(name: str, task: str) -> tuple[Path, Path]:
        root = tmp_path_factory.mktemp(name)
        card: Card = load_card("streets").in_layout(name)
        layout(card).write_truth(card, root / "truth", "mini", drawn)
        read = baseline("shifted=3", card, drawn, task=task)
        layout(card).write_predictions(
            card, root / "found", task, [(sample, read(sample)) for sample in drawn]
        )
        return root / "truth", root / "found"

    return written


@pytest.fixture
def scores(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs `bench eval` and returns the scores of its JSON."""

    def run(name: str, truth: Path, found: Path, *words: str) -> dict[str, Any]:
        where = [
            "-p",
            str(found),
            "-d",
            "streets",
            "--layout",
            name,
            "--split",
            "mini",
            "--data",
            str(truth),
        ]
        code = cli.main(
            [
                "eval",
                *where,
                "--out",
                str(tmp_path / "runs"),
                "--interval",
                "none",
                "--json",
                *words,
            ]
        )
        printed = json.loads(capsys.readouterr().out)
        assert 0 == code, printed
        result: dict[str, Any] = printed["scores"]
        return result

    return run


def _value(entry: dict[str, Any]) -> float:
    return float("nan") if entry["value"] is None else float(entry["value"])


def _paired(truth: Path, found: Path, pattern: str) -> Iterator[tuple[Path, Path]]:
    for path in sorted(truth.rglob(pattern)):
        stem = path.name.split("_gtFine")[0].removesuffix(".png")
        (match,) = found.rglob(f"{stem}*.png")
        yield path, match


def test_voc_s_files_score_what_plain_loops_say(files: Any, scores: Any) -> None:
    truth, found = files("voc", "semantic")
    card = load_card("streets").in_layout("voc")
    matrix = np.zeros((256, 256), dtype=np.int64)
    for real, predicted in _paired(truth / "SegmentationClass", found, "*.png"):
        np.add.at(matrix, (np.asarray(Image.open(real)), np.asarray(Image.open(predicted))), 1)
    ids = [entry.id for entry in card.classes.scored]
    unscored = [value for value in range(256) if value not in ids]
    matrix[unscored] = 0
    expected = {
        entry.name: matrix[entry.id, entry.id]
        / (matrix[entry.id].sum() + matrix[:, entry.id].sum() - matrix[entry.id, entry.id])
        for entry in card.classes.scored
        if matrix[entry.id].any()
    }
    actual = scores("voc", truth, found)["semantic"]
    assert expected == {
        name: pytest.approx(_value(entry["IoU"]), rel=1e-12)
        for name, entry in actual["per_class"].items()
        if name in expected
    }
    assert np.mean(list(expected.values())) == pytest.approx(_value(actual["mIoU"]), rel=1e-12)
    assert 0.3 < _value(actual["mIoU"]) < 0.99


def test_cityscapes_files_score_what_its_script_says(
    files: Any, scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = files("cityscapes", "semantic")
    monkeypatch.setattr(
        np, "in1d", np.isin, raising=False
    )  # NumPy 2.4 removed what the script calls
    script = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    pairs = list(_paired(truth, found, "*_labelIds.png"))
    for name, value in {"evalInstLevelScore": False, "JSONOutput": False, "quiet": True}.items():
        monkeypatch.setattr(script.args, name, value)
    monkeypatch.setattr(script.args, "evalPixelAccuracy", False)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = script.evaluateImgLists(
            *([str(pair[side]) for pair in pairs] for side in (1, 0)), script.args
        )
    actual = scores("cityscapes", truth, found)["semantic"]
    assert expected["averageScoreClasses"] == pytest.approx(_value(actual["mIoU"]), rel=1e-12)
    for name, entry in actual["per_class"].items():
        theirs = expected["classScores"][name]
        assert theirs == pytest.approx(_value(entry["IoU"]), rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize("group", KINDS)
def test_coco_s_files_score_what_pycocotools_says(files: Any, scores: Any, group: str) -> None:
    truth, found = files("coco", "instance")
    (file,) = (truth / "annotations").glob("instances_*.json")
    (results,) = found.glob("*.json")
    entries = json.loads(results.read_text())
    if (
        group == "boxes"
    ):  # results with masks too have other areas in pycocotools: see instance-area-of-boxes
        boxes = coco_mask.toBbox([entry.pop("segmentation") for entry in entries])
        entries = [
            entry | {"bbox": box} for entry, box in zip(entries, boxes.tolist(), strict=True)
        ]
        results.write_text(json.dumps(entries))
    evaluation = coco_cases.evaluated(json.loads(file.read_text()), entries, KINDS[group])
    expected = [float("nan") if value < 0 else float(value) for value in evaluation.stats]
    actual = scores("coco", truth, results, "--task", "instance")[group]
    assert expected == pytest.approx(
        [_value(actual[name]) for name in COCO_NAMES], rel=1e-12, nan_ok=True
    )
    assert 0.05 < expected[0] < 0.99


def test_panoptic_files_score_what_panopticapi_says(files: Any, scores: Any) -> None:
    evaluation = pytest.importorskip("panopticapi.evaluation")
    truth, found = files("coco", "panoptic")
    (file,) = (truth / "annotations").glob("panoptic_*.json")
    (results,) = found.glob("*.json")
    real, predicted = json.loads(file.read_text()), json.loads(results.read_text())
    categories = {entry["id"]: entry for entry in real["categories"]}
    by_image = {entry["image_id"]: entry for entry in predicted["annotations"]}
    pairs = [(entry, by_image[entry["image_id"]]) for entry in real["annotations"]]
    folders = (
        str(file.with_suffix("")),
        str(next(path for path in found.iterdir() if path.is_dir())),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        statistics = evaluation.pq_compute_single_core(0, pairs, *folders, categories)
    actual = scores("coco", truth, found, "--task", "panoptic")["panoptic"]
    for suffix, thing in (("", None), ("_th", True), ("_st", False)):
        expected, _ = statistics.pq_average(categories, isthing=thing)
        for name in ("pq", "sq", "rq"):
            if f"{name.upper()}{suffix}" in actual:
                assert expected[name] == pytest.approx(
                    _value(actual[f"{name.upper()}{suffix}"]), rel=1e-12
                )
    assert 0.1 < _value(actual["PQ"]) < 0.99
