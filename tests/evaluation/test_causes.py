"""Where nothing fits, the sentence says what was read, what lies there, and why that may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matching_cases as cases
import pytest

from bench import cli
from bench.errors import PredictionError
from bench.formats.finding import predicted_files
from bench.samples import Sample, Truth


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `bench eval`, which must end with one sentence."""

    def run(*words: str | Path) -> str:
        assert 2 == cli.main(["eval", *map(str, words)])
        err = capsys.readouterr().err
        assert 1 == err.count("\n"), err
        return err

    return run


def test_label_maps_of_another_split_are_told(tmp_path: Path, refused: Any) -> None:
    cases.write_labels(tmp_path / "lab/val", ["a", "b"])
    cases.write_labels(tmp_path / "lab/train", ["c", "d", "e"])
    cases.write_labels(tmp_path / "out", ["c", "d", "e"])
    (tmp_path / "card.toml").write_text(cases.card_text("pairs", "semantic"))
    asked = (
        "-p",
        tmp_path / "out",
        "-d",
        tmp_path / "card.toml",
        "--data",
        tmp_path,
        "--out",
        tmp_path / "runs",
    )
    said = refused(*asked)
    assert (
        "2 of 2 images have no prediction (a, b); a.png is expected, and 3 label files are "
        "there (c.png, d"
    ) in said
    assert (
        "the split 'val' of Mine was read (2 images), and the predictions fit all 3 images of "
        "'train'"
    ) in said
    (tmp_path / "out/e.png").unlink()
    said = refused(*asked)
    assert "the split 'val' of Mine was read (2 images)\n" in said
    assert "--split" not in said


def test_results_of_another_split_are_told(tmp_path: Path, refused: Any) -> None:
    """Objects are read in bulk, after everything else."""
    (tmp_path / "card.toml").write_text(cases.card_text("coco", "instance"))
    for split, numbers in (("val", [1, 2]), ("train", [3, 4])):
        names = [f"{number}.jpg" for number in numbers]
        cases.write_json(
            tmp_path / f"annotations/instances_{split}.json", cases.truth_of(names, numbers)
        )
    results = cases.write_json(tmp_path / "results.json", cases.results_of([3, 4]))
    said = refused(
        "-p", results, "-d", tmp_path / "card.toml", "--data", tmp_path, "--out", tmp_path / "runs"
    )
    assert (
        "result 0 is for image 3, which the ground truth does not list; 2 of 2 "
        "results are for images that are not listed"
    ) in said
    assert "the predictions fit all 2 images of 'train': --split train" in said


@pytest.mark.parametrize(
    ("ids", "missing", "words"),
    [
        (["a/1", "a/2", "b/1", "b/2"], ["b/1", "b/2"], "they are all images of b"),
        (["a/1", "b/1", "b/2", "c/1"], ["b/1", "b/2"], "they are all images of b"),
        (["1", "2", "3", "4"], ["3", "4"], "they are the last of the list"),
        (["1", "2", "3", "4"], ["1", "4"], None),
        (["1", "2"], ["2"], None),
    ],
)
def test_what_missing_images_have_in_common_is_told(
    tmp_path: Path, ids: list[str], missing: list[str], words: str | None
) -> None:
    cases.write_labels(tmp_path, [each for each in ids if each not in missing])
    with pytest.raises(
        PredictionError, match=f"{len(missing)} of {len(ids)} images have no prediction"
    ) as caught:
        predicted_files.find(tmp_path, [Sample(each, Truth()) for each in ids])
    assert (words or "they are") in str(caught.value) or words is None
    assert words is not None or "they are" not in str(caught.value)


def test_several_folders_of_predictions_are_told_apart(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        cases.write_labels(tmp_path / folder, ["a", "b"])
    with pytest.raises(
        PredictionError, match=r"an image has one; pass one of the folders, such as .*first"
    ):
        predicted_files.find(tmp_path, [Sample(each, Truth()) for each in "ab"])
