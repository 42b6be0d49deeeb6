"""A board as a LaTeX table with booktabs, to be put into a paper; it computes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.boards.board_table import Column, Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat

NEEDS = r"% needs \usepackage{booktabs} and \usepackage{graphicx}"
WIDE = 9
"""From so many columns on the table spans both columns of the page."""
UPRIGHT = 12
"""From so many columns on the titles of scores stand upright."""
FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""Shrinks what is wider than the text, and nothing else."""
_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def render(table: Table) -> str:
    """A floating table with caption: measured rows, reported rows, rows that stand apart, each block under a rule."""
    wide = len(table.columns) >= WIDE
    kinds = "".join("r" if column.kind in ("score", "cost") else "l" for column in table.columns)
    lines = [
        NEEDS,
        r"\begin{table*}" if wide else r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(table.title)}.}}",
        rf"\label{{tab:{_slug(table.title)}}}",
        r"\par\smallskip",
        FIT,
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        " & ".join(_title(column, len(table.columns)) for column in table.columns) + r" \\",
    ]
    found = cells.blocks(table)
    for title, rows in found:
        heading = [rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_escaped(title)}}}}} \\"]
        lines += [r"\midrule", *(heading if len(found) > 1 else []), *_rows(rows)]
    lines += [
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip",
        rf"\parbox{{\linewidth}}{{\footnotesize {_notes(table)}}}",
    ]
    return "\n".join([*lines, r"\end{table*}" if wide else r"\end{table}"]) + "\n"


def _slug(title: str) -> str:
    """What a label is made of.

    >>> _slug("streets val: reference models & baselines")
    'streets-val-reference-models-baselines'
    """
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def _notes(table: Table) -> str:
    """What stands below the rows: a caption of five lines would hide what the table is."""
    sentences = [table.note, *table.remarks, *cells.reasons(table)]
    text = _escaped(" ".join(sentence for sentence in sentences if sentence))
    return re.sub(r"`([^`]+)`", r"\\texttt{\1}", text)


def _title(column: Column, columns: int) -> str:
    text = _escaped(column.title)
    return rf"\rotatebox{{90}}{{{text}}}" if columns >= UPRIGHT and column.kind in ("score", "cost") else text


def _rows(rows: Sequence[Row]) -> list[str]:
    return [" & ".join(_cell(cell) for cell in row.cells) + r" \\" for row in rows]


def _cell(cell: str | Score) -> str:
    if isinstance(cell, str):
        return re.sub(r"^(\d+)-(\d+)$", r"\1--\2", _escaped(cell))  # a range of ranks takes an en dash
    number = cells.number(cell).replace(cells.UNDEFINED, "--")
    interval = cells.interval(cell)
    return (rf"\textbf{{{number}}}" if cell.bold else number) + (rf" {{\scriptsize {interval}}}" if interval else "")


def _escaped(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))


FORMAT: TableFormat = render
