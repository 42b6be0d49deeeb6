"""Words that people try first, help, and what is printed when the words of a command are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.cli import board, commands, console


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("-h",)])
def test_help_goes_to_standard_output(bench: Any, words: tuple[str, ...]) -> None:
    code, out, err = bench(*words)
    assert (0, "") == (code, err)
    assert out.lower().startswith("usage: bench [options] command")


@pytest.mark.parametrize("words", [("board",), ("help", "board"), ("board", "--help")])
def test_help_of_boards_lists_their_commands(bench: Any, words: tuple[str, ...]) -> None:
    code, out, err = bench(*words)
    assert (0, "") == (code, err)
    assert all(name in out for name in ("show", "render", "check", "add"))
    # Summaries are whole sentences, also where the docstring folds them.
    assert 1 + len(board.COMMANDS) == sum(line.endswith(".") for line in out.splitlines())


def test_help_of_one_command(bench: Any) -> None:
    assert bench("run", "--help") == bench("help", "run")
    assert bench("board", "add", "-h") == bench("help", "board", "add")


@pytest.mark.parametrize("option", ["--metrics", "--layout"])
def test_help_names_the_forms_of_own_code(bench: Any, option: str) -> None:
    _, out, _ = bench("eval", "--help")
    text = " ".join(out.partition(f"  {option} ")[2].partition("\n      --")[0].split())
    assert "package.module:Name or file.py:Name" in text


def test_help_of_run_is_in_groups_and_in_words(bench) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = bench("run", "--help")
    titles = [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    expected = [
        "Example",
        "Input",
        "Model",
        "Prediction",
        "Speed",
        "Metrics",
        "Object metrics",
        "Intervals",
        "Output",
    ]
    assert [f"{title}:" for title in (*expected, "Options")] == titles
    assert "<" not in out
    assert "  -d, --dataset NAME|CARD.toml\n" in out
    assert "      --device auto|cpu|cuda  Device that the network runs on. [default: auto]\n" in out


@pytest.mark.parametrize("name", commands.all_names())
@pytest.mark.parametrize("columns", [80, 110])
def test_help_fits_the_terminal(  # type: ignore[no-untyped-def]
    bench, monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = bench(*name.split(), "--help")
    lines = [
        line for line in out.splitlines() if not line.startswith("    bench ")
    ]  # to be copied whole
    longest = max(map(len, lines))
    assert longest <= columns
    if name == "run":  # it has the longest texts, which use the whole width
        assert longest > columns - 15


@pytest.mark.parametrize("words", [(), ("board",)])
def test_overviews_fit_the_terminal_and_cut_nothing(  # type: ignore[no-untyped-def]
    bench, monkeypatch: pytest.MonkeyPatch, words
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = bench(*words)
    assert max(map(len, out.splitlines())) <= 80
    assert "..." not in out


def test_every_command_is_in_the_overview(bench) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = bench()
    for name in commands.NAMES:
        assert f"\n  {name} " in out


@pytest.mark.parametrize("word", ["version", "-V", "--version"])
def test_version(bench: Any, word: str) -> None:
    code, out, _ = bench(word)
    assert 0 == code
    assert out.startswith("bench ")
    assert "kernels, Python" in out


def test_wrong_words_are_json_where_json_is_asked_for(bench: Any) -> None:
    code, out, err = bench("eval", "--json", "--predictoins", "x")
    found = json.loads(out)["error"]
    assert (2, "UsageError", 2) == (code, found["kind"], found["exit_code"])
    assert "did you mean --predictions or" in found["message"]
    assert found["message"] in err


def test_lines_of_progress_tell_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    lines = console._Lines("deeplab on streets", "images")
    lines._begin = lines._last = 0.0
    now = iter([0.0, 20.0, 40.0])
    lines._clock = lambda: next(now)
    lines(100, 500)  # a resumed run: the first hundred took no time of this one
    lines(200, 500)
    lines(500, 500)
    told = capsys.readouterr().err.splitlines()
    assert [
        "deeplab on streets: 200 of 500 images, 20 s, about 60 s left",
        "deeplab on streets: 500 of 500 images, 40 s",
    ] == told
