"""What lies at --predictions and --data, told by the task of the card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import matching_cases as cases
import pytest

from bench import cli
from bench.errors import DataError, PredictionError
from bench.evaluation.kinds import task_of
from bench.opening import open_data

RESULTS = [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 0.5}]
SEM_SEG = [
    {"file_name": "x.jpg", "category_id": 1, "segmentation": {"size": [1, 1], "counts": "0"}}
]
SEGMENTS = {
    "annotations": [
        {"image_id": 1, "file_name": "1.png", "segments_info": [{"id": 1, "category_id": 1}]}
    ]
}


def fill(root: Path, content: dict[str, Any]) -> Path:
    root.mkdir(parents=True)
    for name, each in content.items():
        if each is None:
            cases.write_labels(root, [name])
        else:
            cases.write_json(root / name, each)
    return root


# Tasks of the card, what lies in the folder, and what it is taken for or the sentence.
FOLDERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "one file of results": ("instance", {"r.json": RESULTS}, "instance"),
    "label maps": ("semantic", {"a": None}, "semantic"),
    "label maps beside a log": ("semantic", {"a": None, "log.json": {"mIoU": 1}}, "semantic"),
    "label maps beside two logs": ("semantic", {"a": None, "log.json": {"mIoU": 1}, "run.json": {}}, "semantic"),
    "two files of results": (
        "instance", {"bbox.json": RESULTS, "segm.json": RESULTS},
        r"out: holds 2 JSON files \(bbox.json, segm.json\); pass one, such as --predictions .*segm.json",
    ),
    "detectron2's two": (
        "instance", {"coco_instances_results.json": RESULTS, "sem_seg_predictions.json": SEM_SEG},
        r"holds 2 JSON files .*; pass one, such as --predictions .*coco_instances_results.json",
    ),
    "detectron2's semantic results": (
        "semantic", {"sem_seg_predictions.json": SEM_SEG},
        "sem_seg_predictions.json: detectron2's semantic results .* are not supported; Mine has ground truth for",
    ),
    "two logs": ("semantic", {"a.json": {}, "b.json": {}}, "holds 2 JSON files .*Mine has ground truth for semantic"),
    "results beside label maps": (
        "instance", {"a": None, "bbox.json": RESULTS, "segm.json": RESULTS}, "holds 2 JSON files"
    ),
    "nothing": ("instance", {}, "out: this folder is empty"),
    "label images of objects": ("instance", {"a": None, "b": None}, "instance"),
    "results for a card of label maps": (
        "semantic", {"r.json": RESULTS},
        "r.json holds instance results, but Mine has ground truth for semantic predictions"
    ),
    "segments for a card of objects": (
        "instance", {"p.json": SEGMENTS},
        "p.json holds panoptic results, but Mine has ground truth for instance predictions"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_is_taken_for_what_the_card_can_score_or_named(tmp_path: Path, case: str) -> None:
    task, content, words = FOLDERS[case]
    card = cases.card("pairs", task)
    folder = fill(tmp_path / "out", content)
    if words == task:
        assert words == task_of(folder, card)
        return
    with pytest.raises(PredictionError, match=words):
        task_of(folder, card)


def test_label_maps_are_no_objects_of_coco(tmp_path: Path) -> None:
    folder = fill(tmp_path / "out", {"a": None, "b": None})
    words = (
        r"out: this folder holds 2 \.png, read as label maps, but Mine has ground truth "
        r"for instance predictions"
    )
    with pytest.raises(PredictionError, match=words):
        task_of(folder, cases.card("coco", "instance"))


def test_one_file_is_taken_for_what_it_holds(tmp_path: Path) -> None:
    path = cases.write_json(tmp_path / "results.json", RESULTS)
    assert "instance" == task_of(path, cases.card("pairs", "instance"))
    with pytest.raises(
        PredictionError, match=r"results\.json: this file holds instance results, but Mine has"
    ):
        task_of(path, cases.card("pairs", "semantic"))


def test_the_command_says_it_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = cases.write_json(tmp_path / "truth.json", cases.truth_of(["x.jpg"], [1]))
    (tmp_path / "card.toml").write_text(cases.card_text("coco", "instance"))
    folder = fill(tmp_path / "out", {"bbox.json": RESULTS, "segm.json": RESULTS})
    words = [
        "eval",
        "-p",
        folder,
        "-d",
        tmp_path / "card.toml",
        "--data",
        truth,
        "--out",
        tmp_path / "runs",
    ]
    assert 2 == cli.main([str(word) for word in words])
    assert (
        f"error: {folder}: holds 2 JSON files (bbox.json, segm.json); pass one"
        in capsys.readouterr().err
    )
    shutil.rmtree(folder)
    folder.mkdir()
    assert 2 == cli.main([str(word) for word in words])
    assert f"error: {folder}: this folder is empty\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"), [(RESULTS, "a list of results"), (SEGMENTS, "panoptic results")]
)
def test_results_given_as_ground_truth_are_named(tmp_path: Path, content: Any, words: str) -> None:
    (tmp_path / "card.toml").write_text(cases.card_text("coco", "instance"))
    truth = cases.write_json(tmp_path / "results.json", content)
    with pytest.raises(
        DataError, match=f"results.json: .*{words}.*ground truth is an object with images"
    ):
        open_data(str(tmp_path / "card.toml"), root=truth)


def test_a_truth_file_for_a_folder_is_told_its_layout(tmp_path: Path) -> None:
    truth = cases.write_json(tmp_path / "truth.json", cases.truth_of(["x.jpg"], [1]))
    with pytest.raises(DataError, match=r"Cityscapes comes as a folder .*; --layout coco reads it"):
        open_data("cityscapes", root=truth)
