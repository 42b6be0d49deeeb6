"""Two folders of label maps without a card: what their values mean, what is said of it, and what is
refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SIZE = (12, 16)
Bench = Callable[..., tuple[int, str, str]]


def blobs(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction of one image, as 0 and 1."""
    truth, found = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    truth[2:8, 2 + number : 8 + number] = 1
    found[3:9, 3 + number : 9 + number] = 1
    return truth, found


def save(
    folder: Path, values: Callable[[np.ndarray], np.ndarray], which: int, suffix: str = "png"
) -> Path:
    """Write the truths (0) or predictions (1) of four images, two of them in a folder of their
    own.
    """
    for number in range(4):
        path = folder / ("deep" if number % 2 else "") / f"c{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values(blobs(number)[which])).save(path)
    return folder


def same(labels: np.ndarray) -> np.ndarray:
    return labels


def white(labels: np.ndarray) -> np.ndarray:
    return labels * 255


def bordered(labels: np.ndarray) -> np.ndarray:
    found = labels.copy()
    found[0] = 255
    return found


def sevens(labels: np.ndarray) -> np.ndarray:
    return labels * 7


def expected(*, without_first_row: bool = False) -> list[float]:
    """IoU of both classes by plain loops."""
    hit, either = [0, 0], [0, 0]
    for number in range(4):
        truth, found = (each[1 if without_first_row else 0 :] for each in blobs(number))
        for label in (0, 1):
            hit[label] += int(((truth == label) & (found == label)).sum())
            either[label] += int(((truth == label) | (found == label)).sum())
    return [a / b for a, b in zip(hit, either, strict=True)]


@pytest.fixture
def bench(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return bench


def scores(out: str) -> tuple[dict[str, float], dict[str, str]]:
    """IoU by class, and the messages of notices by code."""
    record: dict[str, Any] = json.loads(out)
    classes = record["scores"]["semantic"]["per_class"]
    found = {name: entry["IoU"]["value"] for name, entry in classes.items()}
    return found, {each["code"]: each["message"] for each in record["warnings"]}


CODED = {
    "masks": (white, white, "foreground"),
    "masks and ids": (white, same, "foreground"),
    "ids and masks": (same, white, "foreground"),
    "ids": (same, same, "class 1"),
    "other values": (sevens, sevens, "class 7"),
    "void": (bordered, same, "class 1"),
}


@pytest.mark.parametrize("coding", CODED)
def test_values_of_both_folders_are_classes(tmp_path: Path, bench: Bench, coding: str) -> None:
    truth, predicted, name = CODED[coding]
    save(tmp_path / "masks", truth, 0)
    save(tmp_path / "found", predicted, 1, "tif")
    code, out, err = bench("eval", "found", "--truth", "masks", "--json")
    assert (0, "") == (code, err)
    by_class, told = scores(out)
    assert [2, name] == [len(by_class), list(by_class)[1]]
    assert expected(without_first_row=coding == "void") == list(by_class.values())
    assert ("assumed-masks" in told) == (name == "foreground")
    assert ("assumed-classes" in told) == (name != "foreground")
    assert ("assumed-void" in told) == (coding == "void")


def test_the_table_says_what_was_assumed(tmp_path: Path, bench: Bench) -> None:
    save(tmp_path / "masks", white, 0)
    save(tmp_path / "found", same, 1)
    _, out, _ = bench("eval", "found", "--truth", "masks")
    assert "only the values 0, 1 and 255, so 255 was read as the class foreground" in " ".join(
        out.split()
    )
    assert "found on masks all: 4 images" in out


def test_classes_are_named_or_counted(tmp_path: Path, bench: Bench) -> None:
    save(tmp_path / "masks", bordered, 0)
    save(tmp_path / "found", same, 1)
    asked = ["eval", "--predictions", "found", "--truth", "masks", "--json"]
    by_class, told = scores(bench(*asked, "--classes", "soil, plant,weed")[1])
    assert ["soil", "plant", "weed"] == list(by_class)
    assert "assumed-classes" not in told
    by_class, _ = scores(bench(*asked, "--classes", "2")[1])
    assert ["class 0", "class 1"] == list(by_class)


def test_values_to_ignore_are_the_persons_own(tmp_path: Path, bench: Bench) -> None:
    save(tmp_path / "masks", bordered, 0)
    save(tmp_path / "found", same, 1)
    by_class, told = scores(
        bench("eval", "found", "--truth", "masks", "--ignore", "none", "--json")[1]
    )
    assert ["class 0", "class 1", "class 255"] == list(by_class)
    assert "assumed-void" not in told
    by_class, told = scores(
        bench("eval", "found", "--truth", "masks", "--ignore", "0,255", "--json")[1]
    )
    assert ["class 1"] == list(by_class)
    assert (
        "0, which does not count in the ground truth, is also predicted" in told["void-predicted"]
    )
    truth, found = (
        sum(int((each == 1).sum()) for each in column)
        for column in zip(*map(blobs, range(4)), strict=True)
    )
    both = sum(int(((a == 1) & (b == 1)).sum()) for a, b in map(blobs, range(4)))
    assert truth == found
    assert both / truth == by_class["class 1"]  # predicted where the truth is 0 counts nowhere


def test_a_record_can_be_shown_and_compared(tmp_path: Path, bench: Bench) -> None:
    save(tmp_path / "masks", same, 0)
    for name in ("one", "two"):
        save(tmp_path / name, same, name == "one")
    for name in ("one", "two"):
        assert 0 == bench("eval", name, "--truth", "masks")[0]
    records = sorted((tmp_path / "runs").glob("masks-all/*/*"))
    code, out, _ = bench("show", records[0], "--per-image", tmp_path / "scores.csv")
    assert 0 == code
    assert "over 2 of 2 classes" in out
    assert 5 == len((tmp_path / "scores.csv").read_text().splitlines())
    code, out, _ = bench("compare", *records)
    assert 0 == code
    assert "two is ahead by" in out


def test_baselines_and_parts_of_the_images(tmp_path: Path, bench: Bench) -> None:
    save(tmp_path / "masks", same, 0)
    save(tmp_path / "found", same, 1)
    assert 0 == bench("eval", "baseline:oracle", "--truth", "masks")[0]
    (tmp_path / "ids").write_text("deep/c1\nc0\n")
    for words in (["--limit", "2"], ["--ids", "ids"]):
        record = json.loads(bench("eval", "found", "--truth", "masks", *words, "--json")[1])
        assert 2 == record["dataset"]["images"]
        assert "unused-files" not in {each["code"] for each in record["warnings"]}


def colored(labels: np.ndarray) -> np.ndarray:
    return np.array([[0, 0, 0], [200, 0, 0]], np.uint8)[labels]


def wide(labels: np.ndarray) -> np.ndarray:
    return np.arange(300, dtype=np.uint16).reshape(15, 20) + labels[0, 0]


REFUSED: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[str], str]] = {
    "colours of the truth": (colored, same, [], "need a card with colors = true"),
    "colours of predictions": (same, colored, [], "need a card with colors = true"),
    "numbers of objects": (
        wide,
        wide,
        [],
        "299 different values: these are images or object numbers",
    ),
    "value without a class": (
        sevens,
        sevens,
        ["--classes", "a,b"],
        "the value 7 is not one of --classes",
    ),
    "class of two": (
        same,
        same,
        ["--classes", "a,a"],
        "--classes a,a: give names separated by commas, each once",
    ),
    "class of none": (same, same, ["--classes", ","], "--classes ,: give names"),
    "more classes than values": (same, same, ["--classes", "70000"], "70000 classes are too many"),
    "nothing left": (
        same,
        same,
        ["--classes", "a,b", "--ignore", "0,1"],
        "--ignore 0,1: no class is left to score",
    ),
    "ignore of words": (
        same,
        same,
        ["--ignore", "void"],
        "--ignore void: give values from 0 to 65535",
    ),
    "with a data set": (same, same, ["-d", "camvid"], "--dataset and --truth cannot go together"),
    "with data": (same, same, ["--data", "x"], "--data and --truth cannot go together"),
    "with a space": (
        same,
        same,
        ["--label-space", "ids"],
        "--label-space ids has no effect with --truth",
    ),
    "with objects": (same, same, ["--task", "instance"], "objects and segments need a card"),
    "given twice": (same, same, ["-p", "found"], "the predictions are given twice"),
    "no images": (same, same, ["--limit", "0"], "--limit must be at least 1, got 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, bench: Bench, case: str
) -> None:
    truth, predicted, words, message = REFUSED[case]
    save(tmp_path / "masks", truth, 0)
    save(tmp_path / "found", predicted, 1)
    code, out, err = bench("eval", "found", "--truth", "masks", *words)
    assert (2, "") == (code, out)
    assert message in err
    assert 1 == err.count("\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["found", "--truth", "nowhere"], "--truth nowhere: expected a folder of label maps"),
        (["found", "--truth", "empty"], "--truth empty: there is no label map"),
        (["found", "--truth", "lossy"], "but JPEGs, whose compression changes labels"),
        (["nowhere", "--truth", "masks"], "nowhere: there is no such folder"),
        (["others", "--truth", "masks"], "have no prediction"),
        (["found"], "--dataset/-d is missing: name a data set"),
        (["--truth", "masks"], "--predictions/-p is missing"),
        (["found", "-d", "camvid", "--classes", "a"], "--classes has no effect without --truth"),
        (["found", "-d", "camvid", "--ignore", "0"], "--ignore has no effect without --truth"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, bench: Bench, words: list[str], message: str
) -> None:
    save(tmp_path / "masks", same, 0)
    save(tmp_path / "found", same, 1)
    save(tmp_path / "lossy", same, 0, "jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    Image.fromarray(blobs(0)[0]).save(tmp_path / "others" / "q.png")
    code, out, err = bench("eval", *words)
    assert (2, "") == (code, out)
    assert message in err
    assert 1 == err.count("\n")
