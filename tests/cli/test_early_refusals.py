"""`bench run` refuses what needs no torch before torch is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CARD = """
name = "mine"
title = "Mine"
layout = "pairs"
tasks = ["semantic"]
splits = { val = {} }
files = { images = "images/{id}.png", labels = "labels/{id}.png" }
classes = [{ id = 1, name = "road", train_id = 0 }, { id = 2, name = "car", train_id = 1 }]
"""
DATA = ["--dataset", "mine.toml", "--data", "data"]
WRONG = {
    "weights": (["-m", "deeplab", "--weights", "none.pth"], "there is no file none.pth"),
    "no weights": (["-m", "unet", *DATA], "--model unet has no weights for mine"),
    "weights of a web page": (
        ["-m", "unet", *DATA, "--weights", "page.pth"],
        "is a web page, not weights",
    ),
    "folder": (["-m", "mask2former", *DATA, "--weights", "none"], "there is no folder none"),
    "folder of a library": (
        ["-m", "unet", *DATA, "--weights", "data"],
        "is a folder without config.json and",
    ),
    "network file": (["-m", "onnx", *DATA, "--weights", "none.onnx"], "there is no file none.onnx"),
    "sidecar": (
        ["-m", "onnx", *DATA, "--weights", "w.onnx", "--config", "none.toml"],
        "there is no such file",
    ),
    "name": (["-m", "deeplap"], "did you mean deeplab"),
    "module": (["-m", "none_of_mine:f", *DATA], "there is no module 'none_of_mine'"),
    "file": (["-m", "none.py:f", *DATA], "there is no file none.py"),
    "split": (["-m", "deeplab", "-s", "tset"], "has no split 'tset'"),
    "card": (["-m", "deeplab", "-d", "none.toml"], "no card at none.toml"),
    "data": (["-m", "own.py:f", "-d", "mine.toml", "--data", "none"], "there is no such folder"),
    "ids": (["-m", "deeplab", "--ids", "none.txt"], "--ids none.txt"),
    "unknown id": (["-m", "own.py:f", *DATA, "--ids", "ids.txt"], "nobody"),
    "limit": (["-m", "deeplab", "--limit", "0"], "--limit must be at least 1, got 0"),
    "layout": (["-m", "deeplab", "--layout", "x"], "--layout x"),
    "task": (
        ["-m", "deeplab", "--task", "instance"],
        "--model deeplab does not support --task instance (it supports semantic)",
    ),
    "option": (["-m", "fcn", "--detections", "3"], "--model fcn does not support --detections"),
    "metric": (["-m", "fcn", "--metrics", "mIuO"], "did you mean mIoU"),
    "metric of a task": (["-m", "fcn", "--metrics", "PQ"], "needs panoptic predictions"),
    "metric of own code": (["-m", "own.py:f", *DATA, "--metrics", "mIuO"], "did you mean mIoU"),
    "region": (["-m", "fcn", "--regions", "crop"], "did you mean crops"),
    "setting": (["-m", "fcn", "--area-from", "box"], "has no effect on"),
    "out": (["-m", "fcn", "--out", "mine.toml"], "this is a file"),
    "below a file": (["-m", "fcn", "--out", "mine.toml/runs"], "is a file"),
}
RUN = """
import contextlib, io, json, os, sys
from bench import cli
found = {}
for name, words in json.load(sys.stdin).items():
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = cli.main(["run", *words])
    found[name] = [code, said.getvalue(), sorted({"torch", "transformers", "onnxruntime"} & set(sys.modules))]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    """Exit code, what was said, and heavy packages by then, of all wrong commands, one after the
    other.
    """
    place = tmp_path_factory.mktemp("early")
    (place / "mine.toml").write_text(CARD)
    (place / "page.pth").write_text("<!DOCTYPE html>")
    (place / "w.onnx").write_text("x")
    (place / "ids.txt").write_text("nobody\n")
    (place / "own.py").write_text("import torch\n\ndef f(image):\n    return image[..., 0]\n")
    for folder, shape in (("images", (8, 8, 3)), ("labels", (8, 8))):
        (place / "data" / folder).mkdir(parents=True)
        Image.fromarray(np.ones(shape, dtype=np.uint8)).save(place / "data" / folder / "a.png")
    given = json.dumps({name: words for name, (words, _) in WRONG.items()})
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
    )
    assert 0 == done.returncode, done.stderr
    assert not (place / "runs").exists()
    found: dict[str, tuple[int, str, list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", WRONG)
def test_wrong_words_are_refused_before_torch_is_loaded(
    refused: dict[str, tuple[int, str, list[str]]], case: str
) -> None:
    code, said, heavy = refused[case]
    assert 2 == code
    assert WRONG[case][1] in said
    assert 1 == len(said.splitlines())
    assert [] == heavy


def test_data_that_must_be_drawn_wait_for_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import cards, opening

    streets = cards.load_card("streets")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert opening.draws(streets, "val", None)
    assert not opening.draws(streets, "val", tmp_path)
    assert not opening.draws(cards.load_card("voc2012"), "val", None)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert opening.draws(streets, "val", None)
    (tmp_path / "streets").mkdir()
    assert not opening.draws(streets, "val", None)
