"""Columns of cost on a board: in every format, published too, and a word on where they were
measured.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import small_runs

from bench import boards, runs
from bench.boards import board_file
from bench.errors import UsageError
from bench.render.board import csv as csv_format
from bench.render.board import html, latex, markdown, terminal
from bench.render.board import json as json_format

BOARD = """
title = "Blocks val"
dataset = "blocks.toml"
split = "val"
metrics = ["mIoU"]
primary = "mIoU"
cost = ["parameters", "images/s", "p50 ms", "memory"]
"""
PUBLISHED = "name,source,parameters,mIoU\nold,a paper,134.5,61.2\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A board with two runs of which one was measured on a device, and a published row."""
    folder = tmp_path / "board"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD)
    (folder / "blocks.toml").write_text(small_runs.CARD)
    (folder / "published.csv").write_text(PUBLISHED)
    for name, wrong, device in (("fast", 0.1, "H200"), ("slow", 0.4, "A100")):
        add(folder, small_runs.run(tmp_path / "runs", name, wrong), device)
    return folder


def add(folder: Path, run: runs.Run, device: str) -> None:
    cost = {
        "device": device,
        "threads": None,
        "flops": None,
        "latency": {"p50_ms": 12.345, "p95_ms": 20.0},
        "peak_memory_bytes": 3 * 2**29,
    }
    timings = {"images_per_second": 81.23, "cost": cost}
    model = {"kind": "model", "parameters": 27_650_000, "of": run.record.name}
    run = replace(run, record=msgspec.structs.replace(run.record, timings=timings, model=model))
    runs.write(run)
    board_file.add(board_file.read(folder), run)


def test_every_format_shows_costs(place: Path) -> None:
    table = boards.table(board_file.read(place))
    columns = [column.title for column in table.columns if column.kind == "cost"]
    assert ["parameters (M)", "images/s", "p50 (ms)", "memory (GiB)"] == columns
    line = next(
        line for line in markdown.render(table).splitlines() if line.startswith("| 1 | fast")
    )
    assert ["27.6", "81.2", "12.3", "1.50"] == [word.strip() for word in line.split("|")][-7:-3]
    for page in (terminal.render(table), html.render(table), latex.render(table)):
        assert all(word in page for word in ("27.6", "81.2", "12.3", "1.50", "134.5"))
    (fast, slow, old) = csv.DictReader(io.StringIO(csv_format.render(table)))
    assert ("27.6", "12.3", "81.2") == (fast["parameters"], fast["p50 ms"], slow["images/s"])
    assert ("134.5", "", "") == (old["parameters"], old["images/s"], old["memory"])
    rows: list[dict[str, Any]] = json.loads(json_format.render(table))["rows"]
    assert [27.6, 27.6, 134.5] == [row["parameters"] for row in rows]
    assert [1.5, 1.5, None] == [row["memory"] for row in rows]


def test_devices_are_named(place: Path, tmp_path: Path) -> None:
    remarks = boards.table(board_file.read(place)).remarks
    expected = (
        "Measured on A100 and H200: images/s, p50 ms, memory; figures of different "
        "devices are not comparable."
    )
    assert expected in remarks
    (place / "board.toml").write_text(BOARD.replace('"images/s", "p50 ms", "memory"', '"GFLOPs"'))
    assert not any(
        "Measured on" in remark for remark in boards.table(board_file.read(place)).remarks
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"p50 ms"', '"p50"', r"cost: 'p50': did you mean"),
        ('"p50 ms"', '"memory"', "'memory' occurs twice in cost and details"),
        (
            "cost =",
            'details = ["parameters"]\ncost =',
            "'parameters' occurs twice in cost and details",
        ),
    ],
)
def test_wrong_costs_are_refused(place: Path, old: str, new: str, message: str) -> None:
    (place / "board.toml").write_text(BOARD.replace(old, new))
    with pytest.raises(UsageError, match=message):
        board_file.read(place)


def test_a_published_cost_is_a_number(place: Path) -> None:
    (place / "published.csv").write_text(PUBLISHED.replace("134.5", "134.5M"))
    with pytest.raises(
        UsageError, match=r"line 2, column 'parameters': '134.5M' is not a number such as 27.7"
    ):
        board_file.read(place)
