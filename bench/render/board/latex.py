"""A board as a LaTeX table with booktabs, for papers; it computes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.boards.board_table import Column, Row, Score, Table
from bench.render import cells
from bench.render.board import TableFormat

NEEDS = r"% needs \usepackage{booktabs} and \usepackage{graphicx}"
WIDE = 9
"""From this number of columns on, the table spans both columns of the page."""
ROTATED = 12
"""From this number of columns on, the titles of scores are rotated."""
FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""Shrinks a table only if it is wider than the text."""
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
    """A floating table with a caption, and a rule between the blocks of rows."""
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
    blocks = cells.blocks(table)
    for title, rows in blocks:
        lines.append(r"\midrule")
        if len(blocks) > 1:
            heading = rf"{{{len(table.columns)}}}{{l}}{{\emph{{{_escaped(title)}}}}}"
            lines.append(rf"\multicolumn{heading} \\")
        lines += _rows(rows)
    lines += [
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip",
        rf"\parbox{{\linewidth}}{{\footnotesize {_notes(table)}}}",
    ]
    return "\n".join([*lines, r"\end{table*}" if wide else r"\end{table}"]) + "\n"


def _slug(title: str) -> str:
    """The title as a label.

    >>> _slug("streets val: reference models & baselines")
    'streets-val-reference-models-baselines'
    """
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def _notes(table: Table) -> str:
    """Note, remarks and reasons for below the table, because they are too long for a caption."""
    sentences = [table.note, *table.remarks, *cells.reasons(table)]
    text = _escaped(" ".join(sentence for sentence in sentences if sentence))
    return re.sub(r"`([^`]+)`", r"\\texttt{\1}", text)


def _title(column: Column, columns: int) -> str:
    text = _escaped(column.title)
    rotated = columns >= ROTATED and column.kind in ("score", "cost")
    return rf"\rotatebox{{90}}{{{text}}}" if rotated else text


def _rows(rows: Sequence[Row]) -> list[str]:
    return [" & ".join(_cell(cell) for cell in row.cells) + r" \\" for row in rows]


def _cell(cell: str | Score) -> str:
    if isinstance(cell, str):
        # A range of ranks takes an en dash.
        return re.sub(r"^(\d+)-(\d+)$", r"\1--\2", _escaped(cell))
    number = cells.number(cell).replace(cells.UNDEFINED, "--")
    if cell.bold:
        number = rf"\textbf{{{number}}}"
    interval = cells.interval(cell)
    return rf"{number} {{\scriptsize {interval}}}" if interval else number


def _escaped(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))


FORMAT: TableFormat = render
