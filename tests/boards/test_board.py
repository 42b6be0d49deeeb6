"""Boards: what is measured is ranked and bold by tests alone, what is published never, what differs
stands apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import small_runs

import bench
from bench import boards, runs
from bench.boards import board_file
from bench.boards.board_table import Score, Table
from bench.comparison import compare
from bench.errors import RunError, UsageError

BOARD = """
title = "Blocks val"
dataset = "blocks.toml"
split = "val"
metrics = ["mIoU", "IoU:car"]
primary = "mIoU"
details = ["year"]
"""
PUBLISHED = "name,source,year,mIoU\nold,a paper,2015,61.2\nnew,a paper,2025,99.75\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A board with three runs, two of them as good as equal, and two published rows."""
    folder = tmp_path / "board"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD)
    (folder / "blocks.toml").write_text(small_runs.CARD)
    (folder / "published.csv").write_text(PUBLISHED)
    for name, wrong, model in (("good", 0.1, 0), ("alike", 0.1, 1), ("bad", 0.4, 2)):
        run = small_runs.run(tmp_path / "runs", name, wrong, model=model)
        board_file.add(board_file.read(folder), run)
    return folder


def table_of(folder: Path) -> Table:
    return boards.table(board_file.read(folder))


def scores(table: Table, name: str) -> list[Score]:
    row = next(row for row in (*table.rows, *table.apart) if row.name == name)
    return [cell for cell in row.cells if isinstance(cell, Score)]


def test_measured_rows_come_first_by_the_primary_metric_then_published_ones(place: Path) -> None:
    table = table_of(place)
    values = [scores(table, row.name)[0].value for row in table.rows]
    assert [False, False, False, True, True] == [row.reported for row in table.rows]
    assert sorted(values[:3], reverse=True) == values[:3]  # type: ignore[type-var]
    assert ["bad", "new", "old"] == [row.name for row in table.rows][2:]


def test_progress_rises_to_all_runs_and_metrics(place: Path) -> None:
    told: list[tuple[int, int]] = []
    board = board_file.read(place)
    boards.table(board, progress=lambda done, total: told.append((done, total)))
    total = 3 + len(board.file.metrics)
    assert sorted(told) == told
    assert ((0, total), (total, total)) == (told[0], told[-1])


def test_bold_letters_and_ranks_are_those_of_the_comparison(place: Path) -> None:
    board, table = board_file.read(place), table_of(place)
    found = [board.runs[row.name] for row in table.rows if not row.reported]
    compared = compare(*found, metric="mIoU")
    letters = next(n for n, column in enumerate(table.columns) if column.kind == "letters")
    assert compared.best.tolist() == [scores(table, name)[0].bold for name in compared.names]
    assert [True, True, False] == compared.best.tolist(), "else this test shows nothing"
    assert list(compared.letters) == [row.cells[letters] for row in table.rows[:3]]
    assert compared.ranks.tolist() == [list(row.rank or ()) for row in table.rows[:3]]
    assert "1-2" == table.rows[0].cells[0]


def test_a_class_is_compared_by_itself(place: Path) -> None:
    board, table = board_file.read(place), table_of(place)
    names = [row.name for row in table.rows if not row.reported]
    compared = compare(*(board.runs[name] for name in names), metric="IoU:car")
    assert compared.best.tolist() == [scores(table, name)[1].bold for name in names]
    assert compared.scores.tolist() == [scores(table, name)[1].value for name in names]


def test_every_measured_score_has_its_interval(place: Path) -> None:
    table = table_of(place)
    for row in table.rows[:3]:
        for score in scores(table, row.name):
            assert score.interval is not None
            assert score.interval[0] < (score.value or 0.0) < score.interval[1]


def test_published_rows_are_neither_bold_nor_ranked_however_high(place: Path) -> None:
    table = table_of(place)
    new = next(row for row in table.rows if row.name == "new")
    assert [Score(0.9975, 2), Score(None, 0)] == scores(table, "new")
    assert new.rank is None
    assert "reported: a paper" == new.cells[-1]
    assert any("no bold" in remark for remark in table.remarks)


def test_a_run_on_other_images_stands_apart_with_the_reason(place: Path, tmp_path: Path) -> None:
    before = table_of(place)
    board_file.add(
        board_file.read(place), small_runs.run(tmp_path / "runs", "short", 0.0, images=20)
    )
    table = table_of(place)
    assert before.rows == table.rows, "it changes nothing for the others"
    assert ["short"] == [row.name for row in table.apart]
    assert "image020" in table.apart[0].reason
    assert not any(score.bold for score in scores(table, "short"))


def test_those_that_share_truth_with_most_stay(place: Path, tmp_path: Path) -> None:
    for model, name in enumerate(("first", "second", "third", "fourth")):
        run = small_runs.run(tmp_path / "runs", name, 0.2, images=20, model=model)
        board_file.add(board_file.read(place), run)
    assert {"good", "alike", "bad"} == {row.name for row in table_of(place).apart}


def test_a_changed_truth_stands_apart(place: Path, tmp_path: Path) -> None:
    samples = [small_runs.sample(n, other_truth=n == 3) for n in range(40)]
    board_file.add(
        board_file.read(place),
        small_runs.run(tmp_path / "runs", "odd", 0.1, images=samples, model=3),
    )
    assert "the ground truth differs in image003" in table_of(place).apart[0].reason


def test_scores_are_made_again_from_the_counts(place: Path) -> None:
    path = place / "runs" / "bad" / "run.json"
    before = table_of(place)
    value = board_file.read(place).runs["bad"].record.scores["semantic"]["mIoU"]["value"]
    path.write_text(path.read_text().replace(repr(value), "0.999"))
    assert 0.999 == board_file.read(place).runs["bad"].record.scores["semantic"]["mIoU"]["value"]
    assert before == table_of(place)


def test_the_order_may_be_lowest_first(place: Path) -> None:
    (place / "board.toml").write_text(BOARD + 'order = "lowest first"\n')
    table = table_of(place)
    assert ["bad", "old", "new"] == [table.rows[n].name for n in (0, 3, 4)]
    assert [True, False, False] == [scores(table, row.name)[0].bold for row in table.rows[:3]]
    assert [(1, 1), (2, 3), (2, 3)] == [row.rank for row in table.rows[:3]]


def test_one_run_is_neither_ranked_nor_bold(place: Path, tmp_path: Path) -> None:
    for name in ("alike", "bad"):
        (place / "runs" / name).rename(tmp_path / name)
    table = table_of(place)
    assert not any(score.bold for row in table.rows for score in scores(table, row.name))
    assert "rank" not in [column.kind for column in table.columns]


def test_objects_are_ranked_by_ap(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    folder.mkdir()
    (folder / "blocks.toml").write_text(small_runs.CARD)
    metrics = '["AP", "AP50", "APs", "APm"]'
    (folder / "board.toml").write_text(
        f'title = "B"\ndataset = "blocks.toml"\nsplit = "val"\nmetrics = {metrics}\nprimary = '
        '"AP"\n'
    )
    for name, wrong in (("good", 0.05), ("bad", 0.6)):
        run = small_runs.run(tmp_path / "runs", name, wrong, task="instance", images=30)
        board_file.add(board_file.read(folder), run)
    table = table_of(folder)
    assert ["good", "bad"] == [row.name for row in table.rows]
    assert [True, True, True, False] == [score.bold for score in scores(table, "good")]
    assert None is scores(table, "good")[3].value, "there are no objects of medium size"


def test_the_data_frame_holds_the_same(place: Path) -> None:
    assert "bench.boards" in sys.modules, (
        "importing the module does not take the name from the function"
    )
    frame, table = bench.board(place), table_of(place)
    assert [row.name for row in table.rows] == frame["name"].tolist()
    good = frame[frame["name"] == "good"].iloc[0]
    assert scores(table, "good")[0].value == good["mIoU"]
    assert scores(table, "good")[0].interval == (good["mIoU:low"], good["mIoU:high"])
    assert (1, 2) == (good["rank:low"], good["rank:high"])
    assert np.isnan(frame[frame["name"] == "old"].iloc[0]["mIoU:low"])


def test_add_refuses_what_does_not_belong(place: Path, tmp_path: Path) -> None:
    board = board_file.read(place)
    with pytest.raises(RunError, match="already on the board as runs/good"):
        board_file.add(board, board.runs["good"])
    with pytest.raises(RunError, match="already has a row 'good'"):
        board_file.add(board, small_runs.run(tmp_path / "runs", "good", 0.3))
    other = small_runs.run(
        tmp_path / "runs",
        "x",
        0.1,
        card=small_runs.CARD.replace('name = "blocks"', 'name = "bricks"'),
    )
    with pytest.raises(RunError, match=r"is a run on bricks val; the board .* is for blocks val"):
        board_file.add(board, other)
    assert {"good", "alike", "bad"} == {path.name for path in (place / "runs").iterdir()}


def test_add_copies_the_record_without_predictions(place: Path) -> None:
    assert {"run.json", "counts.npz"} == {path.name for path in (place / "runs" / "good").iterdir()}
    assert "good" == runs.read(place / "runs" / "good").record.name


WRONG_BOARDS = {
    "unknown key": ("metrics =", "metric =", "unknown key 'metric': did you mean metrics"),
    "missing": ('primary = "mIoU"', "", "the key 'primary' is missing"),
    "type": ('split = "val"', "split = 3", "split: expected str, got int"),
    "primary": (
        'primary = "mIoU"',
        'primary = "mIOU"',
        "primary names 'mIOU', which is not in metrics: did you mean mIoU",
    ),
    "class": ("IoU:car", "IoU:cart", "'IoU:cart': did you mean car"),
    "twice": ('"IoU:car"', '"mIoU"', "'mIoU' occurs twice in metrics"),
    "card": ('"blocks.toml"', '"blox.toml"', "no card at"),
    "order": ("details", 'order = "up"\ndetails', "order"),
    "toml": ("title =", "title", "is not valid TOML"),
}


@pytest.mark.parametrize("case", WRONG_BOARDS)
def test_a_wrong_board_file_names_file_and_key(case: str, place: Path) -> None:
    old, new, message = WRONG_BOARDS[case]
    (place / "board.toml").write_text(BOARD.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"board\.toml") as found:
        board_file.read(place)
    assert message in str(found.value)


WRONG_ROWS = {
    "column": ("name,source,miou\na,b,1\n", "unknown column 'miou'"),
    "semicolons": ("name;source;mIoU\na;b;1\n", "separate the columns by commas"),
    "missing": ("name,mIoU\na,1\n", "the column 'source' is missing"),
    "fields": ("name,source,mIoU\na,b\n", "line 2: 2 fields, but the header has 3"),
    "number": ("name,source,mIoU\na,b,high\n", "line 2, column 'mIoU': 'high' is not a percentage"),
    "percent": ("name,source,mIoU\na,b,101\n", "'101' is not a percentage"),
    "source": ("name,source,mIoU\na,,1\n", "line 2: name and source"),
}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_table_of_a_spreadsheet_is_read(place: Path, mark: bytes) -> None:
    expected = board_file.read(place).published
    (place / "published.csv").write_bytes(
        mark + PUBLISHED.encode().replace(b"\n", b"\r\n") + b"\r\n"
    )
    assert expected == board_file.read(place).published


def test_a_table_that_is_no_utf_8_is_named(place: Path) -> None:
    (place / "published.csv").write_bytes(PUBLISHED.encode("utf-16"))
    with pytest.raises(UsageError, match=r"published\.csv is not UTF-8; .* 'CSV UTF-8'"):
        board_file.read(place)


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_a_wrong_published_row_names_line_and_column(case: str, place: Path) -> None:
    text, message = WRONG_ROWS[case]
    (place / "published.csv").write_text(text)
    with pytest.raises(UsageError, match=r"published\.csv") as found:
        board_file.read(place)
    assert message in str(found.value)


def test_the_readme_tells_every_key(repository: Path) -> None:
    text = (repository / "leaderboards" / "README.md").read_text(encoding="utf-8")
    assert [] == [
        key for key in board_file.BoardFile.__struct_fields__ if f"| `{key}` |" not in text
    ]


def test_a_folder_without_a_board_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a board: it has no board\.toml"):
        board_file.read(tmp_path)
