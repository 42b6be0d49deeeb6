"""Where data are looked for: folders one level too high or too low, BENCH_DATA, and files in place
of folders.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import cards
from bench.errors import DataError
from bench.opening import open_data

PAIRS = """name = "cells"
title = "Cells"
layout = "pairs"
tasks = ["semantic"]
obtain = "Ask the laboratory. DIR is the folder that holds masks/."
classes = [{ id = 0, train_id = 0, name = "ground" }, { id = 1, train_id = 1, name = "cell" }]
[files]
images = "images/{id}.png"
labels = "masks/{id}.png"
[splits.val]
"""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    (tmp_path / "cells.toml").write_text(PAIRS)
    path = tmp_path / "grey" / "masks" / "a.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(path)
    return str(tmp_path / "cells.toml")


def said(dataset: str, root: Path | None, layout: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        open_data(dataset, root=root, layout_name=layout)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_one_level_too_high_or_too_low_is_told_from_the_right_one(
    tmp_path: Path, card: str
) -> None:
    assert 1 == len(open_data(card, root=tmp_path / "grey").samples)
    right = f"it is in {tmp_path / 'grey'}: use --data {tmp_path / 'grey'}"
    for root in (tmp_path, tmp_path / "grey" / "masks"):
        assert f"{root}: no label file matches masks/{{id}}.png; {right}" == said(card, root)


def test_what_lies_there_and_what_the_card_says_is_told(tmp_path: Path, card: str) -> None:
    other = tmp_path / "else"
    (other / "labels").mkdir(parents=True)
    (other / "notes.txt").write_text("mine")
    assert (
        f"{other}: no label file matches masks/{{id}}.png, and it holds labels/, notes.txt; the "
        "card says: Ask the laboratory. DIR is the folder that holds masks/"
    ) == said(card, other)


TREES = {
    "cityscapes": "gtFine/val/ulm/ulm_000000_000001_gtFine_labelIds.png",
    "voc2012": "SegmentationClass/a.png",
    "coco-instances": "annotations/instances_val2017.json",
    "lvis": "lvis_v1_val.json",
}


@pytest.mark.parametrize("name", TREES)
def test_every_layout_says_where_the_truth_lies(tmp_path: Path, name: str) -> None:
    right = tmp_path / "up" / "right"
    (right / TREES[name]).parent.mkdir(parents=True)
    (right / TREES[name]).write_bytes(b"")
    (right / "inside").mkdir()
    for root in (tmp_path / "up", right / "inside"):
        if root.name == "inside":
            (root / "x").write_text("")
        assert f"use --data {right}" in said(name, root)
    (tmp_path / "far" / "away").mkdir(parents=True)
    message = said(name, tmp_path / "far")
    assert "it holds away/" in message
    assert f"bench prepare --dataset {name} --data DIR says what DIR holds" in message


def test_bench_data_is_named_where_it_is_wrong(
    tmp_path: Path, card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", "/nope")
    for dataset in (card, "streets"):
        message = said(dataset, None)
        assert message.startswith("BENCH_DATA=/nope: there is no such folder")
        assert "--data" not in message
    (tmp_path / "bare").mkdir()
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "bare"))
    assert said(card, None).startswith(f"BENCH_DATA={tmp_path / 'bare'}: this folder is empty")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "grey"))
    assert 1 == len(open_data(card).samples)


def test_streets_are_those_below_bench_data_or_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.streets.dataset.cached", lambda *_, **__: tmp_path / "drawn")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    for place in ("drawn", "streets"):
        path = tmp_path / place / "gtFine" / "val" / "ulm" / "ulm_000000_000001_gtFine_labelIds.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.zeros((3, 4), np.uint8)).save(path)
        assert tmp_path / place == open_data("streets").root


def test_a_file_in_place_of_a_folder_says_what_reads_it(tmp_path: Path) -> None:
    truth, archive = tmp_path / "truth.json", tmp_path / "a.zip"
    for path in (truth, archive):
        path.write_text("{}")
    message = said("cityscapes", truth)
    assert "truth.json: this is a file; Cityscapes comes as a folder" in message
    assert "--layout coco reads it as a truth JSON of COCO's form" in message
    assert said("cityscapes", archive).endswith("unpack it first")
    assert "coco" == cards.load_card("cityscapes").in_layout("coco").layout
