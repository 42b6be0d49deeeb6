"""Trainings of one model on a board: a row for their mean with both kinds of noise, beside the rows
of the runs.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import small_runs

from bench import boards
from bench.boards import board_file
from bench.boards.board_table import Score, Table
from bench.comparison.seeds import compare_seeds
from bench.errors import UsageError
from bench.render.board import csv as csv_format
from bench.render.board import html, latex, markdown, terminal

BOARD = """
title = "Blocks val"
dataset = "blocks.toml"
split = "val"
metrics = ["mIoU", "IoU:car", "pixel_accuracy"]
primary = "mIoU"
"""
SEEDS = '[[seeds]]\nname = "net"\nruns = ["net", "net-seed2", "net-seed3"]\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with three trainings of one model and a run of another."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "board.toml").write_text(BOARD)
    (folder / "blocks.toml").write_text(small_runs.CARD)
    for n, (name, wrong) in enumerate(
        {"net": 0.1, "net-seed2": 0.13, "net-seed3": 0.17, "other": 0.4}.items()
    ):
        run = small_runs.run(folder / "made", name, wrong, model=n, images=12)
        board_file.add(board_file.read(folder), run)
    (folder / "board.toml").write_text(BOARD + SEEDS)
    return folder


@pytest.fixture(scope="module")
def table(place: Path) -> Table:
    return boards.table(board_file.read(place))


def test_the_mean_stands_beside_the_runs_with_both_errors(place: Path, table: Table) -> None:
    board = board_file.read(place)
    assert ["net", "net-seed2", "net-seed3", "other"] == [row.name for row in table.rows]
    assert ["net (3 seeds)"] == [row.name for row in table.means]
    cells = {c.key: cell for c, cell in zip(table.columns, table.means[0].cells, strict=True)}
    model = compare_seeds(
        {"net": [board.runs[name] for name in ("net", "net-seed2", "net-seed3")]}, by_class=True
    )
    for key, effect in (
        ("mIoU", model.models[0].mean),
        ("IoU:car", model.models[0].classes["car"]),
    ):
        cell = cells[key]
        assert isinstance(cell, Score)
        assert effect.value == pytest.approx(cell.value)
        assert (effect.image_error, effect.seed_error) == pytest.approx(cell.errors)
        assert effect.interval is not None
        assert model.declared.clipped(effect.interval.ends) == pytest.approx(cell.interval)
        assert not cell.bold
    seed, images = 100 * model.models[0].mean.seed_error, 100 * model.models[0].mean.image_error
    assert (
        f"mean; standard error of mIoU: {images:.2f} from images, {seed:.2f} from seeds"
        == cells["source"]
    )


def test_every_format_shows_it(table: Table) -> None:
    for render in (terminal.render, markdown.render, html.render, latex.render):
        page = render(table)
        assert "Means over seeds" in page
        assert "net (3 seeds)" in page
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(csv_format.render(table)))}
    assert float(rows["net (3 seeds)"]["mIoU:seed_error"]) > 0
    assert "" == rows["net"]["mIoU:seed_error"]


def test_a_page_without_the_mean_is_stale(place: Path, table: Table) -> None:
    fresh = markdown.render(table)
    assert [] == markdown.stale(table, fresh)
    without = "\n".join(line for line in fresh.split("\n") if "net (3 seeds)" not in line)
    assert "row net (3 seeds): now" in markdown.stale(table, without)[0]


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (
            '[[seeds]]\nname = "net"\nruns = ["net", "net-sed2"]',
            "there is no row 'net-sed2': did you mean net-seed2",
        ),
        ('[[seeds]]\nname = "net"\nruns = ["net"]', "runs must list at least two rows"),
        ('[[seeds]]\nname = "net"\nruns = ["net", "net"]', "the row 'net' is listed twice"),
        (
            '[[seeds]]\nname = "net"\nrun = ["net", "net-seed2"]',
            "unknown key 'run': did you mean runs",
        ),
        ('[[seeds]]\nname = "net"', "the key 'runs' is missing"),
    ],
)
def test_what_is_wrong_with_seeds_is_said(
    place: Path, tmp_path: Path, seeds: str, message: str
) -> None:
    for name in ("blocks.toml", "runs"):
        (tmp_path / name).symlink_to(place / name)
    (tmp_path / "board.toml").write_text(BOARD + seeds)
    with pytest.raises(UsageError) as found:
        board_file.read(tmp_path)
    assert message in str(found.value)
