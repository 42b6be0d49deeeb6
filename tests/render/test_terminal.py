"""The report of a run for the terminal: tables fit, whatever they hold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench.families import shipped
from bench.render.prose import filled, width
from bench.render.terminal import group_tables
from bench.scoring.descriptions import GroupDescription

EVERYTHING = GroupDescription(
    "", {metric.name: metric for each in shipped().values() for metric in each.metrics}, {}
)


def scores(*names: str) -> dict[str, Any]:
    return {name: {"value": 1.0, "interval": [0.99, 1.0], "level": 0.95} for name in names}


@pytest.mark.parametrize(
    ("terminal", "expected"), [("40", 80), ("80", 80), ("97", 97), ("200", 120)]
)
def test_lines_fit_the_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: str, expected: int
) -> None:
    monkeypatch.setenv("COLUMNS", terminal)
    lines = filled(["few images carry " + "road, " * 60 + "car"]).splitlines()
    assert expected == width()
    assert expected - 6 <= max(map(len, lines)) <= expected


def test_without_a_terminal_lines_have_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    assert 80 == width()


def test_headings_of_wide_tables_take_several_lines() -> None:
    names = ("precision", "recall", "F1", "best_precision", "best_recall", "best_F1")
    table = group_tables({"per_class": {"traffic light": scores(*names)}}, EVERYTHING)[2]
    first, second, row = table.splitlines()
    assert max(map(len, table.splitlines())) < width()
    assert ["best", "best", "best"] == first.split()
    expected = [
        "class",
        "F1 %",
        "95 % interval",
        "precision %",
        "recall %",
        "precision %",
        "recall %",
        "F1 %",
    ]
    assert expected == re.split(" {2,}", second)
    assert row.startswith("traffic light  100.00  [99.00, 100.00]")


def test_the_first_line_says_over_how_many_classes_means_run() -> None:
    group = {**scores("AP50", "AP70"), "classes": {"scored": 5, "of": 19, "in": "truth"}}
    first, second = group_tables(group, EVERYTHING)[0].splitlines()[1:]
    assert "AP50  100.00  [99.00, 100.00]  over 5 of 19 classes (in the ground truth)" == first
    assert "AP70  100.00  [99.00, 100.00]" == second.rstrip()


def test_narrow_tables_keep_headings_in_one_line() -> None:
    table = group_tables({"per_class": {"car": scores("found", "class_accuracy")}}, EVERYTHING)[2]
    assert "class      found %  95 % interval      class accuracy %" == table.splitlines()[0]


def test_tolerances_of_boundaries_are_words_in_tables_of_classes() -> None:
    names = ("IoU", "Dice", "accuracy", "iIoU", "boundary_IoU", "boundary_F_0.00088")
    table = group_tables({"per_class": {"traffic light": scores(*names)}}, EVERYTHING)[2]
    assert ["boundary"] == table.splitlines()[0].split()
    assert ["boundary", "F", "at"] == table.splitlines()[1].split()
    assert table.splitlines()[2].endswith("IoU %  0.00088 %")
