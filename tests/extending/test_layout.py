"""A layout from outside the package: one file, named by a card or by `--layout`, used from the
command line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import formats
from bench.cli import main

LAYOUT = '''"""Label maps as arrays: <split>/<id>.truth.npy beside <split>/<id>.png; predictions are <id>.npy."""

from pathlib import Path

import numpy as np

from bench import images
from bench.formats import Layout
from bench.samples import LabelMap, Sample, Truth


class Arrays(Layout):
    """One .npy file an image."""

    tasks = ("semantic",)

    def read_truth(self, card, root, split, *, ids=None):
        paths = sorted((root / split).glob("*.truth.npy"))
        return [_sample(path) for path in paths]

    def read_predictions(self, card, path, task, samples, *, space="ids"):
        return lambda sample: LabelMap(np.load(path / f"{sample.id}.npy"))


def _sample(path: Path) -> Sample:
    name = path.name.removesuffix(".truth.npy")
    picture = path.with_name(f"{name}.png")
    return Sample(
        id=name,
        truth=Truth(read_semantic=lambda: LabelMap(np.load(path))),
        read_image=lambda: images.read_rgb(picture),
    )


class Unfinished(Layout):
    """It reads no predictions."""

    def read_truth(self, card, root, split, *, ids=None):
        return []


class FromTruth(Arrays):
    """It lists its classes nowhere."""

    classes_from = ("truth",)


NOT_A_LAYOUT = 7
'''
CARD = """name = "own"
title = "Own"
layout = "{layout}"
tasks = ["semantic"]
classes = [
    {{ id = 0, train_id = 0, name = "ground" }},
    {{ id = 1, train_id = 1, name = "cell" }},
]
[splits.val]
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two images, their truth, predictions with one wrong pixel, and the package of the layout."""
    # Every test has a package of this name in a folder of its own.
    formats.find.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "arrays_package"]:
        monkeypatch.delitem(sys.modules, name)
    package = tmp_path / "arrays_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "arrays.py").write_text(LAYOUT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("a", "b"):
        labels = np.uint8([[0, 0, 1, 1]])  # type: ignore[arg-type]
        for folder in ("val", "found"):
            (tmp_path / folder).mkdir(exist_ok=True)
        np.save(tmp_path / "val" / f"{name}.truth.npy", labels)
        np.save(tmp_path / "found" / f"{name}.npy", np.uint8([[0, 0, 1, int(name == "a")]]))  # type: ignore[arg-type]
        Image.fromarray(np.zeros((1, 4, 3), np.uint8)).save(tmp_path / "val" / f"{name}.png")
    return tmp_path


def evaluated(
    folder: Path, card: str, capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, float]:
    (folder / "own.toml").write_text(card)
    arguments = [
        "eval",
        "-d",
        "own.toml",
        "--data",
        ".",
        "-p",
        "found",
        "--json",
        "--out",
        "runs",
        *more,
    ]
    assert 0 == main(arguments), capsys.readouterr().err
    scores = json.loads(capsys.readouterr().out)["scores"]["semantic"]
    return {name: score["value"] for name, score in scores.items() if "value" in score}


def test_a_card_names_a_layout_from_outside(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = evaluated(data, CARD.format(layout="arrays_package.arrays:Arrays"), capsys)
    assert 7 / 8 == scores["pixel_accuracy"]


def test_the_option_names_a_layout_from_outside(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = CARD.format(layout="voc")
    scores = evaluated(data, card, capsys, "--layout", "arrays_package.arrays:Arrays")
    assert 7 / 8 == scores["pixel_accuracy"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.layouts:Mine", "there is no module 'nowhere'"),
        ("arrays_package.array:Arrays", "there is no module 'arrays_package.array'"),
        (
            "arrays_package.arrays:Array",
            "the module 'arrays_package.arrays' has no 'Array': did you mean Arrays?",
        ),
        ("arrays_package.arrays:NOT_A_LAYOUT", "is not a class derived from bench.formats.Layout"),
        ("arrays_package.arrays:Unfinished", "the class does not implement read_predictions"),
        ("arrays_package.arrays:FromTruth", "the class does not implement read_classes"),
        ("arrays_package:arrays:Arrays", "must have the form package.module:Name"),
        (
            "arrays_package.broken:Arrays",
            "importing arrays_package.broken raised ZeroDivisionError",
        ),
    ],
)
def test_what_cannot_be_loaded_is_named(
    data: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (data / "arrays_package" / "broken.py").write_text("1 / 0\n")
    (data / "own.toml").write_text(CARD.format(layout=name))
    assert 2 == main(["eval", "-d", "own.toml", "--data", ".", "-p", "found"])
    error = capsys.readouterr().err.replace("\n", " ")
    assert f"layout = {name!r} cannot be loaded: " in error
    assert message in error
    (data / "own.toml").write_text(CARD.format(layout="voc"))
    assert 2 == main(["eval", "-d", "own.toml", "--data", ".", "-p", "found", "--layout", name])
    error = capsys.readouterr().err.replace("\n", " ")
    assert f"--layout {name}: " in error
    assert message in error


def test_a_layout_that_only_reads_refuses_to_write(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "prepare",
        "-d",
        "streets",
        "--layout",
        "arrays_package.arrays:Arrays",
        "--data",
        "drawn",
    ]
    assert 2 == main(arguments)
    assert "has ground truth for semantic only" in capsys.readouterr().err.replace("\n", " ")
