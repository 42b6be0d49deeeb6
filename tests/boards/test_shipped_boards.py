"""The boards that ship are up to date and as published, and the shipped model still scores what it
scored.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from bench import boards, cli
from bench.boards import board_file
from bench.render.board import markdown

FOLDER = Path(__file__).parents[2] / "leaderboards"
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
    assert {*PUBLISHED, "streets", "streets-instance"} <= set(NAMES)


# Pairs of measured rows are tested again, which takes a while.
MARKED = [
    pytest.param(name, marks=pytest.mark.slow) if name.startswith("streets") else name
    for name in NAMES
]


@pytest.mark.parametrize("name", MARKED)
def test_its_page_is_up_to_date(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert [] == markdown.stale(boards.table(board_file.read(FOLDER / name)), page)


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_published_rows_are_those_of_the_papers(name: str, repository: Path) -> None:
    source = repository.parent / "shared" / "published" / PUBLISHED[name]
    if not source.is_file():
        pytest.skip("the published figures are not at hand")
    with source.open(newline="", encoding="utf-8") as file:
        theirs = sorted(
            sorted(field for key, field in row.items() if field) for row in csv.DictReader(file)
        )
    board = board_file.read(FOLDER / name)
    ours = sorted(
        sorted(
            [
                row.name,
                *row.details.values(),
                *(f"{100 * f.value:.{f.digits}f}" for f in row.figures.values()),
            ]
        )
        for row in board.published
    )
    assert theirs == ours


@pytest.fixture(scope="module")
def tool(repository: Path) -> Any:
    """The tool that made the committed record, whose scenes and arguments these tests use."""
    place = importlib.util.spec_from_file_location(
        "reference_record", repository / "tools" / "reference_record.py"
    )
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scenes(tool: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes")
    tool.draw(root)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "expected"),
    [([], (0, "pass")), (["--input-size", "64x128"], (1, "fail"))],
    ids=["as it is", "broken"],
)
def test_the_shipped_model_scores_what_its_committed_run_says(
    tool: Any,
    scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    more: list[str],
    expected: Any,
) -> None:
    """A run of today is held against the record: what changes reading, inference or scoring fails,
    as a broken one.
    """
    pytest.importorskip("torch", reason="the extra models is not installed")
    assert 0 == cli.main([*tool.arguments(scenes, tmp_path / "runs"), *more])
    settings = tmp_path / "bench.toml"
    settings.write_text(
        f'[[checks]]\nname = "deeplab"\nrun = "{(tmp_path / "runs").as_posix()}"\n'
        f'baseline = "{tool.RECORD.as_posix()}"\nmetrics = ["mIoU"]\nmargin = 0.5\n'
    )
    capsys.readouterr()
    code = cli.main(["check", "-c", str(settings), "--json"])
    (found,) = json.loads(capsys.readouterr().out)["checks"]
    assert expected == (code, found["outcome"])
