"""A shipped card is one file in `datasets/`: the command line and the contract find it there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from card_contract import check_label_maps, check_truth, load_card

from bench import cards
from bench.cli import main

CARD = """name = "cells"
title = "Cells"
layout = "pairs"
tasks = ["semantic"]
licence = "made up for a test, and free of any terms"
cite = "this test, which makes the images up from the card"
obtain = "nothing to fetch: the test writes the images itself"
void = []
colors = true
classes = [
    { id = 0, train_id = 0, name = "ground", color = [0, 0, 0] },
    { id = 1, train_id = 1, name = "cell", color = [255, 0, 0], thing = true },
]
[files]
images = "{split}/images/{id}.png"
labels = "{split}/labels/{id}.png"
[splits.val]
images = 2
"""
OTHERS = {
    "void of its own": ("void = []\ncolors = true\n", "void = [7]\n"),
    "no void": ("void = []\ncolors = true\n", "void = []\n"),
    "threshold": ("void = []\ncolors = true\n", "threshold = 128\n"),
    "colour of void": (
        "classes = [\n",
        'classes = [\n    { id = 2, name = "dirt", color = [0, 0, 9] },\n',
    ),
}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped cards with one more."""
    folder = tmp_path / "datasets"
    folder.mkdir()
    for name in cards.names():
        (folder / f"{name}.toml").write_bytes((cards.folder() / f"{name}.toml").read_bytes())
    (folder / "cells.toml").write_text(CARD)
    monkeypatch.setattr(cards, "folder", lambda: folder)
    return folder


def test_the_command_line_finds_the_card(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["list", "datasets", "--json"])
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["datasets"]}
    assert "Cells" == listed["cells"]["title"]
    check_truth(cards.load_card("cells"), tmp_path / "data")
    found = str(tmp_path / "data" / "val" / "labels")
    arguments = [
        "eval",
        "-d",
        "cells",
        "--data",
        str(tmp_path / "data"),
        "-p",
        found,
        "--out",
        str(tmp_path / "runs"),
    ]
    assert 0 == main([*arguments, "--json"])
    assert 1 == json.loads(capsys.readouterr().out)["scores"]["semantic"]["mIoU"]["value"]


@pytest.mark.parametrize(
    ("old", "new"), [("", ""), *OTHERS.values()], ids=["no void, colours", *OTHERS]
)
def test_the_contract_holds(shipped: Path, tmp_path: Path, old: str, new: str) -> None:
    assert old in CARD
    (shipped / "cells.toml").write_text(CARD.replace(old, new))
    check_truth(load_card("cells"), tmp_path / "truth")
    check_label_maps(load_card("cells"), tmp_path / "predictions")
