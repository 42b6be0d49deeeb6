"""The boards that ship: each can be read, its page is up to date, and its published rows are as they were published."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench import board_file, boards
from bench.render import markdown

FOLDER = Path(__file__).parents[1] / "leaderboards"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/board.toml"))
PUBLISHED = {
    "cityscapes-test": "cityscapes-test-miou.csv",
    "cityscapes-val": "cityscapes-val-iou.csv",
    "cityscapes-val-boundary": "cityscapes-val-boundary-f.csv",
    "cityscapes-val-distance": "cityscapes-val-distance-miou.csv",
    "coco-test-dev-mask": "coco-test-dev-mask-ap.csv",
    "voc2012-val": "voc2012-val-miou.csv",
}


def test_all_of_them_are_there() -> None:
    assert {*PUBLISHED, "streets"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_page_is_up_to_date(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert [] == markdown.stale(boards.table(board_file.read(FOLDER / name)), page)


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_published_rows_are_those_of_the_papers(name: str, repository: Path) -> None:
    source = repository.parent / "shared" / "published" / PUBLISHED[name]
    if not source.is_file():
        pytest.skip("the published figures are not at hand")
    with source.open(newline="", encoding="utf-8") as file:
        theirs = sorted(sorted(field for key, field in row.items() if field) for row in csv.DictReader(file))
    board = board_file.read(FOLDER / name)
    ours = sorted(
        sorted([row.name, *row.details.values(), *(f"{100 * f.value:.{f.digits}f}" for f in row.figures.values())])
        for row in board.published
    )
    assert theirs == ours
