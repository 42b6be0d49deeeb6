"""A family from outside: an error in pixels, in one file, from counting to comparison and gate."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs
from PIL import Image

from bench import Evaluator, cli

SOURCE = '''
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.families import Family, Metric
from bench.families.contract.family import NoOptions, Scores


class WrongPixels(Family[NoOptions]):
    """Mean number of wrong pixels per image."""

    name = "wrong_pixels"
    group = "wrong_pixels"
    title = "wrong pixels"
    task = "semantic"
    tables = ("wrong_pixels",)
    options_type = NoOptions
    metrics = (
        Metric(
            "wrong",
            "wrong pixels",
            meaning="mean over images of the number of wrong pixels",
            reference="-",
            unit="px",
            better="lower",
            bounds=(0.0, float("inf")),
            leading=True,
        ),
    )

    def suits(self, card):
        return "semantic" in card.tasks

    def count(self, card, options, sample, prediction, *, position):
        truth = sample.truth.semantic()
        wrong = int(np.count_nonzero(truth.labels != prediction.labels))
        image = np.array([position], np.int32)
        return {"wrong_pixels": {"image": image, "pixels": np.array([wrong], np.int64)}}

    def rules_of(self, classes, options):
        return {"table": "wrong_pixels", "classes": list(classes.names)}

    def truth_rows(self, tables):
        return {"image": tables["wrong_pixels"]["image"]}

    def score(self, tables, weights, classes, options):
        pixels = np.zeros(weights.shape[1])
        pixels[tables["wrong_pixels"]["image"]] = tables["wrong_pixels"]["pixels"]
        return Scores({"wrong": weights @ pixels / weights.sum(axis=1)}, {})
'''
NAME = "their_metrics.pixels:WrongPixels"
IMAGES, SIDE = 12, 16
FORMATS = {
    "markdown": ("**{}**", " {} "),
    "latex": ("\\textbf{{{}}}", "& {} "),
    "html": ("<strong>{}</strong>", "{}"),
    "csv": ("", ""),
}
"""Formats of boards, with how each writes a bold and a plain value."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, ground truth, and predictions of a good and a bad model."""
    root = tmp_path_factory.mktemp("extending")
    (root / "their_metrics").mkdir()
    (root / "their_metrics" / "__init__.py").write_text("")
    (root / "their_metrics" / "pixels.py").write_text(SOURCE)
    random = np.random.default_rng(1)
    for name, least in {"truth": 0, "good": 5, "bad": 120}.items():
        (root / name).mkdir()
        for n in range(IMAGES):
            labels = np.zeros((SIDE, SIDE), np.uint8)
            labels.flat[: least + (random.integers(0, 40) if least else 0)] = 1
            Image.fromarray(labels).save(root / name / f"{n}.png")
    return root


def bench(folder: Path, *words: str, code: int = 0) -> str:
    """Run the command in the folder; return what it printed."""
    said = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        assert code == cli.main(list(words)), said.getvalue()
    return said.getvalue()


def alone(folder: Path, *words: str, code: int) -> str:
    """The same in a process of its own, which has loaded nothing before."""
    command = [sys.executable, "-m", "bench", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert code == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_an_error_in_pixels_works_as_soon_as_its_file_exists(folder: Path) -> None:
    truth = ["--truth", "truth", "--classes", "a,b", "--metrics", NAME]
    table = bench(folder, "eval", "good", *truth, "--name", "good")
    assert "px  95 % interval" in " ".join(table.split()).replace("  ", " ").replace(
        "px 95", "px  95"
    )
    made = json.loads(bench(folder, "eval", "bad", *truth, "--name", "bad", "--json"))
    entry = made["scores"]["wrong_pixels"]["wrong"]
    assert entry["interval"][0] > 1
    assert entry["interval"][0] < entry["value"] < entry["interval"][1]
    records = {
        name: next((folder / "runs").glob(f"*/{name}/*/run.json")).parent
        for name in ("good", "bad")
    }
    assert f"{entry['value']:.2f}" in bench(folder, "show", str(records["bad"]))
    verdict = bench(folder, "compare", str(records["bad"]), str(records["good"]))
    assert "good beats bad by" in " ".join(verdict.split())
    assert "px wrong pixels" in " ".join(verdict.split())
    config = (
        '[[checks]]\nname = "gate"\nbaseline = "{}"\nrun = "{}"\nmetrics = ["wrong"]\nmargin = {}\n'
    )
    (folder / "bench.toml").write_text(config.format(records["good"], records["bad"], 2.0))
    assert "worse than" in bench(folder, "check", code=1)
    (folder / "bench.toml").write_text(config.format(records["bad"], records["good"], 2.0))
    assert "better than" in bench(folder, "check")
    (folder / "bench.toml").write_text(config.format(records["good"], records["bad"], 250.0))
    assert "margin of 250.00" in " ".join(bench(folder, "check").split())
    (folder / "bench.toml").write_text(config.format(records["good"], records["bad"], -1))
    assert "the margin of wrong is -1; it must be 0 or more" in " ".join(
        bench(folder, "check", code=2).split()
    )
    (folder / "their_metrics").rename(folder / "moved")
    told = alone(folder, "show", str(records["bad"]), code=2)
    assert (
        "its metrics come from their_metrics.pixels:WrongPixels, which cannot be loaded"
        in " ".join(told.split())
    )
    (folder / "moved").rename(folder / "their_metrics")


def test_a_metric_by_name_is_shown_alone_with_its_interval(folder: Path) -> None:
    truth = ["good", "--truth", "truth", "--classes", "a,b", "--name", "named", "--metrics"]
    table = bench(folder, "eval", *truth, "IoU")
    assert "class IoU % 95 % interval" in " ".join(table.split())
    assert "Dice" not in table
    table = bench(folder, "eval", *truth, "mDice", "--overwrite")
    assert "mean Dice" in table
    assert "class" not in table.partition("mean Dice")[2].partition("run record")[0].replace(
        "classes", ""
    )
    record = json.loads(bench(folder, "eval", *truth, "mDice", "--overwrite", "--json"))
    assert {"mIoU", "mDice", "pixel_accuracy"} <= set(record["scores"]["semantic"])


def test_a_family_is_loaded_from_a_file(folder: Path) -> None:
    (folder / "files").mkdir()
    (folder / "files" / "own.py").write_text(SOURCE)
    truth = ["--truth", "truth", "--classes", "a,b", "--metrics"]
    table = bench(folder, "eval", "good", *truth, "files/own.py:WrongPixels", "--name", "by-file")
    assert "px 95 % interval" in " ".join(table.split())
    record = next((folder / "runs").glob("*/by-file/*/run.json")).parent
    assert (
        table.partition("Intervals")[0]
        == bench(folder, "show", str(record)).partition("Intervals")[0]
    )
    assert "no file files/none.py" in bench(
        folder, "eval", "good", *truth, "files/none.py:WrongPixels", code=2
    )
    assert "'files/own.py' has no 'Wrong'" in bench(
        folder, "eval", "good", *truth, "files/own.py:Wrong", code=2
    )
    (folder / "files" / "broken.py").write_text("1 / 0")
    told = bench(folder, "eval", "good", *truth, "files/broken.py:WrongPixels", code=2)
    assert "importing files/broken.py raised ZeroDivisionError" in " ".join(told.split())


def test_what_is_not_a_family_is_said_in_one_sentence(folder: Path) -> None:
    truth = ["good", "--truth", "truth", "--classes", "a,b", "--metrics"]
    assert "is not a class derived from" in bench(
        folder, "eval", *truth, "their_metrics.pixels:np", code=2
    )
    assert "there is no module 'nowhere'" in bench(folder, "eval", *truth, "nowhere:Family", code=2)


def test_results_in_python_show_the_unit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    evaluator = Evaluator(["a", "b"], metrics=[NAME, "pixels"])
    truth, prediction = np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.uint8)
    for _ in range(3):
        evaluator.update(truth=truth, prediction=prediction)
    result = evaluator.result()
    assert re.search(r"^  wrong +4\.00 px  \[4\.00, 4\.00\]$", repr(result), re.MULTILINE)
    assert re.search(r"^  pixel_accuracy +75\.00  \[", repr(result), re.MULTILINE)
    assert "<td>4.00 px</td><td>[4.00, 4.00]</td>" in result._repr_html_()
    assert 4.0 == result.to_pandas().loc["wrong", "value"]
    evaluator = Evaluator(["a", "b"], metrics=NAME)
    evaluator.update(truth=truth, prediction=prediction)
    run = evaluator.save(folder / "saved", name="in-python")
    assert "1 image: wrong 4.00 px, " in repr(run)


def test_a_metric_by_name_is_shown_alone_in_python() -> None:
    truth, prediction = np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.uint8)
    truth[0] = 1

    def shown(metrics: str | list[str]) -> list[str]:
        evaluator = Evaluator(["a", "b"], metrics=metrics)
        evaluator.update(truth=truth, prediction=prediction)
        result = evaluator.result()
        assert "mDice" in result.scores
        assert "mDice" in evaluator.scores()
        return [line.split()[0] for line in repr(result).splitlines()[1:]]

    assert ["mDice"] == shown("mDice")
    assert ["IoU:a", "IoU:b"] == shown("IoU")
    assert ["mIoU", "IoU:a", "IoU:b"] == shown(["IoU", "mIoU"])
    assert "pixel_accuracy" in shown("pixels")


def test_boards_show_the_unit_and_the_lowest_value_in_bold(folder: Path) -> None:
    (folder / "board").mkdir()
    head = 'title = "Wrong pixels"\ndataset = "blocks.toml"\nsplit = "val"\n'
    (folder / "board" / "board.toml").write_text(f'{head}metrics = ["wrong"]\nprimary = "wrong"\n')
    (folder / "board" / "blocks.toml").write_text(
        small_runs.CARD.replace('groups = "sequence"', "")
    )
    (folder / "images").mkdir()
    for n in range(8):
        Image.fromarray(small_runs.truth_labels(n)).save(folder / "images" / f"image{n:03}.png")
        Image.new("RGB", (16, 16)).save(folder / "images" / f"image{n:03}.jpg")
    where = [
        "-d",
        "board/blocks.toml",
        "--data",
        "images",
        "--out",
        "board-runs",
        "--json",
        "--metrics",
        NAME,
    ]
    values = {}
    for name in ("constant", "damaged"):
        made = json.loads(bench(folder, "eval", "-p", f"baseline:{name}", *where))
        bench(folder, "board", "add", made["path"], "board")
        values[name] = made["scores"]["wrong_pixels"]["wrong"]["value"]
    best, worst = f"{values['damaged']:.1f}", f"{values['constant']:.1f}"
    assert values["damaged"] < values["constant"]
    pages = {form: bench(folder, "board", "show", "board", "--format", form) for form in FORMATS}
    for form, (bold, plain) in FORMATS.items():
        assert bold.format(best) in pages[form], form
        assert form == "csv" or bold.format(worst) not in pages[form], form
        assert plain.format(worst) in pages[form], form
        assert form == "csv" or re.search(r"\bpx\b", pages[form]), form
        assert pages[form].index("damaged") < pages[form].index("constant")
    best_row, worst_row = csv.DictReader(io.StringIO(pages["csv"]))
    assert ("damaged", "True") == (best_row["name"], best_row["wrong:bold"])
    assert ("constant", "False") == (worst_row["name"], worst_row["wrong:bold"])
    assert values["constant"] == float(worst_row["wrong"])
