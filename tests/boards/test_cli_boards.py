"""`bench board` as a person meets it: from predictions to a table in every format, and a stale page
that fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_runs
from PIL import Image

BOARD = """
title = "Blocks val"
dataset = "blocks.toml"
split = "val"
metrics = ["mIoU", "IoU:*"]
primary = "mIoU"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A data set of twelve images on disk, and a board without rows."""
    folder = tmp_path / "board"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD)
    (folder / "blocks.toml").write_text(small_runs.CARD.replace('groups = "sequence"', ""))
    for n in range(12):
        Image.fromarray(small_runs.truth_labels(n)).save(tmp_path / f"image{n:03}.png")
        Image.new("RGB", (16, 16)).save(tmp_path / f"image{n:03}.jpg")
    return tmp_path


def evaluated(
    bench: Callable[..., tuple[int, str, str]], place: Path, name: str, *more: str
) -> str:
    card = place / "board" / "blocks.toml"
    where = ["-d", card, "--data", place, "--out", place / "runs", "--json"]
    code, out, _ = bench("eval", "-p", f"baseline:{name}", *where, *more)
    assert 0 == code
    return str(json.loads(out)["path"])


def test_from_baselines_to_a_page(place: Path, bench: Any) -> None:
    board = place / "board"
    for name in ("constant", "shuffled", "damaged"):
        code, out, err = bench("board", "add", evaluated(bench, place, name), board)
        assert (0, True) == (code, f"runs/{name}" in out)
        assert "bench board render" in err
    code, out, _ = bench("board", "check", board)
    assert (1, True) == (code, "there is no README.md yet" in out)
    code, out, _ = bench("board", "render", board, "--json")
    assert (0, str(board / "README.md")) == (code, json.loads(out)["wrote"])
    assert "is up to date" in bench("board", "check", board)[1]
    page = (board / "README.md").read_text()
    assert ["damaged", "shuffled", "constant"] == [
        line.split(" | ")[1] for line in page.splitlines() if line.startswith("| ")
    ][2:]
    (board / "README.md").write_text(page.replace("damaged", "damged"))
    code, out, _ = bench("board", "check", board, "--json")
    assert 1 == code
    assert json.loads(out)["stale"][0].startswith("row damaged: now")


def test_every_format_goes_to_a_file_or_the_screen(place: Path, bench: Any) -> None:
    board = place / "board"
    bench("board", "add", evaluated(bench, place, "damaged"), board)
    begins = {
        "terminal": "Blocks val",
        "markdown": "# Blocks val",
        "latex": "% needs",
        "html": "<!doctype html>",
    }
    begins |= {"csv": "name,", "json": "{"}
    for form, begin in begins.items():
        code, out, _ = bench("board", "show", board, "--format", form)
        assert (0, True) == (code, out.startswith(begin))
        bench("board", "show", board, "--format", form, "--out", place / "file")
        assert out == (place / "file").read_text()
    assert json.loads(bench("board", "show", board, "--json")[1])["rows"][0]["name"] == "damaged"


def test_a_row_that_cannot_be_compared_is_added_apart(place: Path, bench: Any) -> None:
    board = place / "board"
    bench("board", "add", evaluated(bench, place, "damaged"), board)
    few = evaluated(bench, place, "constant", "--limit", "5")
    code, out, _ = bench("board", "add", few, board)
    assert 0 == code
    assert "listed apart" in out
    assert "image005" in out


def test_mistakes_are_one_sentence(place: Path, bench: Any) -> None:
    board = place / "board"
    run = evaluated(bench, place, "damaged")
    assert 0 == bench("board", "add", run, board)[0]
    code, _, err = bench("board", "add", run, board)
    assert (2, True) == (code, "already on the board" in err)
    code, _, err = bench("board", "show", place)
    assert (2, True) == (code, "it has no board.toml" in err)
    code, _, err = bench("board", "show", board, "--out", place / "no" / "file")
    assert (2, True) == (code, "cannot write" in err)
    code, _, err = bench(
        "eval", "-p", "baseline:orakle", "-d", board / "blocks.toml", "--data", place
    )
    assert (2, True) == (code, "baseline:orakle: did you mean oracle?" in err)
