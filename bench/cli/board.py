"""`bench board`: show, render, check and extend a leaderboard folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson
from bench.runs.finding import find_record

if TYPE_CHECKING:
    from bench.boards.board_file import Board
    from bench.boards.board_table import Table

app = typer.Typer(no_args_is_help=True, help="Leaderboards: tables in which bold means statistically not worse.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A board: the folder with its board.toml.")]


@app.command("show")
def show(
    folder: Folder,
    *,
    form: Annotated[
        Literal["terminal", "markdown", "latex", "html", "csv", "json"],
        typer.Option("--format", "-f", help="How the table is written."),
    ] = "terminal",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it to a file instead of printing it.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show a board: measured rows with intervals, ranks and tied groups, and published rows as reported.

    Example:  bench board show leaderboards/streets --format latex --out table.tex
    """
    from bench.errors import UsageError

    _, table = _open(folder, quiet=as_json)
    text = _render("json" if as_json else form, table)
    if out is None:
        console.say(text.rstrip("\n"))
        return 0
    try:
        out.expanduser().write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None
    console.note(f"wrote {out}")
    return 0


@app.command("render")
def render(folder: Folder, *, as_json: AsJson = False) -> int:
    """Write the board's README.md."""
    board, table = _open(folder, quiet=as_json)
    path = board.path / "README.md"
    path.write_text(_render("markdown", table), encoding="utf-8", newline="\n")
    if as_json:
        console.say_json({"board": str(board.path), "wrote": str(path)})
    else:
        console.note(f"wrote {path}")
    return 0


@app.command("check")
def check(folder: Folder, *, as_json: AsJson = False) -> int:
    """Fail (exit code 1) when the board's README.md is not what its files give, and say which rows."""
    from bench.render import markdown

    board, table = _open(folder, quiet=as_json)
    path = board.path / "README.md"
    committed = path.read_text(encoding="utf-8") if path.is_file() else None
    findings = markdown.stale(table, committed)
    if as_json:
        console.say_json({"board": str(board.path), "stale": findings})
    elif findings:
        console.say("\n".join([f"{path} is stale:", *(f"  {each}" for each in findings)]))
        console.note(f"bench board render {folder} writes it anew")
    else:
        console.say(f"{path} is up to date")
    return 1 if findings else 0


@app.command("add")
def add(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A run record: its folder, or a folder with exactly one record below it."),
    ],
    folder: Folder,
    *,
    as_json: AsJson = False,
) -> int:
    """Check a run record and copy it (without predictions) into a board."""
    from bench import runs
    from bench.boards import board_file, board_runs

    board = board_file.read(folder.expanduser())
    found = runs.read(find_record(run.expanduser()))
    target = board_file.add(board, found)
    rows = [board_runs.score_run(board.file, each) for each in (*board.runs.values(), found)]
    _, apart = board_runs.split_comparable(rows, board.file)
    reason = next((why for one, why in apart if one.name == found.record.name), "")
    if as_json:
        console.say_json({"board": str(board.path), "added": str(target), "apart": reason or None})
        return 0
    console.say(f"added {target}")
    if reason:
        console.say(f"it is listed apart from the other rows and not ranked: {reason}")
    console.note(f"bench board render {folder} writes the table")
    return 0


def _open(folder: Path, *, quiet: bool) -> tuple[Board, Table]:
    """Read a board and rank its rows, which takes seconds where these are many."""
    from bench import boards
    from bench.boards import board_file

    board = board_file.read(folder.expanduser())
    with console.progress(f"ranking {board.path.name}", "steps", quiet=quiet or not board.runs) as report:
        return board, boards.table(board, progress=report)


def _render(form: str, table: Table) -> str:
    """Write a table in the format of this name: the file of that name in `bench/render/`."""
    from bench.render import board_terminal, data, html, latex, markdown

    renderers = {
        "terminal": board_terminal.render,
        "markdown": markdown.render,
        "latex": latex.render,
        "html": html.render,
        "csv": data.as_csv,
        "json": data.as_json,
    }
    return renderers[form](table)
